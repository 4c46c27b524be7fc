"""What recorded models have answered lately, and whose answer it is that is being scored.

Kept are the last :data:`MOST` answers: a weak reference to each, and of its values at most :data:`VALUES`, of up to
:data:`ROWS` rows that lie evenly in it. That is 8 MiB at most; no model, no data and no large array stay alive.

Something is a model's answer if it is the very object or a view of it; else if it equals one that is kept, as it is or
in one step. The step is stated with the score, and likewise how many rows were compared. An answer that is the same in
every row is known as an object alone. A model that the program has let go counts only where no other fits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from autotrack.hooks import weak
from autotrack_sklearn.sieve import Forms, forms, held_back, places
from autotrack_sklearn.steps import WEAK, Given, step
from autotrack_sklearn.trained import Trained, reference

MOST = 64
ROWS = 4096
VALUES = 16_384
LIVING = 10_000
"""Answers that are known as objects, while the program has them."""
TRIED = 8
"""Of longer answers the last so many are compared with what may be a part of them."""
GONE = 10
"""Added to the rank of a model that the program has let go."""
PART = 8
"""Rows that such a part has at least."""
FIRST = 24
"""Rows of either kind that are then looked at."""
FEW = 4
"""So many answers are compared in full without looking at other rows first."""


@dataclass(frozen=True, slots=True)
class Match:
    """One answer that fits."""

    owner: Trained
    dataset: str
    how: str = ""
    """The step from the answer to what is scored; empty if it is the very object."""


@dataclass(eq=False, slots=True)
class Answer:
    """What one call of ``predict`` or its like has returned."""

    owner: Trained
    dataset: str
    rows: int
    values: Any
    at: Any
    """The rows that are kept, ``None`` if all are."""
    classes: Any
    model: Any
    """A weak reference."""
    forms: Forms
    """Of the rows that are looked at first."""

    def fits(self, given: Asked) -> tuple[int, str] | None:
        """How what is given follows from the whole answer, with its rank: the lower, the likelier."""
        found = step(self.values, given.at(self.at), self.classes)
        if found is None or self.at is None:
            return found
        return found[0], f"{found[1]} ({len(self.at)} of {given.rows} rows compared)"

    def fits_in_part(self, given: Asked) -> tuple[int, str] | None:
        """How what is given, which is shorter, follows from a part of the answer."""
        rows, whole, at = given.rows, given.at(None), places(given.rows)
        parts = {f"[:{rows}]": self.values[:rows], f"[-{rows}:]": self.values[-rows:]}
        likely = held_back([forms(part[at], self.classes) for part in parts.values()], whole.values[at])
        for name, part in (list(parts.items())[place] for place in likely):
            found = step(part, whole, self.classes)
            if found is not None:
                return found[0] + 1, f"{found[1]} of {name}"
        return (WEAK, f"{rows} of its {self.rows} rows") if _among(whole.values, self.values) else None


class Asked:
    """An argument of a metric, read as far as it is compared."""

    def __init__(self, argument: Any, rows: int) -> None:
        self.rows = rows
        self._argument = argument
        self._read: dict[int, Given] = {}

    def at(self, places: Any) -> Given:
        """Its values in these rows, all for ``None``. Of so many rows equally many places are the same ones."""
        count = self.rows if places is None else len(places)
        found = self._read.get(count)
        if found is None:
            found = self._read[count] = Given(_values(self._argument, places))
        return found


class Answers:
    """The answers of a process."""

    def __init__(self) -> None:
        self._last: deque[Answer] = deque(maxlen=MOST)
        self._objects: dict[int, tuple[Any, Match]] = {}

    def add(self, owner: Trained, dataset: str, model: Any, given: Any, result: Any) -> None:
        """A model has answered ``result`` to ``given``, which the program calls ``dataset``."""
        classes = getattr(model, "classes_", None)
        alive = reference(model)
        parts: Iterable[Any] = (result,)
        if isinstance(result, (list, tuple)) and result:
            parts = result if hasattr(result[0], "shape") and result[0].shape else (np.asarray(result),)
        for part in parts:
            if part is given or not hasattr(part, "shape"):
                continue
            base = getattr(part, "base", None)
            if base is not None and (base is given or base is getattr(given, "base", None)):
                continue  # the program's own data, handed back
            self._hold(part, Match(owner, dataset))
            if isinstance(base, np.ndarray):
                self._hold(base, Match(owner, dataset, "a view"))
            self._keep(owner, dataset, part, classes, alive)

    def _hold(self, part: Any, match: Match) -> None:
        key = id(part)
        if len(self._objects) >= LIVING:
            self._objects.pop(next(iter(self._objects)), None)
        try:
            self._objects[key] = weak(part, partial(self._forget, key)), match
        except TypeError:
            return

    def _forget(self, key: int, gone: Any) -> None:
        entry = self._objects.get(key)
        if entry is not None and entry[0] is gone:
            self._objects.pop(key, None)

    def _keep(self, owner: Trained, dataset: str, part: Any, classes: Any, model: Any) -> None:
        shape = part.shape
        rows, width = shape[0] if shape else 0, shape[1] if len(shape) > 1 else 1
        if rows < 2 or not 0 < width <= 256 or len(shape) > 2 or hasattr(part, "indptr"):
            return
        count = min(ROWS, VALUES // width)
        at = None if rows <= count else np.linspace(0, rows - 1, count).astype(np.intp)
        values = np.array(_values(part, at))  # a copy
        if len(values) and np.all(values == values[0]):
            return
        if classes is not None and (not isinstance(classes, np.ndarray) or len(classes) > VALUES):
            classes = None
        classes = None if classes is None else classes.copy()
        for past in tuple(self._last)[:4]:
            same = past.owner is owner and past.dataset == dataset and past.values.shape == values.shape
            if same and past.rows == rows and np.array_equal(past.values, values):
                return
        first = places(rows)
        # Where all rows are kept the copy has them too, and needs no conversion.
        looked_at = values[first] if at is None else np.array(_values(part, first))
        self._last.appendleft(Answer(owner, dataset, rows, values, at, classes, model, forms(looked_at, classes)))

    def __bool__(self) -> bool:
        return bool(self._objects or self._last)

    def whose(self, arguments: Iterable[Any], likely: Iterable[Any]) -> list[Match]:
        """Whose answer is among the arguments of a metric, one match for each run that it may be.

        By identity any of the arguments may be; by equality those that are ``likely``, which the truth is not.
        """
        by_object = [match for argument in arguments if (match := self._by_object(argument)) is not None]
        found = by_object or self._by_value(likely)
        return list({id(match.owner): match for match in reversed(found)}.values())

    def _by_object(self, argument: Any) -> Match | None:
        entry = self._objects.get(id(argument))
        if entry is not None and entry[0]() is argument:
            return entry[1]
        base = getattr(argument, "base", None)
        entry = self._objects.get(id(base)) if base is not None else None
        if entry is not None and entry[0]() is base:
            return Match(entry[1].owner, entry[1].dataset, "a view")
        return None

    def _by_value(self, likely: Iterable[Any]) -> list[Match]:
        found: list[tuple[int, Match]] = []
        for given in likely:
            rows = _rows(given)
            if rows < 2:
                continue
            asked, kept = Asked(given, rows), tuple(self._last)
            fitting = [(answer, answer.fits(asked)) for answer in _likely(asked, kept)]
            if rows >= PART:
                longer = [answer for answer in kept if answer.rows > rows and answer.at is None][:TRIED]
                fitting += [(answer, answer.fits_in_part(asked)) for answer in longer]
            for answer, fit in fitting:
                if fit is not None:
                    gone = GONE if answer.model is not None and answer.model() is None else 0
                    found.append((fit[0] + gone, Match(answer.owner, answer.dataset, fit[1])))
        best = min((rank for rank, _ in found), default=0)
        return [match for rank, match in found if rank == best]


def _likely(asked: Asked, kept: Iterable[Answer]) -> list[Answer]:
    """Of the answers of the same length those that are worth comparing in full."""
    same = [answer for answer in kept if answer.rows == asked.rows]
    if not same:
        return []
    looked_at = asked.at(places(asked.rows))
    likely = [same[place] for place in held_back([answer.forms for answer in same], looked_at.values)]
    if len(likely) <= FEW:
        return likely
    # These rows did not tell much, as where nearly all are alike; those that differ from the first do.
    found: list[Answer] = []
    for length in {len(answer.values) for answer in likely}:
        some = [answer for answer in likely if len(answer.values) == length]
        given = asked.at(some[0].at).values
        single = given[:, 0] if given.ndim == 2 else given
        other = single != single[0]
        at = np.concatenate([np.flatnonzero(other)[:FIRST], np.flatnonzero(~other)[:FIRST]])
        found += [
            some[place] for place in held_back([forms(answer.values[at], answer.classes) for answer in some], given[at])
        ]
    return found


def _rows(given: Any) -> int:
    shape = getattr(given, "shape", None)
    if shape is not None:
        return int(shape[0]) if 0 < len(shape) <= 2 and not hasattr(given, "indptr") else 0
    return len(given) if isinstance(given, (list, tuple)) else 0


def _values(given: Any, at: Any) -> Any:
    if isinstance(given, (list, tuple)):
        return np.asarray(given if at is None else [given[row] for row in at])
    values = given.to_numpy() if hasattr(given, "to_numpy") else np.asarray(given)
    return values if at is None else values[at]


def _among(given: Any, held: Any) -> bool:
    """Whether every row given is one of those held, where hardly two of these are alike."""
    if given.dtype.kind != "f" or held.dtype.kind != "f" or given.ndim != held.ndim:
        return given.ndim == 1 and held.ndim == 2 and any(_among(given, column) for column in held.T[:16])
    first, column = (given, held) if held.ndim == 1 else (given[:, 0], held[:, 0])
    if not (column == first[0]).any() or len(np.unique(column)) < 0.9 * len(column):
        return False
    ordered = np.argsort(column)
    places = np.searchsorted(column[ordered], first)
    if places.max() >= len(column):
        return False
    return bool(np.array_equal(held[ordered[places]], given))
