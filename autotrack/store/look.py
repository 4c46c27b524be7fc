"""Reading what is new in one run's journal, as rows to be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autotrack.event import Exact, Process
from autotrack.journal import points, reader
from autotrack.journal.format import EXACT
from autotrack.journal.summary import Summary, gather
from autotrack.store import status
from autotrack.store.fold import Facts, Fold, Key

FORGET_ABSENT_MS = 3_600_000
"""How long a run that was listed and is not there is waited for."""
Order = tuple[int, str, int]


@dataclass(slots=True)
class Known:
    """What the index remembers of a run."""

    since: int = 0
    row: int | None = None
    """The run's number in the index; ``None`` for one that is new."""
    facts: Facts = field(default_factory=Facts)
    last: Order | None = None
    offsets: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    series: dict[tuple[str, int], Key] = field(default_factory=dict)
    processes: dict[str, Process | None] = field(default_factory=dict)


@dataclass(slots=True)
class News:
    """What one look at a run found."""

    run_id: str
    fold: Fold
    gone: bool = False
    """Its directory is not there any more."""
    restart: bool = False
    """Everything known of it is void: the whole journal was read."""
    settled: bool = False
    """Nothing more is to be expected."""
    last: Order | None = None
    offsets: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    points: dict[Key, tuple[points.Point, str | None]] = field(default_factory=dict)
    """The last new point of each series, with the exact text of its value."""
    summaries: dict[str, Summary] = field(default_factory=dict)
    """What the new points of each metric did."""
    skipped: list[reader.Skipped] = field(default_factory=list)
    reread: dict[str, int] = field(default_factory=dict)
    """For each file read, from where: what was found wrong behind that place before counts no more."""


def due(directory: Path, known: Known, alive: status.Alive, now: int) -> bool:
    """Whether a look at a run would change anything: files grew, or time or death changed its state."""
    files = reader.run_files(directory)
    if files is None:
        return known.row is not None or now - known.since > FORGET_ABSENT_MS
    if files.sizes != known.sizes:
        return True
    signs, facts = alive.of(known.processes), known.facts
    last = status.last_sign(directory, files, known.processes)
    if not facts.ended and known.row is not None:
        state, end = status.state(signs, last, now)
        if state != facts.status or (state != "RUNNING" and end != facts.end_time):
            return True
    return known.row is not None and status.settled(facts.ended, signs, last, files.newest, now)


def look(directory: Path, run_id: str, known: Known, alive: status.Alive, now: int) -> News:
    """Read what a run's writers have added since the index was last brought up to date."""
    files = reader.run_files(directory)
    if files is None:
        return News(run_id, Fold(), gone=True, settled=True)
    if any(size < known.offsets.get(name, 0) for name, size in files.sizes.items()) or any(
        name not in files.sizes for name in known.offsets
    ):
        return _read(directory, run_id, Known(since=known.since, row=known.row), files, alive, now, restart=True)
    try:
        return _read(directory, run_id, known, files, alive, now)
    except _OutOfOrder:
        return _read(directory, run_id, Known(since=known.since, row=known.row), files, alive, now, restart=True)


class _OutOfOrder(Exception):
    """An event turned up that belongs before those already applied."""


def _read(
    directory: Path,
    run_id: str,
    known: Known,
    files: reader.RunFiles,
    alive: status.Alive,
    now: int,
    *,
    restart: bool = False,
) -> News:
    fold = Fold(facts=known.facts, begun=known.last is not None)
    news = News(run_id, fold, restart=restart, last=known.last, sizes=files.sizes)
    lines: list[reader.Line] = []
    for writer, size in files.events.items():
        name = reader.events_name(writer)
        news.offsets[name] = start = known.offsets.get(name, 0)
        if size != known.sizes.get(name):
            news.reread[name] = start
            found = reader.read_events(directory / name, start)
            lines += found.lines
            news.skipped += found.skipped
            news.offsets[name] = found.end
            news.sizes[name] = max(size, found.end)
    lines.sort(key=lambda line: line.order)
    if lines and known.last is not None and lines[0].order < known.last:
        raise _OutOfOrder
    for line in lines:
        try:
            fold.apply(line)
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            news.skipped.append(reader.Skipped(reader.events_name(line.writer), line.offset, f"{error}"[:200]))
        news.last = line.order
    _read_points(directory, known, files, news)
    signs = alive.of(known.processes | fold.processes)
    last = status.last_sign(directory, files, known.processes | fold.processes)
    if fold.begun and not fold.facts.ended:
        state, end = status.state(signs, last, now)
        fold.settle(status=state, end_time=end)
    if fold.begun and status.settled(fold.facts.ended, signs, last, files.newest, now):
        # A writer that is dead now may have written since its files were read.
        after = reader.run_files(directory)
        news.settled = after is not None and after.sizes == files.sizes
    return news


def _read_points(directory: Path, known: Known, files: reader.RunFiles, news: News) -> None:
    announced = known.series | news.fold.series
    exact = _ExactTexts(directory)
    for writer, size in files.metrics.items():
        name = reader.metrics_name(writer)
        news.offsets[name] = start = known.offsets.get(name, 0)
        # Also when only the events grew: they may announce a key that was missing.
        if size == known.sizes.get(name) and start + points.SIZE > size:
            continue
        news.reread[name] = start
        keys = {key_id: key for (of, key_id), key in announced.items() if of == writer}
        found = points.latest(directory / name, start, size, keys)
        news.offsets[name] = found.end
        news.skipped += found.skipped
        for key_id, point in found.points.items():
            key = keys[key_id]
            if key not in news.points or point.rank > news.points[key][0].rank:
                news.points[key] = point, exact.text(writer, key_id, point)
        for key_id, summary in found.summaries.items():
            gather(news.summaries, keys[key_id][0], summary)


class _ExactTexts:
    """The texts of values that a float64 rounds, read when the first such value turns up."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[str, ExactTexts] = {}

    def text(self, writer: str, key_id: int, point: points.Point) -> str | None:
        """The exact text of a point's value, ``None`` for one that a float64 holds."""
        if not point.flags & EXACT:
            return None
        if writer not in self._known:
            self._known[writer] = exact_texts(self._directory / reader.events_name(writer))
        return pick(self._known[writer], key_id, point.step, point.time, point.value)


ExactTexts = Mapping[tuple[int, int], Sequence[tuple[float, str]]]
"""Step and text by key id and time."""


def exact_texts(path: Path) -> ExactTexts:
    """The exact texts in an events file."""
    texts: dict[tuple[int, int], list[tuple[float, str]]] = {}
    for line in reader.read_events(path).lines:
        if isinstance(line.event, Exact):
            texts.setdefault((line.event.id, line.event.time), []).append((line.event.step, line.event.text))
    return texts


def pick(texts: ExactTexts, key_id: int, step: float, time: int, value: float) -> str | None:
    """The text that stands for the value of a point, ``None`` if it was lost."""
    for _, text in sorted(texts.get((key_id, time), ()), key=lambda one: one[0] != step):
        try:
            if _near(exact_integer(text)) == value:
                return text
        except ValueError:
            continue
    return None


def exact_integer(text: str) -> int:
    """The integer of an exact text: decimal, or hexadecimal for one of thousands of digits."""
    return int(text, 0)


def _near(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")
