"""The points of MLflow's metrics: it keeps one that describes a model twice, among the run's and among the model's."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import replace

from autotrack.entities import Metric

_VALUE = struct.Struct("<d")


def with_models(curve: Iterable[Metric], of_models: Iterable[Metric]) -> list[Metric]:
    """The points of one metric of a run, those that describe a model with its id and data set."""
    points = list(curve)
    places: dict[tuple[int, float, bytes], list[int]] = {}
    for place, one in enumerate(points):
        places.setdefault(_facts(one), []).append(place)
    for own in of_models:
        there = places.get(_facts(own), [])
        if any(points[place].model_id == own.model_id for place in there):
            continue
        free = [place for place in there if points[place].model_id is None]
        if free:
            points[free[0]] = replace(own, run_id=None)
        else:
            points.append(replace(own, run_id=None))
    return points


def _facts(one: Metric) -> tuple[int, float, bytes]:
    return one.timestamp, one.step, _VALUE.pack(float(one.value))
