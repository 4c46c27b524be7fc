"""The same content twice in a store takes its space once.

A file that is equal to one which the store has already is replaced by a copy that shares its blocks, where the file
system can do that, else by a further name of the same file. What has such a file stays whole by itself: what is deleted
elsewhere is not missed here, and a copy of the store that knows nothing of it holds everything.
``<store>/content/<hash>`` says where a content was last seen; it is an aid to look for it, and may be deleted.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

CONTENT = "content"
_PIECE = 1 << 20
_CLONE = 0x40049409  # FICLONE of linux/fs.h


def share(path: Path, store: Path, sha: str) -> None:
    """Have a file, whose content has this SHA-256, share its space with an equal one of its store.

    Raises ``OSError`` or ``ValueError`` where that cannot be; the file is as it was then.
    """
    note = store / CONTENT / sha[:2] / sha
    known = _known(store, note)
    if known is None or not _equal(known, path):
        note.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = note.with_name(f".{note.name[:16]}.{os.urandom(4).hex()}")
        temporary.write_text(path.relative_to(store).as_posix(), "utf-8")
        temporary.replace(note)
        return
    temporary = path.with_name(f".{os.urandom(8).hex()}.same")
    try:
        _clone_or_link(known, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _known(store: Path, note: Path) -> Path | None:
    try:
        name = note.read_text("utf-8")
    except FileNotFoundError:
        return None
    return None if not name or Path(name).is_absolute() or ".." in Path(name).parts else store / name


def _equal(known: Path, path: Path) -> bool:
    """Whether another file has this one's content, read and compared: what a note says may be long past."""
    try:
        facts, own = known.lstat(), path.lstat()
    except OSError:
        return False
    alike = stat.S_ISREG(facts.st_mode) and (facts.st_size, facts.st_dev) == (own.st_size, own.st_dev)
    if not alike or facts.st_uid != own.st_uid or facts.st_ino == own.st_ino:
        return False
    with known.open("rb", buffering=0) as one, path.open("rb", buffering=0) as other:
        while True:
            piece = one.read(_PIECE)
            if piece != other.read(_PIECE):
                return False
            if not piece:
                return True


def _clone_or_link(known: Path, target: Path) -> None:
    if sys.platform == "linux":
        import fcntl  # only where there are such systems

        with known.open("rb") as source, target.open("xb") as copy:
            try:
                fcntl.ioctl(copy.fileno(), _CLONE, source.fileno())
            except OSError:
                pass
            else:
                return
        target.unlink()
    target.hardlink_to(known)
