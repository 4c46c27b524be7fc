"""Reading metric points: every record verified, whole files at the speed of numpy where it is installed."""

from __future__ import annotations

import sys
from binascii import crc_hqx
from bisect import bisect_left
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from autotrack.journal.format import CHECK_START, FLOAT_STEP, RECORD, step_of
from autotrack.journal.reader import Skipped
from autotrack.journal.summary import Summary, gather, summaries

SIZE = RECORD.size
_BLOCK = 1 << 16
"""Records decoded at once: small enough to stay in the processor's cache, and to bound the memory."""
_WORTH_NUMPY, _WORTH_IMPORT = 512, 1 << 17
"""Records from which numpy pays when it is loaded, and when it has to be loaded."""


@dataclass(frozen=True, slots=True)
class Point:
    """One record without its key."""

    flags: int
    raw_step: int
    time: int
    value: float

    @property
    def step(self) -> int | float:
        """The step as it was logged."""
        return step_of(self.raw_step, self.flags)

    @property
    def rank(self) -> tuple[bool, float, int, bool, float]:
        """The last point of a metric is the one with the greatest rank: by step, time, value; NaN lowest."""
        step, value = self.step, self.value
        return step == step, step if step == step else 0, self.time, value == value, value if value == value else 0.0


@dataclass(slots=True)
class Latest:
    """The last point of each key id among the records read, and where the next reading starts."""

    points: dict[int, Point] = field(default_factory=dict)
    summaries: dict[int, Summary] = field(default_factory=dict)
    """Of the points before ``end``, so that no point is in two of them."""
    end: int = 0
    skipped: list[Skipped] = field(default_factory=list)


@dataclass(slots=True)
class Columns:
    """Points as parallel columns, in the order of the file."""

    ids: list[int] = field(default_factory=list)
    flags: list[int] = field(default_factory=list)
    steps: list[int | float] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class _Block:
    """Verified records as columns (numpy arrays or tuples), the offset of each, and those that do not verify."""

    ids: Any
    flags: Any
    raw_steps: Any
    times: Any
    values: Any
    offsets: Any
    bad: list[int]


def latest(path: Path, start: int, stop: int, known: Container[int]) -> Latest:
    """The last points of a metrics file's records between two offsets.

    Damaged records are reported. Reading resumes before a record whose key nobody has announced and before damaged
    records at the end of the file, because what is missing may still arrive; reading a record twice does no harm.
    """
    found = Latest(end=start)
    bad: list[int] = []
    unknown: int | None = None
    for block in _blocks(path, start, stop):
        bad += block.bad
        if not len(block.ids):
            continue
        found.end = max(found.end, int(block.offsets[-1]) + SIZE)
        settled = unknown is None
        for key_id, first, point in _latest_of(block):
            if key_id not in known:
                unknown = first if unknown is None else min(unknown, first)
            elif key_id not in found.points or point.rank > found.points[key_id].rank:
                found.points[key_id] = point
        if settled:
            for key_id, summary in _summaries_of(block, unknown).items():
                gather(found.summaries, key_id, summary)
    found.skipped = [Skipped(path.name, offset, "damaged record") for offset in bad]
    if unknown is not None:
        found.end = min(found.end, unknown)
        found.skipped.append(Skipped(path.name, unknown, "record of a key that was never announced"))
    return found


def select(path: Path, ids: set[int]) -> Columns:
    """All points of some key ids of a metrics file."""
    columns = Columns()
    for block in _blocks(path, 0, path.stat().st_size):
        if isinstance(block.ids, tuple):
            rows = [row for row, key_id in enumerate(block.ids) if key_id in ids]
            for target, source in _pairs(columns, block):
                target.extend(source[row] for row in rows)
            columns.steps += [step_of(block.raw_steps[row], block.flags[row]) for row in rows]
            continue
        np = sys.modules["numpy"]
        chosen = np.isin(block.ids, np.fromiter(ids, dtype="u4", count=len(ids)))
        for target, source in _pairs(columns, block):
            target.extend(source[chosen].tolist())
        raw, fractional = block.raw_steps[chosen], (block.flags[chosen] & FLOAT_STEP) != 0
        columns.steps += (
            [step_of(step, flag) for step, flag in zip(raw.tolist(), fractional.tolist(), strict=True)]
            if fractional.any()
            else raw.tolist()
        )
    return columns


def read(path: Path, start: int, stop: int, most: int) -> tuple[Columns, int]:
    """At most so many whole records from an offset on, and the offset behind the last one. Damaged ones are passed
    over."""
    columns = Columns()
    stop = min(stop, start + most * SIZE)
    end = start
    for block in _blocks(path, start, stop):
        for target, source in _pairs(columns, block):
            target.extend(source if isinstance(source, tuple) else source.tolist())
        raw = block.raw_steps if isinstance(block.raw_steps, tuple) else block.raw_steps.tolist()
        columns.steps += [
            step_of(step, flag) for step, flag in zip(raw, columns.flags[len(columns.steps) :], strict=True)
        ]
        end += (len(block.offsets) + len(block.bad)) * SIZE
    return columns, end


def _pairs(columns: Columns, block: _Block) -> list[tuple[list[Any], Any]]:
    return [
        (columns.ids, block.ids),
        (columns.flags, block.flags),
        (columns.times, block.times),
        (columns.values, block.values),
    ]


def _latest_of(block: _Block) -> Iterator[tuple[int, int, Point]]:
    """``(key id, offset of its first record, its last point)`` of a block."""
    if isinstance(block.ids, tuple):
        best: dict[int, tuple[int, Point]] = {}
        for key_id, flags, step, time, value, offset in zip(
            block.ids, block.flags, block.raw_steps, block.times, block.values, block.offsets, strict=True
        ):
            point = Point(flags, step, time, value)
            seen = best.get(key_id)
            if seen is None:
                best[key_id] = offset, point
            elif point.rank > seen[1].rank:
                best[key_id] = seen[0], point
        yield from ((key_id, offset, point) for key_id, (offset, point) in best.items())
        return
    np = sys.modules["numpy"]
    rows = np.argsort(block.ids, kind="stable")
    ids = block.ids[rows]
    starts = np.flatnonzero(np.concatenate(([True], ids[1:] != ids[:-1])))
    firsts = block.offsets[rows[starts]]
    for column in (_comparable_steps(block), block.times, block.values):
        # Of each key's rows keep those with the greatest step, of these the latest, of these the greatest value.
        found = column[rows]
        top = np.fmax.reduceat(found, starts)[np.cumsum(_marks(starts, len(rows))) - 1]
        keep = (found == top) | (top != top)
        groups = (np.cumsum(_marks(starts, len(rows))) - 1)[keep]
        rows = rows[keep]
        starts = np.flatnonzero(np.concatenate(([True], groups[1:] != groups[:-1])))
    rows = rows[starts]
    for key_id, first, flags, step, time, value in zip(
        *(column.tolist() for column in (block.ids[rows], firsts, block.flags[rows])),
        *(column[rows].tolist() for column in (block.raw_steps, block.times, block.values)),
        strict=True,
    ):
        yield key_id, first, Point(flags, step, time, value)


def _summaries_of(block: _Block, stop: int | None) -> dict[int, Summary]:
    """The summaries of a block's records, of those before an offset if there is one."""
    count = len(block.ids) if stop is None else bisect_left(block.offsets, stop)
    if isinstance(block.ids, tuple):
        steps = [float(step_of(step, flag)) for step, flag in zip(block.raw_steps, block.flags, strict=True)]
    else:
        steps = _comparable_steps(block)
    return summaries(block.ids[:count], steps[:count], block.values[:count])


def _marks(starts: Any, length: int) -> Any:
    np = sys.modules["numpy"]
    marks = np.zeros(length, dtype=np.int64)
    marks[starts] = 1
    return marks


def _comparable_steps(block: _Block) -> Any:
    np = sys.modules["numpy"]
    fractional = (block.flags & FLOAT_STEP) != 0
    if not fractional.any():
        return block.raw_steps
    return np.where(fractional, block.raw_steps.view("f8"), block.raw_steps.astype("f8"))


def _blocks(path: Path, start: int, stop: int) -> Iterator[_Block]:
    """The whole records of a file in blocks; a torn record at the end is left for the next reading."""
    count = (stop - start) // SIZE
    numpy = _numpy(count)
    with path.open("rb") as file:
        file.seek(start)
        while count > 0 and (data := file.read(min(count, _BLOCK) * SIZE)):
            data = data[: len(data) - len(data) % SIZE]
            yield _decode_fast(numpy, data, start) if numpy else _decode(data, start)
            start += len(data)
            count -= _BLOCK


def load_numpy() -> None:
    """For who is going to read many parts of files, each of which would not be worth it: they are read faster."""
    _numpy(_WORTH_IMPORT)


def _numpy(count: int) -> ModuleType | None:
    if count < (_WORTH_NUMPY if "numpy" in sys.modules else _WORTH_IMPORT):
        return None
    try:
        import numpy as np  # heavy, and not required: only for files that take longer without it
    except ImportError:
        return None
    return np


def _decode(data: bytes, start: int) -> _Block:
    good: list[tuple[int, int, int, int, float, int]] = []
    bad: list[int] = []
    for row, (key_id, flags, check, step, time, value) in enumerate(RECORD.iter_unpack(data)):
        at = row * SIZE
        if crc_hqx(data[at + 8 : at + SIZE], crc_hqx(data[at : at + 6] + b"\0\0", CHECK_START)) == check:
            good.append((key_id, flags, step, time, value, start + at))
        else:
            bad.append(start + at)
    ids, flags, steps, times, values, offsets = zip(*good, strict=True) if good else ((),) * 6
    return _Block(ids, flags, steps, times, values, offsets, bad)


def _decode_fast(np: Any, data: bytes, start: int) -> _Block:
    records = np.frombuffer(data, dtype=_dtype())
    raw = np.frombuffer(data, dtype="u1").reshape(-1, SIZE)
    zero, tables = _check_tables()
    check = np.full(len(records), zero, dtype="u2")
    for position, table in tables.items():
        check ^= table[raw[:, position]]
    verified = check == records["check"]
    offsets = start + SIZE * np.arange(len(records), dtype="i8")
    good = records[verified]
    # Contiguous copies: views into the records would be slow to compare and sort.
    ids, flags, steps, times, values = (
        np.ascontiguousarray(good[name]) for name in records.dtype.names if name != "check"
    )
    return _Block(ids, flags, steps, times, values, offsets[verified], offsets[~verified].tolist())


@lru_cache(maxsize=1)
def _dtype() -> Any:
    np = sys.modules["numpy"]
    return np.dtype(
        [("id", "<u4"), ("flags", "<u2"), ("check", "<u2"), ("step", "<i8"), ("time", "<i8"), ("value", "<f8")]
    )


@lru_cache(maxsize=1)
def _check_tables() -> tuple[int, dict[int, Any]]:
    """The check of a zero record, and what each byte at each place changes in it.

    A CRC is linear: the check of a record is the zero record's, combined by exclusive or with what every single byte
    contributes, so one table a place checks all records at once.
    """
    np = sys.modules["numpy"]
    tables = {}
    for position in range(SIZE):
        if position not in (6, 7):
            tables[position] = table = np.zeros(256, dtype="u2")
            for bit in (1, 2, 4, 8, 16, 32, 64, 128):
                table[bit : 2 * bit] = table[:bit] ^ crc_hqx(bytes([bit]) + bytes(SIZE - 1 - position), 0)
    return crc_hqx(bytes(SIZE), CHECK_START), tables
