"""Where a server keeps files: a place of its own, or the runs of a local store under the server's paths."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from autotrack.event import ArtifactStored
from autotrack.exceptions import AutotrackException
from autotrack.wire.objects import DirectoryObjects, Entry, Facts, Objects, Part, Stream, checked, open_objects
from autotrack.wire.objects.base import missing

__all__ = ["DirectoryObjects", "Entry", "Facts", "Objects", "Part", "RunObjects", "Stream", "checked", "open_objects"]
from autotrack.store.store import Store


class RunObjects(Objects):
    """``<experiment>/<run id>/artifacts/x`` is the run's own file ``artifacts/x``, ``…/models/<id>/x`` one of a model;
    nothing is copied anywhere.

    An artifact that is written is told to the run, as one that a program logs. No other path means anything.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._runs = DirectoryObjects(store.directory / "runs")

    async def create_upload(self, path: str) -> str:
        """A local store takes files whole."""
        raise AutotrackException(
            f"Multipart upload is not supported for the current artifact repository; send {path!r} whole",
            "NOT_IMPLEMENTED",
        )

    async def _put(self, path: str, stream: Stream, size: int | None) -> int:
        place = _mapped(path)
        run_id, kind, name = [*(place or "").split("/", 2), "", ""][:3]
        if place is None or not name or (kind == "models" and "/" not in name):
            raise AutotrackException.invalid(f"{path!r} does not name a file of a run")
        run = await asyncio.to_thread(self._store.run, run_id)
        # A run that only holds a model which no run made is deleted from its beginning.
        if run.info.lifecycle_stage != "active" and kind != "models":
            raise AutotrackException.invalid(f"run {run_id} is deleted and takes no changes")
        written = await self._runs.put(place, stream, size)
        if kind == "models":
            return written
        after = await asyncio.to_thread(self._store.last_event_time, run_id)
        await asyncio.to_thread(self._store.editor.event, run_id, ArtifactStored(name, written), after=after)
        return written

    async def _get(self, path: str, start: int, end: int | None) -> AsyncIterator[bytes]:
        place = _mapped(path)
        if place is None:
            raise missing(path)
        return await self._runs.get(place, start, end)

    async def _head(self, path: str) -> Facts:
        place = _mapped(path)
        if place is None:
            raise missing(path)
        return await self._runs.head(place)

    async def _list(self, prefix: str) -> Sequence[Entry]:
        place = _mapped(prefix)
        found = [] if place is None else await self._runs.list(place)
        # A program's file that is still being written has a dot before its name.
        return [entry for entry in found if not entry.name.startswith(".")]

    async def _delete(self, prefix: str) -> None:
        place = _mapped(prefix)
        if place is not None:
            await self._runs.delete(place)


def _mapped(path: str) -> str | None:
    """``<run id>/artifacts/x`` for the path of a run's file or directory, or a model's; None for any other."""
    parts = path.split("/")
    return "/".join(parts[1:]) if len(parts) > 2 and parts[2] in ("artifacts", "models") else None
