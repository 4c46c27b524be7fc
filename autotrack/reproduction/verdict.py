"""Whether a run was reproduced: what is equal, what is close, and what differs where."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autotrack.analysis import difference

if TYPE_CHECKING:
    from autotrack.client import Client
    from autotrack.entities import Run

EQUAL, CLOSE, DIFFERENT, UNKNOWN = "equal", "close", "different", "not compared"
PREDICTIONS, PROGRAM = "predictions", "program"
DECIDING = (PROGRAM, difference.PARAMETERS, difference.DATA, difference.METRICS, PREDICTIONS)
"""The parts that a run is reproduced by; the others say why it may not be."""
TOLERANCE = 1e-6
"""Relative, below which numbers that are not equal count as close."""
_OF_MACHINE = re.compile(
    r"(^|[/_.-])(time|seconds|secs|duration|latency|throughput|memory|per_second|system)([/_.-]|$)"
)
"""Names of metrics that measure the machine rather than the model."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the comparison."""

    name: str
    state: str
    details: tuple[str, ...] = ()

    @property
    def deciding(self) -> bool:
        """Whether the verdict rests on it."""
        return self.name in DECIDING


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one repetition."""

    run_id: str
    repeated: str
    parts: tuple[Part, ...] = field(default=())

    @property
    def reproduced(self) -> bool:
        """Whether all that decides is equal or close."""
        return all(part.state != DIFFERENT for part in self.parts if part.deciding) and any(
            part.state in (EQUAL, CLOSE) for part in self.parts if part.name in (difference.METRICS, PREDICTIONS)
        )


def verdict(client: Client, first: Run, second: Run, predictions: Part, *, tolerance: float = TOLERANCE) -> Verdict:
    """Compare a run with its repetition: every point of every metric that is not of the machine, and all the rest of
    what is known of both."""
    known = [difference.facts(client, run) for run in (first, second)]
    parts = []
    for name in known[0]:
        if name == difference.METRICS:
            parts.append(_metrics(client, first, second, tolerance))
        elif name not in known[1]:
            parts.append(Part(name, UNKNOWN, ("the repetition has no context",)))
        else:
            parts.append(_compared(name, known[0][name], known[1][name]))
    state = EQUAL if first.info.status == second.info.status else DIFFERENT
    ended = Part(PROGRAM, state, () if state == EQUAL else (f"ended {first.info.status}, then {second.info.status}",))
    return Verdict(first.info.run_id, second.info.run_id, (ended, *parts, predictions))


def _compared(name: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> Part:
    told = [_pair(key, first.get(key), second.get(key)) for key in sorted({*first, *second})
            if first.get(key) != second.get(key)]  # fmt: skip
    return Part(name, DIFFERENT if told else EQUAL, tuple(told))


def _pair(key: str, first: Any, second: Any) -> str:
    return f"{key}: {'absent' if first is None else first}, then {'absent' if second is None else second}"


def _metrics(client: Client, first: Run, second: Run, tolerance: float) -> Part:
    told, close = [], []
    keys = sorted({*first.data.metrics, *second.data.metrics})
    compared = [key for key in keys if not _OF_MACHINE.search(key)]
    for key in compared:
        if key not in first.data.metrics or key not in second.data.metrics:
            told.append(f"{key}: only in the {'repetition' if key in second.data.metrics else 'original'}")
            continue
        far, near = _curves(_curve(client, first, key), _curve(client, second, key), tolerance)
        told += [f"{key}: {far}"] if far else []
        close += [f"{key}: {near}"] if near and not far else []
    if told:
        return Part(difference.METRICS, DIFFERENT, tuple(told))
    if close:
        return Part(difference.METRICS, CLOSE, tuple(close))
    if not compared:
        return Part(difference.METRICS, UNKNOWN, ("the run has no metric of a model",))
    return Part(difference.METRICS, EQUAL, (f"{len(compared)} metrics, every point of them",))


def _curve(client: Client, run: Run, key: str) -> list[tuple[int | float, float]]:
    return sorted(
        ((point.step, point.value) for point in client.get_metric_history(run.info.run_id, key)),
        key=lambda point: point[0],
    )


def _curves(first: list[tuple[Any, float]], second: list[tuple[Any, float]], tolerance: float) -> tuple[str, str]:
    """What is far apart in two curves, and what is merely close; empty where nothing is."""
    if [step for step, _ in first] != [step for step, _ in second]:
        return f"{len(first)} points up to step {first[-1][0]}, then {len(second)} up to step {second[-1][0]}", ""
    near = ""
    for (step, a), (_, b) in zip(first, second, strict=True):
        if a == b or (math.isnan(a) and math.isnan(b)):
            continue
        said = f"{a:.12g}, then {b:.12g} at step {step}"
        if not math.isclose(a, b, rel_tol=tolerance, abs_tol=0.0):
            return said, ""
        near = near or said
    return "", near
