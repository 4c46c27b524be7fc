"""The values of every iteration: as CatBoost has them in the end, notes them in files, and tells its callbacks."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from autotrack.hooks import Run

MOST = 64 * 1024 * 1024
"""Bytes of CatBoost's notes that are read, a few hundred thousand iterations."""


class Round(NamedTuple):
    """One iteration that was evaluated."""

    step: int
    values: dict[str, float]
    time_ms: int | None = None


class Notes:
    """What CatBoost notes in ``catboost_training.json`` while it trains, with ten digits."""

    def __init__(self, train_dir: Any) -> None:
        self.file = Path(os.fspath(train_dir or "catboost_info")).absolute() / "catboost_training.json"
        self.started = time.time()
        """In seconds since 1970."""
        self._before = self._state()

    def rounds(self) -> Iterator[Round]:
        """The iterations of this training, as far as it got; none if it has written no file."""
        state = self._state()
        if state is None or state == self._before or state[1] > MOST:
            return
        try:
            content = self.file.read_bytes()
        except OSError:
            return
        yield from noted(content, self.started)

    def fresh(self) -> bool:
        """Whether the file has been written since the training began."""
        state = self._state()
        return state is not None and state != self._before

    def time_ms(self, note: Mapping[str, Any]) -> int:
        """When the iteration of a note ended."""
        return _time_ms(self.started, note)

    def _state(self) -> tuple[int, int] | None:
        try:
            facts = self.file.stat()
        except OSError:
            return None
        return facts.st_mtime_ns, facts.st_size


def noted(content: bytes, started: float) -> Iterator[Round]:
    """The iterations that a file has, of a training that began then."""
    try:
        notes = json.loads(content)
    except ValueError:
        return
    curves, before = Curves(notes["meta"]), 0.0
    for note in notes["iterations"]:
        values = {"round_time": note["passed_time"] - before, **curves.of(note)}
        before = note["passed_time"]
        yield Round(note["iteration"], values, _time_ms(started, note))


def _time_ms(started: float, note: Mapping[str, Any]) -> int:
    return int((started + note["passed_time"]) * 1000)


def write(run: Run, rounds: Iterable[Round]) -> int:
    """One write a round; the last step."""
    step = -1
    for step, values, time_ms in rounds:
        run.metrics(values, step, time_ms=time_ms)
    return step


def write_noted(run: Run, content: bytes, *, started: float) -> None:
    """In the place of a process that was killed: the curves, as far as CatBoost has noted them."""
    if len(content) <= MOST:
        write(run, noted(content, started))


class Curves:
    """What the numbers of a note are, by the file's own description."""

    def __init__(self, meta: Mapping[str, Any]) -> None:
        learn, test = ([metric["name"] for metric in meta[f"{part}_metrics"]] for part in ("learn", "test"))
        tests = meta["test_sets"]
        self._sets = [("learn", "learn", learn)]
        self._sets += [
            (name, "validation" if len(tests) == 1 else f"validation_{at}", test) for at, name in enumerate(tests)
        ]

    def of(self, note: Mapping[str, Any]) -> dict[str, float]:
        """The values of an iteration by the names of their curves."""
        values: dict[str, float] = {}
        for name, data, metrics in self._sets:
            found = note.get(name, [])
            # A metric that is left out for one of the sets leaves no gap, so names and values may not match.
            if len(found) == len(metrics):
                values |= {f"{data}-{metric}": value for metric, value in zip(metrics, found, strict=True)}
        return values


class EveryRound:
    """A callback of CatBoost's that writes the newest values."""

    def __init__(self, run: Run) -> None:
        self.last = -1
        self._run = run
        self._before = time.perf_counter()

    def after_iteration(self, info: Any) -> bool:
        """Never stops the training."""
        self.last = info.iteration - 1
        values = {"round_time": time.perf_counter() - self._before}
        for data, found in info.metrics.items():
            values |= {f"{data}-{metric}": history[-1] for metric, history in found.items()}
        self._run.metrics(values, step=self.last)
        self._before = time.perf_counter()
        return True


def exact(
    results: Mapping[str, Mapping[str, list[float]]], noted: list[Round], period: int, end: int
) -> Iterator[Round]:
    """The values of ``evals_result_`` with the iterations that they belong to.

    Those are as noted; without notes it is every ``period``-th, and the one before the ``end``.
    """
    curves = {f"{data}-{metric}": values for data, found in results.items() for metric, values in found.items()}
    count = max(map(len, curves.values()), default=0)
    if len(noted) != count:
        noted = [Round(min(at * period, end - 1), {}) for at in range(count)]
    for at, (step, values, time_ms) in enumerate(noted):
        times = {"round_time": values["round_time"]} if "round_time" in values else {}
        yield Round(step, times | {key: curve[at] for key, curve in curves.items() if at < len(curve)}, time_ms)
