"""The one line, in a program that has loaded scikit-learn already."""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection

from benchmarks.tracker import Tracker
from benchmarks.workload import Measured, Row, seconds

ROWS = (
    Row("all", "`X.autolog()`, scikit-learn loaded before"),
    Row("one", "`X.sklearn.autolog()` where there is one, else the same"),
)


def measure(tracker: type[Tracker]) -> Measured:
    """Time the first call of a process; the tracker itself is imported before the clock starts."""
    import sklearn.ensemble  # heavy: not in the process that only draws the table
    import sklearn.linear_model  # noqa: F401 - the same

    used = tracker()
    if type(used).autolog is Tracker.autolog:
        return Measured()
    # A first call can be made once in a process, so each is made in a fork of its own.
    return Measured({"all": _forked(used, None), "one": _forked(used, "sklearn")})


def _forked(used: Tracker, framework: str | None) -> float:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_time, args=(used, framework, there))
    process.start()
    taken: float = here.recv()
    process.join()
    return taken


def _time(used: Tracker, framework: str | None, answer: Connection) -> None:
    answer.send(seconds(lambda: used.autolog(framework)))
