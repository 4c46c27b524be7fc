"""A long curve in a database is looked at in few rows, at every zoom, and no spike is lost on the way."""

from __future__ import annotations

import math
import time

import pytest
from databases import Recorder, opened, point, statements

from autotrack.store.buckets import Asked
from autotrack.store.database import curves, zoom

BATCH = 1000
"""What clients send at once."""


@pytest.mark.parametrize(
    ("count", "spike"), [(70_000, 31_234), pytest.param(10_000_000, 7_654_321, marks=pytest.mark.slow)]
)
def test_one_sample_is_seen_at_every_zoom_by_reading_few(
    database: str, count: int, spike: int, monkeypatch: pytest.MonkeyPatch
):
    """From the whole curve down to the sample itself, along the steps and along the time: what is unpacked is the end
    that was not summed up yet, and the chunks at the edges of what is asked for."""
    unpacked: list[int] = []
    for module in (zoom, curves):
        inner = module.from_chunk
        monkeypatch.setattr(module, "from_chunk", lambda data, inner=inner: _noted(unpacked, inner(data)))
    pieces: list[int] = []
    inner_tail = zoom.from_tail
    monkeypatch.setattr(zoom, "from_tail", lambda *of: _pieces(pieces, list(inner_tail(*of))))
    with opened(database) as store:
        run_id = Recorder(store).run().run_id
        for start in range(0, count, BATCH):
            rows = range(start, min(start + BATCH, count))
            points = [point("loss", 1e6 if row == spike else math.sin(row), row, 10**12 + 7 * row) for row in rows]
            store.editor.batch(run_id, [], points)
        looks, slowest = 0, 0.0
        for axis, place, first, last in (
            ("step", spike, 0, count - 1), ("time", 10**12 + 7 * spike, 10**12, 10**12 + 7 * (count - 1)),
        ):  # fmt: skip
            low, high = first, last
            while high > low:
                unpacked.clear()
                pieces.clear()
                begin = time.process_time()
                with statements(store) as sent:
                    found = store.buckets(run_id, "loss", Asked(axis, low, high, 400))
                looks, slowest = looks + 1, max(slowest, time.process_time() - begin)
                assert max(found.maximum) == 1e6
                assert found.maximum_at[found.maximum.index(1e6)] == place
                assert len(found.at) <= 400
                # The two edges, and below them what is shorter than a chunk's own buckets can tell.
                assert len(unpacked) <= 8
                assert sum(pieces) <= curves.MOST_POINTS + BATCH
                assert len(sent) <= 4 + len(unpacked)
                quarter = (high - low) // 4
                low, high = max(first, place - quarter // 2), min(last, place + quarter // 2)
            assert looks >= 5
    print(f"{count:,} points: {looks} looks, the slowest {1000 * slowest:.1f} ms of processor time")  # noqa: T201 - with -s


def _noted(unpacked: list[int], columns: object) -> object:
    unpacked.append(len(columns))  # type: ignore[arg-type]  # columns have a length
    return columns


def _pieces(pieces: list[int], found: list[tuple[object, object]]) -> list[tuple[object, object]]:
    pieces += [len(columns) for _, columns in found]  # type: ignore[arg-type]  # as above
    return found
