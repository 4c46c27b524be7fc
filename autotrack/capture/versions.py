"""Which version of a file its keepers know: DVC by its own records, git-lfs by the attributes of the repository."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_BYTES = 4 << 20
"""Of a record of DVC's that is read."""
_PAIR = re.compile(r"^[ \t]*(?P<item>-[ \t]+)?(?P<key>md5|path|outs|deps)[ \t]*:[ \t]*(?P<value>.*?)[ \t]*$")


def dvc(file: Path) -> str | None:
    """The MD5 by which DVC keeps this file or directory, from the ``.dvc`` file beside it or the project's
    ``dvc.lock``; ``None`` if it does not."""
    beside = file.with_name(file.name + ".dvc")
    found = dict(_entries(beside)).get(file.name)
    if found is not None:
        return found
    for place in file.parents:
        if (place / ".dvc").is_dir() or (place / ".git").exists():
            return dict(_entries(place / "dvc.lock")).get(file.relative_to(place).as_posix())
    return None


def lfs(file: Path) -> bool:
    """Whether git-lfs keeps this file: by the last rule of ``.gitattributes`` that names it and says how it is
    filtered."""
    answer = False
    places = []
    for place in file.parents:
        places.append(place)
        if (place / ".git").exists():
            break
    else:
        return False
    for place in reversed(places):
        inner = file.relative_to(place).as_posix()
        for line in _text(place / ".gitattributes").splitlines():
            pattern, *attributes = line.split() or ("#",)
            filters = [word for word in attributes if word.startswith("filter=") or word in ("-filter", "!filter")]
            if filters and not pattern.startswith("#") and _matches(inner, pattern):
                answer = filters[-1] == "filter=lfs"
    return answer


def _matches(inner: str, pattern: str) -> bool:
    if "/" not in pattern:
        return fnmatch.fnmatchcase(PurePosixPath(inner).name, pattern)
    if pattern.endswith("/**"):
        return inner.startswith(pattern.lstrip("/").removesuffix("**"))
    return fnmatch.fnmatchcase(inner, pattern.lstrip("/").removeprefix("**/")) or fnmatch.fnmatchcase(
        inner, pattern.lstrip("/")
    )


def _entries(record: Path) -> Iterator[tuple[str, str]]:
    """``(path, MD5)`` of each file that one of DVC's records has. The records are written by DVC itself, a pair a
    line; what looks otherwise is passed over."""
    path = md5 = ""
    for line in _text(record).splitlines():
        pair = _PAIR.match(line)
        if pair is None:
            continue
        if pair["item"] or pair["key"] in ("outs", "deps"):
            if path and md5:
                yield path, md5
            path = md5 = ""
        value = pair["value"].strip("'\"")
        if pair["key"] == "path":
            path = value
        elif pair["key"] == "md5":
            md5 = value
    if path and md5:
        yield path, md5


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
