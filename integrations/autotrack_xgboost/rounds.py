"""What XGBoost tells at the end of each round."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from xgboost.callback import EarlyStopping, TrainingCallback

from autotrack.hooks import Run
from autotrack_xgboost import INTEGRATION


def early(callbacks: Iterable[Any]) -> bool:
    """Whether one of them may stop the training early."""
    return any(isinstance(callback, EarlyStopping) for callback in callbacks)


@INTEGRATION.guarded(default=False)
class PerRound(TrainingCallback):
    """Writes the newest value of every evaluation metric, all of a round in one write."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.last: int | None = None
        self._run = run
        self._keys: dict[tuple[str, str], str] = {}

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002 - as XGBoost calls it
        """Never stops the training."""
        self.last = epoch
        keys = self._keys
        values: dict[str, float] = {}
        for data, metrics in evals_log.items():
            for metric, history in metrics.items():
                key = keys.get((data, metric)) or keys.setdefault((data, metric), f"{data}-{metric}")
                values[key] = history[-1]
        if values:
            self._run.metrics(values, step=epoch)
        return False
