"""How much of what a forest of regression trees says varies with one parameter alone, or with two together.

Functional analysis of variance over trees (Hutter, Hoos and Leyton-Brown 2014, "An efficient approach for assessing
hyperparameter importance"). A tree is constant on boxes, so its means over all other parameters are sums over leaves.
Parameters are taken as independent, each distributed as the runs have it.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Shares(NamedTuple):
    """Shares of the variance, from 0 to 1: of each parameter alone by tree and parameter, of each asked pair beyond
    what the two do alone by tree and pair."""

    single: Any
    pairs: Any


def shares(trees: Any, matrix: Any, pairs: Any = ()) -> Shares:
    """The shares for fitted trees of scikit-learn on the points of ``matrix`` (runs, parameters).

    Trees that say the same everywhere are left out.
    """
    import numpy as np  # heavy, and only for analyses

    grids = [np.unique(column, return_counts=True) for column in matrix.T]
    single, double = [], []
    for tree in trees:
        leaves = _Leaves(np, tree.tree_, [values for values, _ in grids], [counts for _, counts in grids])
        if leaves.variance > 0:
            alone = [leaves.alone(place) for place in range(len(grids))]
            single.append([float(part) / leaves.variance for part, _ in alone])
            double.append([leaves.together(a, b, alone[a][1], alone[b][1]) / leaves.variance for a, b in pairs])
    shape = (len(single), len(grids))
    return Shares(np.array(single).reshape(shape), np.array(double).reshape(len(single), len(pairs)))


class _Leaves:
    """The leaves of a tree as boxes of places in the grids of the parameters."""

    def __init__(self, np: Any, tree: Any, grids: list[Any], counts: list[Any]) -> None:
        self._np = np
        self._chances = [count / count.sum() for count in counts]
        values, low, high = [], [], []
        stack = [(0, np.zeros(len(grids), dtype=np.int64), np.array([len(grid) for grid in grids]))]
        while stack:
            node, start, stop = stack.pop()
            if tree.children_left[node] < 0:
                values.append(tree.value[node].ravel()[0])
                low.append(start)
                high.append(stop)
                continue
            at = tree.feature[node]
            # scikit-learn compares float32 values with its thresholds.
            cut = np.searchsorted(grids[at].astype(np.float32), tree.threshold[node], side="right")
            left, right = stop.copy(), start.copy()
            left[at], right[at] = min(stop[at], cut), max(start[at], cut)
            stack.append((tree.children_left[node], start, left))
            stack.append((tree.children_right[node], right, stop))
        self._values, self._low, self._high = np.array(values), np.array(low), np.array(high)
        edges = [np.concatenate(([0.0], np.cumsum(chance))) for chance in self._chances]
        self._parts = np.column_stack(
            [edge[self._high[:, at]] - edge[self._low[:, at]] for at, edge in enumerate(edges)]
        )
        self._weights = self._parts.prod(axis=1)
        self._mean = float((self._weights * self._values).sum())
        self.variance = float((self._weights * (self._values - self._mean) ** 2).sum())
        if self.variance < 1e-12 * max(1.0, self._mean**2):
            self.variance = 0.0

    def alone(self, at: int) -> tuple[Any, Any]:
        """The variance that one parameter makes alone, and the mean of the tree at each of its values."""
        np = self._np
        change = np.zeros(len(self._chances[at]) + 1)
        part = self._without(at) * self._values
        np.add.at(change, self._low[:, at], part)
        np.add.at(change, self._high[:, at], -part)
        means = np.cumsum(change)[:-1]
        return (self._chances[at] * (means - self._mean) ** 2).sum(), means

    def together(self, a: int, b: int, means_a: Any, means_b: Any) -> float:
        """The variance that two parameters make together beyond what each makes alone."""
        np = self._np
        change = np.zeros((len(self._chances[a]) + 1, len(self._chances[b]) + 1))
        part = self._without(a, b) * self._values
        for rows, columns, sign in (
            (self._low[:, a], self._low[:, b], 1),
            (self._low[:, a], self._high[:, b], -1),
            (self._high[:, a], self._low[:, b], -1),
            (self._high[:, a], self._high[:, b], 1),
        ):
            np.add.at(change, (rows, columns), sign * part)
        means = change.cumsum(axis=0).cumsum(axis=1)[:-1, :-1]
        beyond = means - means_a[:, None] - means_b[None, :] + self._mean
        return float((np.outer(self._chances[a], self._chances[b]) * beyond**2).sum())

    def _without(self, *places: int) -> Any:
        np = self._np
        parts = self._parts[:, list(places)].prod(axis=1)
        return np.divide(self._weights, parts, out=np.zeros_like(parts), where=parts > 0)
