"""Which hyperparameters mattered for a metric."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from autotrack.analysis.fanova import shares
from autotrack.analysis.parameters import Parameter, matrix, varying
from autotrack.call import inside
from autotrack.exceptions import AutotrackException

LEAST_RUNS = 8
"""Fewer runs than this tell nothing about which parameter mattered."""
MOST_RUNS = 500
"""More runs than this may be a matter of minutes: for who waits for an answer, the newest are looked at."""
_TREES = 64
_FOLDS, _REPEATS = 5, 2
_SOME, _EVERY = 0.7, 1.0
"""The part of the parameters that a tree chooses from at a split: of some it predicts better; where it has to choose
among those that do not matter, they get a share of the variance."""
_PAIRED = 6
"""So many of the leading parameters are looked at in pairs."""


@dataclass(frozen=True, slots=True)
class Weight:
    """What one parameter did to the metric."""

    parameter: str
    permutation: float
    """How much of the metric's variance a forest that has not seen a run loses when the parameter's values are
    shuffled: 0 for none, 1 for all of it and more for what is worse than guessing; never below 0."""
    permutation_std: float
    """Its standard deviation over the folds."""
    share: float
    """Share of the forest's variance that goes with the parameter alone, from 0 to 1."""
    share_std: float
    """Its standard deviation over the trees."""
    correlation: float | None
    """Spearman's rank correlation with the metric for numbers, the correlation ratio η for texts; ``None`` where it is
    not defined."""
    runs: int
    """Runs that have the parameter."""
    distinct: int
    """Different values among the runs; to lack it is one."""
    numeric: bool


@dataclass(frozen=True, slots=True)
class Importance:
    """The parameters, the most important by permutation first.

    ``score`` is R², how much of the variance the forest explains in runs that it has not seen: what is near 0 or below
    says that the parameters, or so few runs, explain nothing, and the weights with it.
    """

    metric: str
    runs: int
    score: float
    score_std: float
    weights: tuple[Weight, ...]
    pairs: tuple[tuple[str, str, float, float], ...]
    """Two parameters, the share of the variance that they make together beyond each alone, and its standard deviation
    over the trees; the greatest first."""


def importance(metric: str, runs: Sequence[Mapping[str, str]], values: Sequence[float | None]) -> Importance:
    """Which parameters mattered for a metric, from the parameters of each run and its value of the metric.

    Runs whose value is missing or not finite are left out. Numbers and texts, and parameters that only some of the runs
    have, may be mixed. The same runs give the same answer. Raises for fewer than 8 runs, for a metric that is the same
    in all of them, and where no parameter differs.
    """
    kept = [n for n, value in enumerate(values) if value is not None and math.isfinite(value)]
    if len(kept) < LEAST_RUNS:
        raise AutotrackException.invalid(
            f"{len(kept)} runs have a finite value of {metric!r}; at least {LEAST_RUNS} are needed to say what mattered"
        )
    parameters = varying([runs[n] for n in kept])
    if not parameters:
        raise AutotrackException.invalid(f"no parameter differs between the {len(kept)} runs that have {metric!r}")
    import numpy as np  # heavy, and only for analyses

    target = np.array([values[n] for n in kept], dtype=float)
    if np.ptp(target) == 0:
        raise AutotrackException.invalid(f"{metric!r} is {target[0]:g} in all of the {len(kept)} runs")
    target = (target - target.mean()) / target.std()
    mark = inside.set("analysis")  # these fits are nobody's training
    try:
        scores, lost = _shuffled(np, parameters, target)
        every = np.arange(len(target))
        whole = matrix(parameters, target, every)
        trees = _forest(len(target), _EVERY).fit(whole, target).estimators_
    finally:
        inside.reset(mark)
    mean_lost = np.maximum(lost.mean(axis=0), 0.0)
    order = sorted(range(len(parameters)), key=lambda n: (-mean_lost[n], parameters[n].name))
    pairs = list(combinations(order[:_PAIRED], 2))
    alone, together = shares(trees, whole, pairs)
    weights = [
        Weight(
            parameters[n].name,
            float(mean_lost[n]),
            float(lost[:, n].std(ddof=1)),
            *_spread(alone[:, n]),
            _correlation(np, parameters[n], target),
            parameters[n].present,
            parameters[n].distinct,
            parameters[n].numeric,
        )
        for n in order
    ]
    both = [(parameters[a].name, parameters[b].name, *_spread(together[:, n])) for n, (a, b) in enumerate(pairs)]
    both.sort(key=lambda pair: -pair[2])
    return Importance(metric, len(target), *_spread(scores), tuple(weights), tuple(both))


def _forest(runs: int, parameters: float) -> Any:
    try:
        from sklearn.ensemble import RandomForestRegressor  # heavy, and only for analyses
    except ImportError:
        raise AutotrackException.invalid(
            "importance needs scikit-learn; install it with `pip install scikit-learn`"
        ) from None
    leaf = 1 if runs < 200 else 3
    return RandomForestRegressor(_TREES, min_samples_leaf=leaf, max_features=parameters, random_state=0)


def _shuffled(np: Any, parameters: Sequence[Parameter], target: Any) -> tuple[Any, Any]:
    """R² on held-out runs by fold, and by fold and parameter what shuffling the parameter there adds to the error."""
    chance = np.random.default_rng(0)
    scores, lost = [], []
    for _ in range(_REPEATS):
        order = chance.permutation(len(target))
        for held in np.array_split(order, _FOLDS):
            rows = np.setdiff1d(order, held)
            whole = matrix(parameters, target, rows)
            forest = _forest(len(rows), _SOME).fit(whole[rows], target[rows])
            error = ((forest.predict(whole[held]) - target[held]) ** 2).mean()
            scores.append(1 - error)  # of a target whose variance is 1
            changed = np.repeat(whole[held][None], len(parameters), axis=0)
            for n in range(len(parameters)):
                # From all runs: a fold of a few has too few values to shuffle.
                changed[n, :, n] = chance.choice(whole[:, n], size=len(held))
            said = forest.predict(changed.reshape(-1, whole.shape[1])).reshape(len(parameters), -1)
            lost.append((((said - target[held]) ** 2).mean(axis=1) - error) / 2)  # shuffling doubles what it takes away
    return np.array(scores), np.array(lost)


def _spread(values: Any) -> tuple[float, float]:
    if not len(values):
        return 0.0, 0.0
    return float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else 0.0


def _correlation(np: Any, parameter: Parameter, target: Any) -> float | None:
    rows = [n for n, value in enumerate(parameter.values) if value is not None]
    values, wanted = [parameter.values[n] for n in rows], target[rows]
    if len(set(values)) < 2 or np.ptp(wanted) == 0:
        return None
    if parameter.numeric:
        return float(np.corrcoef(_ranks(np, np.array(values, dtype=float)), _ranks(np, wanted))[0, 1])
    _, groups = np.unique(np.array(values, dtype=object).astype(str), return_inverse=True)
    sizes = np.bincount(groups)
    means = np.bincount(groups, weights=wanted) / sizes
    between = (sizes * (means - wanted.mean()) ** 2).sum()
    return float(math.sqrt(between / ((wanted - wanted.mean()) ** 2).sum()))


def _ranks(np: Any, values: Any) -> Any:
    """Ranks from 0, equal values sharing the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts + 1) / 2)[places]
