"""Which paths a client may name."""

from __future__ import annotations

from autotrack.exceptions import AutotrackException

UPLOADS = ".unfinished"  # SeaweedFS lists nobody what lies in .uploads, where it keeps parts of its own
"""Where the parts of unfinished uploads lie, out of every client's reach."""

MOST_BYTES = 1024
"""The longest key that S3 takes."""


def checked(path: str, *, root: bool = False) -> str:
    """A path as it came in, if it names something strictly below the root; raises for any other.

    With ``root`` the empty path is the root itself, as one lists it. What is refused is refused before any decoding
    or joining, so a store never sees a path that could mean two things.
    """
    if not path and root:
        return ""
    parts = path.split("/")
    if (
        not all(parts)
        or "." in parts
        or ".." in parts
        or "\\" in path
        or "\0" in path
        or parts[0] == UPLOADS
        or _length(path) > MOST_BYTES
    ):
        raise AutotrackException.invalid("Invalid path")  # as MLflow says it; the request names the path
    return path


def _length(path: str) -> int:
    try:
        return len(path.encode())
    except UnicodeEncodeError:  # half of a surrogate pair
        return MOST_BYTES + 1
