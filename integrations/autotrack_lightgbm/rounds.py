"""What LightGBM tells at the end of each round."""

from __future__ import annotations

import time
from typing import Any

from autotrack.hooks import Run


class Rounds:
    """Writes every evaluation metric, all of a round in one write."""

    def __init__(self, run: Run) -> None:
        # LightGBM looks for these on the object itself. First of all callbacks, as any other may end the training.
        self.order = float("-inf")
        self.before_iteration = False
        self.count = 0
        self.model: Any = None
        self.keys: dict[tuple[str, str], str] = {}
        """The curves, by data set and metric."""
        self._run = run
        self._before = time.perf_counter()

    def __call__(self, env: Any) -> None:
        """Take what was evaluated after a round."""
        values = {"round_time": time.perf_counter() - self._before}
        keys = self.keys
        for found in env.evaluation_result_list or ():
            name = found[0], found[1]
            if name[0] == "cv_agg":  # before LightGBM 4.6 `cv` had the two in one
                name = tuple(name[1].split(" ", 1))
            key = keys.get(name) or keys.setdefault(name, key_of(*name))
            if tuple.__len__(found) > 4 and found[4] is not None:  # of `cv`: the folds' mean, and how far they differ
                values[f"{key}-mean"], values[f"{key}-stdv"] = float(found[2]), float(found[4])
            else:
                values[key] = float(found[2])
        self._run.metrics(values, step=env.iteration)
        self.count += 1
        self.model = env.model
        self._before = time.perf_counter()


def key_of(data: str, metric: str) -> str:
    """The name of a curve, as MLflow has it."""
    return f"{data}-{metric}".replace("@", "_at_")
