"""Files as pages show them: one that is a page of its own, in a cage, and the first rows of a table."""

from __future__ import annotations

import asyncio
import io
import json
import math
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from autotrack.exceptions import AutotrackException
from autotrack.server import limits, places
from autotrack.server.artifacts import own_path, sent
from autotrack.server.request import Asked, from_query
from autotrack.server.route import Routes
from autotrack.server.service import Service
from autotrack.store.objects import Objects
from autotrack.wire.messages import OWN
from autotrack.wire.values import INTEGER, TEXT, Kind, several

ROUTES = Routes()
CAGE = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; media-src data:; "
    "frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)
"""What a file that is shown as a page may do: be looked at. It runs nothing, asks nobody, and is of no origin."""
ROWS, COLUMNS, CELL = 100, 200, 200
"""What a preview has at most, the last in characters of a cell."""
MOST_READ = 64 * 1024 * 1024
"""Bytes of a file that are read for its first rows."""


class OfFile(Asked):
    run_id: str
    path: str


@ROUTES("GET", f"{OWN}/artifact/page")
async def show_page(service: Service, request: Request) -> Response:
    """A file of a run as a page of HTML that can do nothing, for a frame or for itself."""
    asked = from_query(request.query_params, OfFile)
    shown = {"Content-Disposition": "inline", "Content-Security-Policy": CAGE}
    return await sent(service, request, await _key(service, asked), "text/html; charset=utf-8", shown)


@ROUTES("GET", f"{OWN}/artifact/rows",
        columns=several(Kind({"type": "object", "properties": {"name": TEXT.schema, "type": TEXT.schema}})),
        rows=Kind({"type": "array", "items": {"type": "array", "items": {"type": ["string", "null"]}}}),
        count=INTEGER)  # fmt: skip
async def show_rows(service: Service, request: Request) -> Response:
    """The first rows of a Parquet file of a run, its values as texts, its columns, and how many rows there are."""
    key = await _key(service, from_query(request.query_params, OfFile))
    facts = await service.objects.head(key)
    file = _Ranges(service.objects, key, facts.size, asyncio.get_running_loop())
    return Response(json.dumps(await run_in_threadpool(_rows, file)), media_type="application/json")


async def _key(service: Service, asked: OfFile) -> str:
    run = await run_in_threadpool(service.run, limits.identifier(asked.run_id, "run id"))
    return places.key(own_path(str(run.info.artifact_uri), asked.path))


class _Ranges(io.RawIOBase):
    """A file of the object store, read by ranges from any thread but the loop's."""

    def __init__(self, objects: Objects, key: str, size: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._objects, self._key, self._size, self._loop = objects, key, size, loop
        self._at = self._taken = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._size if size < 0 else min(self._size, self._at + size)
        self._taken += max(0, end - self._at)
        if self._taken > MOST_READ:
            raise AutotrackException.invalid(f"the first rows take more than {MOST_READ} bytes to read; download it")
        if end <= self._at:
            return b""
        data = asyncio.run_coroutine_threadsafe(self._part(self._at, end), self._loop).result()
        self._at += len(data)
        return data

    async def _part(self, start: int, end: int) -> bytes:
        return b"".join([bytes(chunk) async for chunk in await self._objects.get(self._key, start, end)])


def _rows(file: _Ranges) -> dict[str, Any]:
    try:
        # An extra, and 200 ms that most servers need not pay.
        from pyarrow import parquet  # type: ignore[import-untyped]  # it has no stubs
    except ImportError:
        raise AutotrackException(
            "pyarrow is not installed where the server runs: pip install pyarrow", "NOT_IMPLEMENTED"
        ) from None
    try:
        table = parquet.ParquetFile(file, pre_buffer=False, buffer_size=1 << 16)
        names = list(table.schema_arrow.names)[:COLUMNS]
        batches = table.iter_batches(ROWS, columns=names, use_threads=False)
        first = next(batches, None)
    except AutotrackException:
        raise
    except Exception as error:  # noqa: BLE001 - what is wrong with a file that anybody may have made
        raise AutotrackException.invalid(f"this cannot be read as a Parquet file: {str(error)[:300]}") from None
    if first is None:
        return {"columns": [], "rows": [], "count": 0}
    columns = [[_cell(value) for value in column.to_pylist()] for column in first.columns]
    return {
        "columns": [{"name": one.name, "type": str(one.type)} for one in first.schema],
        "rows": [list(row) for row in zip(*columns, strict=True)],
        "count": table.metadata.num_rows,
    }


def _cell(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    text = str(value)
    return text if len(text) <= CELL else f"{text[:CELL]}…"
