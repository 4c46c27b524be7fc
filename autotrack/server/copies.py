"""Files and directories of a server as copies on this machine, wherever the server keeps them."""

from __future__ import annotations

from pathlib import Path

from autotrack.exceptions import AutotrackException
from autotrack.store.objects import Objects

MOST_BYTES, MOST_FILES = 32 << 20, 1000


async def copy(objects: Objects, path: str, target: Path) -> None:
    """Copy a file, or a directory with all below it; raises for what is not there, and for more than the most."""
    left, files = MOST_BYTES, 0
    waiting = [(path, target)]
    while waiting:
        key, place = waiting.pop()
        inside = await objects.list(key)
        if not inside:
            files += 1
            left -= (await objects.head(key)).size
            if left < 0 or files > MOST_FILES:
                raise AutotrackException.invalid(f"{path!r} is more than is looked at for an answer")
            with place.open("wb") as file:
                async for piece in await objects.get(key):
                    file.write(piece)
            continue
        place.mkdir()
        # A name that is more than the last part of a path leads out of the copy.
        waiting += [(f"{key}/{one.name}", place / one.name) for one in inside if Path(one.name).name == one.name]
