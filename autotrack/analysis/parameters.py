"""The parameters of many runs as columns that can be calculated with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from autotrack.values import spelt

_FEW = 2
"""Different values from which a parameter can have mattered."""
_REPEATED = 4
"""So many runs a value there must be, on average, before it counts as a choice between ways."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter over all runs. ``values`` are floats where each run that has it spells a number, else texts;
    ``None`` where a run lacks it."""

    name: str
    numeric: bool
    values: tuple[float | str | None, ...]
    conditional: bool = False
    """Whether another parameter tells which runs have it, as a kernel does of its coefficients."""

    @property
    def distinct(self) -> int:
        """How many different values there are; to lack it is one."""
        return len(set(self.values))

    @property
    def present(self) -> int:
        """How many runs have it."""
        return sum(value is not None for value in self.values)


def varying(runs: Sequence[Mapping[str, str]]) -> list[Parameter]:
    """The parameters that are not the same in all of these runs, each given by its parameters; sorted by name.

    Left out is what nothing can be said of: a text that is another one in every run, such as a path, and all but the
    first of several parameters that order the runs alike, as one that is computed from another.
    """
    found: list[Parameter] = []
    orders: set[tuple[int | None, ...]] = set()
    for name in sorted({name for run in runs for name in run}):
        texts = [run.get(name) for run in runs]
        numbers = [None if text is None else spelt(text) for text in texts]
        numeric = all((number is None) == (text is None) for number, text in zip(numbers, texts, strict=True))
        one = Parameter(name, numeric, tuple(numbers if numeric else texts))
        if one.distinct < _FEW or (not numeric and len(runs) > _FEW and one.distinct == len(runs)):
            continue
        order = _order(one)
        if order not in orders:
            orders.add(order)
            found.append(one)
    return [replace(one, conditional=any(_tells(other, one) for other in found if other is not one)) for one in found]


def _tells(parameter: Parameter, other: Parameter) -> bool:
    """Whether what a run has of one parameter tells if it has the other. Of values that hardly repeat nothing is
    concluded."""
    gaps = [value is None for value in other.values]
    if not any(gaps) or parameter.distinct * _REPEATED > len(gaps):
        return False
    if gaps == [value is None for value in parameter.values]:
        return False  # they come together, and neither tells of the other
    return len(set(zip(parameter.values, gaps, strict=True))) == parameter.distinct


def _order(parameter: Parameter) -> tuple[int | None, ...]:
    """The place of each run's value: among sorted numbers, among texts in the order of their turning up."""
    known: list[Any] = [value for value in parameter.values if value is not None]
    places = {value: n for n, value in enumerate(sorted(set(known)) if parameter.numeric else dict.fromkeys(known))}
    return tuple(None if value is None else places[value] for value in parameter.values)


def matrix(parameters: Sequence[Parameter], target: Any, rows: Any) -> Any:
    """One column a parameter, as a forest of regression trees reads it: float64 of shape (runs, parameters).

    The values of a text are put in the order of the mean ``target`` of the runs in ``rows`` that have them, which loses
    nothing that a tree could find (Fisher 1958, "On grouping for maximum homogeneity"). What lacks a parameter gets a
    value of its own below all others, so that a tree can tell it apart; where another parameter tells it, the median,
    so that it is that other one which is found to matter.
    """
    import numpy as np  # heavy, and only for analyses

    columns = []
    for parameter in parameters:
        if parameter.numeric:
            known = np.array([np.nan if value is None else float(value) for value in parameter.values])
            finite = known[np.isfinite(known)]
            low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 0.0)
            known = np.clip(known, low - (high - low or 1.0), high + (high - low or 1.0))  # infinities
            below = low - 2 * (high - low or 1.0)
        else:
            known, below = _ordered(np, parameter.values, target, rows), -1.0
        missing = np.nanmedian(known) if parameter.conditional else below
        columns.append(np.where(np.isnan(known), missing, known))
    return np.column_stack(columns)


def _ordered(np: Any, values: Sequence[Any], target: Any, rows: Any) -> Any:
    means: dict[Any, list[float]] = {}
    for row in rows:
        means.setdefault(values[row], []).append(float(target[row]))
    middle = float(np.mean(target[rows]))
    # Of a value that few runs have, little is known: its mean is drawn to that of all, by one run's weight.
    drawn = {value: (sum(found) + middle) / (len(found) + 1) for value, found in means.items()}
    texts = sorted(
        {value for value in values if value is not None}, key=lambda value: (drawn.get(value, middle), value)
    )
    places = {
        value: float(place) for place, value in enumerate(sorted(texts, key=lambda one: (drawn.get(one, middle), one)))
    }
    return np.array([places.get(value, np.nan) for value in values])
