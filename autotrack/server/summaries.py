"""What a run comes to: each metric over its whole life, what was inferred and why, and what was registered of it."""

from __future__ import annotations

from typing import Any

from autotrack.analysis.inferred import inferred
from autotrack.analysis.telling import weight
from autotrack.direction import BEST_TAG, better
from autotrack.server.request import Asked
from autotrack.server.route import Routes
from autotrack.server.service import Service
from autotrack.store.summaries import Told
from autotrack.wire.messages import MODEL_VERSION, OWN
from autotrack.wire.values import DOUBLE, INTEGER, PAIRS, TEXT, Kind, pairs, several, spelled

ROUTES = Routes()
Document = dict[str, Any]


class OfRun(Asked):
    run_id: str


_SUMMARY = Kind({
    "type": "object",
    "properties": {
        "key": TEXT.schema, "points": INTEGER.schema, "better": INTEGER.schema,
        **{
            f"{name}{part}": DOUBLE.schema
            for name in ("last", "first", "minimum", "maximum", "best") for part in ("", "_step")
        },
    },
})  # fmt: skip


@ROUTES("GET", f"{OWN}/run", OfRun, experiment=TEXT, metrics=several(_SUMMARY), inferred=PAIRS,
        versions=several(MODEL_VERSION.kind))  # fmt: skip
def summarise(service: Service, asked: OfRun) -> Document:
    """What a run comes to: of each metric the last, first, least, greatest and best value with their steps, the
    most telling first; what an integration has inferred, and why; the model versions that were registered of it."""
    run = service.run(asked.run_id)
    experiment = service.experiment(run.info.experiment_id)
    found = sorted(service.store.metric_summaries(run.info.run_id), key=lambda one: -weight(one.last.key))
    return {
        "experiment": experiment.name,
        "metrics": [
            _summary(one, better(one.last.key, [experiment.tags.get(BEST_TAG + one.last.key)])) for one in found
        ],
        "inferred": pairs(inferred(run.data.tags)),
        "versions": [MODEL_VERSION.write(one) for one in service.verbs.find_model_versions(run_id=run.info.run_id)],
    }


def _summary(told: Told, sign: int) -> Document:
    last, whole = told
    found: Document = {"key": last.key, "points": whole.points, "better": sign}
    values = {"last": (last.value, last.step), "first": (whole.first, whole.first_step)}
    if whole.minimum <= whole.maximum:
        least, greatest = (whole.minimum, whole.minimum_step), (whole.maximum, whole.maximum_step)
        values |= {"minimum": least, "maximum": greatest}
        if sign:
            values["best"] = least if sign < 0 else greatest
    for name, (value, step) in values.items():
        found |= {name: spelled(value), f"{name}_step": spelled(step)}
    return found
