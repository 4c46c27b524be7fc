"""The runs: two sweeps, a nightly job, what went wrong, and names that somebody had to quote."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from autotrack.event import DatasetUsed, Ended, ExperimentCreated, ExperimentTags, Params, RunCreated, Tags
from autotrack.journal.format import experiment_id, raw_step
from autotrack.store import Questions

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
NOW = time.time_ns() // 1_000_000
MARCH = 1_773_532_800_000
"""2026-03-15T00:00:00Z."""
NAN, INF = math.nan, math.inf


class Nothing:
    """What a run does not have: no comparison with it is true."""

    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return False

    __lt__ = __le__ = __gt__ = __ge__ = __eq__
    __hash__ = None  # type: ignore[assignment]


NOTHING: Any = Nothing()


@dataclass
class Run:
    """A run, and how a question's meaning is put in Python: what is missing is ``NOTHING``."""

    name: str
    start: int
    length: int | None = None
    status: str = "FINISHED"
    params: dict[str, str] = field(default_factory=dict)
    curves: dict[str, list[float]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    data: list[tuple[str, str, str]] = field(default_factory=list)
    user: str = "ada"
    experiment: str = "sweep"
    run_id: str = ""

    @property
    def end(self) -> Any:
        return NOTHING if self.length is None else self.start + self.length

    @property
    def seconds(self) -> Any:
        return NOTHING if self.length is None else self.length / 1000

    def m(self, key: str) -> Any:
        return self.curves[key][-1] if key in self.curves else NOTHING

    def first(self, key: str) -> Any:
        return self.curves[key][0] if key in self.curves else NOTHING

    def count(self, key: str) -> Any:
        return len(self.curves[key]) if key in self.curves else NOTHING

    def low(self, key: str) -> Any:
        return self._over(key, min)

    def high(self, key: str) -> Any:
        return self._over(key, max)

    def mean(self, key: str) -> Any:
        return self._over(key, lambda values: sum(values) / len(values))

    def _over(self, key: str, what: Callable[[list[float]], float]) -> Any:
        if key not in self.curves:
            return NOTHING
        numbers = [value for value in self.curves[key] if value == value]
        return what(numbers) if numbers else NAN

    def p(self, key: str) -> Any:
        return self.params.get(key, NOTHING)

    def n(self, key: str) -> Any:
        text = self.params.get(key)
        if text is None:
            return NOTHING
        try:
            return NAN if "_" in text else float(text)
        except ValueError:
            return NAN

    def t(self, key: str) -> Any:
        return self.tags.get(key, NOTHING)

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.data]

    @property
    def digests(self) -> list[str]:
        return [digest for _, digest, _ in self.data]

    @property
    def contexts(self) -> list[str]:
        return [context for _, _, context in self.data]


def there(value: Any) -> bool:
    """Whether a run has it."""
    return value is not NOTHING


def among(value: Any, *values: Any) -> bool:
    return there(value) and value in values


def outside(value: Any, *values: Any) -> bool:
    return there(value) and value not in values


def like(value: Any, pattern: str) -> bool:
    parts = (".*" if c == "%" else "." if c == "_" else re.escape(c) for c in pattern)
    return there(value) and re.fullmatch("".join(parts), value, re.DOTALL) is not None


def ilike(value: Any, pattern: str) -> bool:
    return there(value) and like(value.lower(), pattern.lower())


def found(value: Any, expression: str) -> bool:
    return there(value) and re.search(expression, value) is not None


def _sweep() -> list[Run]:
    """Twelve runs over three optimizers and four learning rates, in March 2026, an hour apart."""
    made = []
    for n, (optimizer, lr) in enumerate(
        (o, lr) for o in ("adam", "sgd", "lbfgs") for lr in ("0.001", "1e-2", ".1", "1")
    ):
        loss = [2.0 - 0.1 * n, 1.0 + 0.05 * (n % 4), 0.9 - 0.05 * n]
        made.append(
            Run(
                f"{optimizer} {lr}", MARCH + n * HOUR, (n + 1) * 10 * MINUTE,
                params={"optimizer": optimizer, "lr": lr, "layers": str(2 ** (n % 4)), "seed": str(n % 3)},
                curves={"val/loss": loss, "val/accuracy": [0.5, 0.5 + n / 30, 0.6 + n / 40]},
                tags={
                    "team": ("vision", "speech", "vision", "nlp")[n % 4],
                    "mlflow.source.git.commit": f"c0ffee{n % 2}",
                },
                data=[("digits", f"d{n % 2}", "train"), ("digits", "held-out", "eval")][: 1 + n % 2],
                user="ada" if n < 8 else "grace",
            )
        )  # fmt: skip
    return made


def _others() -> list[Run]:
    return [
        Run("diverged", MARCH + DAY, 90 * SECOND, "FAILED", {"optimizer": "sgd", "lr": "10", "layers": "auto"},
            {"val/loss": [1.0, 50.0, NAN], "val/accuracy": [0.1, 0.05]}, {"team": "vision", "reason": "NaN at step 2"}),
        Run("exploded", MARCH + DAY + HOUR, 5 * SECOND, "FAILED", {"optimizer": "SGD", "lr": "inf", "layers": "1_0"},
            {"val/loss": [3.0, INF]}, {"team": "Vision"}),
        Run("only nan", MARCH + DAY + 2 * HOUR, 0, "FAILED", {"lr": "nan"}, {"val/loss": [NAN, NAN]}, {}),
        Run("minus", MARCH + 2 * DAY, 1500, "KILLED", {"lr": "-0.5", "layers": " 2 "},
            {"elbo": [-120.5, -100.0], "val/loss": [-INF]}, {"team": ""}),
        Run("still going", MARCH + 3 * DAY, None, "RUNNING", {"optimizer": "adam", "lr": "0.01"},
            {"val/loss": [0.75]}, {"team": "speech", "mlflow.parentRunId": "parent"}),
        Run("planned", MARCH + 4 * DAY, None, "RUNNING", {}, {}, {"mlflow.parentRunId": "parent"}, user="grace"),
        Run("nightly 40", NOW - 40 * DAY, 2 * HOUR, params={"model.depth": "6", "eta": "0.3"},
            curves={"rmse": [3.0, 2.5], "val-rmse@5": [4.0]}, tags={"ci": "yes"}, data=[("sales", "s1", "train")],
            user="ci", experiment="nightly"),
        Run("nightly 10", NOW - 10 * DAY, 3 * HOUR, params={"model.depth": "8", "eta": "0.30"},
            curves={"rmse": [2.8, 2.9], "val-rmse@5": [3.5]}, tags={"ci": "yes"}, data=[("sales", "s2", "train")],
            user="ci", experiment="nightly"),
        Run("nightly 2", NOW - 2 * DAY, 30 * HOUR, "FAILED", {"model.depth": "10", "eta": "3e-1"},
            {"rmse": [2.6]}, {"ci": "no"}, [("sales", "s2", "train"), ("sales", "s2", "eval")], "ci", "nightly"),
        Run("größe λ=0.5", MARCH + 5 * DAY, MINUTE, params={"größe": "klein", "λ": "0.5", "my key": "a b"},
            curves={"F1 (macro)": [0.25, 0.5], "précision": [0.125]}, tags={"équipe": "été", "my tag": "x"},
            data=[("données", "é1", "train")], user="zoë"),
        Run("ΟΔΟΣ", MARCH + 5 * DAY + HOUR, MINUTE, params={"größe": "GROSS", "λ": "1"},
            curves={"F1 (macro)": [0.75]}, tags={"équipe": "ÉTÉ"}, user="Zoë"),
        Run("it's \"quoted\"", MARCH + 6 * DAY, MINUTE, params={"note": "it's", "say": 'he said "no"', "tick": "a`b"},
            curves={"a`b": [1.0], "sum": [2.0**53]}, tags={"path": "C:\\runs\\1", "percent": "100%"}),
        Run("", MARCH + 6 * DAY + HOUR, MINUTE, params={"note": "", "say": "two\nlines"},
            curves={"sum": [0.0, -0.0]}, tags={"path": "/runs/1_000", "percent": "1000", "and": "or"}),
        Run("AND", MARCH + 7 * DAY, MINUTE, params={"note": "NULL", "and": "not"}, tags={"path": "runs/1x000"}),
    ]  # fmt: skip


RUNS = _sweep() + _others()
for _n, _run in enumerate(RUNS):
    _run.run_id = f"{_n:02d}" + "0" * 30
    _run.tags = {key: RUNS[0].run_id if value == "parent" else value for key, value in _run.tags.items()}
PARENT = RUNS[0].run_id


def fill(store: Questions) -> None:
    """Write all of them to a store."""
    for name in ("sweep", "nightly"):
        store.editor.experiment(ExperimentCreated(experiment_id(name), name))
    # What the metric's name does not say.
    store.editor.experiment(ExperimentTags(experiment_id("sweep"), {"autotrack.best.elbo": "max"}))
    for run in RUNS:
        created = RunCreated(experiment_id(run.experiment), run.experiment, run.name, None, run.user)
        events = [created, Params(run.params), Tags(run.tags), *(DatasetUsed(n, d, context=c) for n, d, c in run.data)]
        store.editor.create(run.run_id, [(run.start, created)])
        points = [
            (key, raw_step(step)[1], raw_step(step)[0], run.start + step, value)
            for key, curve in run.curves.items()
            for step, value in enumerate(curve)
        ]
        ended = [] if run.length is None else [(run.start + run.length, Ended(run.status))]
        store.editor.batch(run.run_id, [*((run.start, one) for one in events[1:]), *ended], points)
