"""What a run keeps as files of this machine, wherever the server's files lie."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from anyio import from_thread

from autotrack.entities import Run
from autotrack.exceptions import AutotrackException
from autotrack.server.artifacts import own_path
from autotrack.server.service import Service
from autotrack.store.objects import Objects

MOST_BYTES, MOST_FILES = 32 << 20, 1000


@contextmanager
def copied(service: Service, run: Run, name: str) -> Iterator[Path | None]:
    """A file or directory of a run as a path that is there within the ``with``; ``None`` where the run has none, where
    its files are not this server's, and where they are more than is copied for an answer.

    For functions that answer a route in a thread of the server's.
    """
    with TemporaryDirectory(prefix="autotrack-") as directory:
        target = Path(directory, "copy")
        try:
            from_thread.run(copy, service.objects, own_path(str(run.info.artifact_uri), name), target)
        except (AutotrackException, OSError):
            yield None
            return
        yield target


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
