"""The metric that counts in an experiment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from autotrack.analysis import telling
from autotrack.analysis.reports.plan import OBJECTIVE
from autotrack.direction import BEST_TAG, better

if TYPE_CHECKING:
    from autotrack.entities import Experiment


def objective(experiment: Experiment, rows: Sequence[Mapping[str, float]]) -> tuple[str | None, int]:
    """The metric that an experiment was made for, else the one that its runs, given by their metrics, are best told
    apart by; with -1 where less of it is better, 1 where more is, 0 where nobody says. ``None`` where none will do.

    What most runs have comes first, but for a metric of the training data, which is a last resort.
    """
    own = experiment.tags.get(OBJECTIVE)
    if own:
        return own, _sign(experiment, own)
    count = Counter(key for row in rows for key in row)
    known = [key for key in telling.metrics_in_order(count) if _sign(experiment, key)]
    shared = [key for key in known if 2 * count[key] > len(rows)]
    elsewhere = sorted((key for key in known if telling.held_out(key)), key=count.__getitem__, reverse=True)
    order = [*(key for key in shared if not telling.of_training(key)), *elsewhere, *shared, *known]
    return (order[0], _sign(experiment, order[0])) if order else (None, 0)


def _sign(experiment: Experiment, key: str) -> int:
    return better(key, [experiment.tags.get(f"{BEST_TAG}{key}")])
