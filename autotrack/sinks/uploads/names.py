"""What MLflow's servers take as a key and as a value, and what stands there for what they do not take."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Container, MutableMapping

REGISTER_TAG = "autotrack.register"
"""The tag of a logged model that is to become the next version of a registered one once it has arrived."""
KEY_CHARACTERS = 250
PARAM_CHARACTERS = 6000
TAG_CHARACTERS, LONG_TAG_CHARACTERS = 5000, 8000
"""What servers of all versions keep of a tag, and those of the last years."""
_FITS = re.compile(r"[/\w.\- :]+")
_ELSE = re.compile(r"[^/\w.\- :]")


def fits(key: str) -> bool:
    """Whether a server takes a key as it is."""
    return (
        len(key) <= KEY_CHARACTERS
        and _FITS.fullmatch(key) is not None
        and not key.startswith(("/", ".."))
        and key != "."
        and posixpath.normpath(key) == key
    )


def spelled(key: str, known: MutableMapping[str, str], taken: Container[str] = ()) -> str:
    """The key under which a server takes what is recorded under this one. ``known`` keeps those that differ; a name
    that another key has there, among ``known`` or ``taken``, is not given twice."""
    if not known and fits(key):
        return key
    if key not in known:
        if fits(key) and key not in known.values():
            return key
        parts = [part for part in _ELSE.sub("_", key).split("/") if part not in ("", ".", "..")]
        plain = "/".join(parts).encode("utf-8", "replace").decode() or "_"
        if len(plain) > KEY_CHARACTERS or plain in known.values() or plain in taken or not fits(plain):
            plain = f"{plain[: KEY_CHARACTERS - 9].rstrip('/')}_{_digits(key)}"
        known[key] = plain
    return known[key]


def shortened(value: str, most: int, whole: str) -> str:
    """A text that is no longer than a server keeps; ``whole`` names the file that has all of it."""
    if len(value) <= most:
        return value
    note = f"… [{len(value)} characters, whole in artifact {whole}]"
    return value[: most - len(note)] + note


def _digits(key: str) -> str:
    from hashlib import sha256  # loads OpenSSL; only keys that no server takes need it

    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:8]
