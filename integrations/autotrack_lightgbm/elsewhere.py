"""Trainings that happen on the workers of Dask."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from autotrack_lightgbm.integration import INTEGRATION

_DASK = "lightgbm.dask"


def is_distributed(cls: type) -> bool:
    """Whether it is an estimator of Dask's."""
    return any(parent.__module__ == _DASK for parent in cls.__mro__)


@INTEGRATION.relay(
    "lightgbm.dask:DaskLGBMClassifier.fit",
    "lightgbm.dask:DaskLGBMRegressor.fit",
    "lightgbm.dask:DaskLGBMRanker.fit",
)
def not_recorded(_instance: Any, _args: Any, _kwargs: Any) -> None:
    """Say once that the workers' training leaves no record."""
    INTEGRATION.warn(
        "distributed",
        "trainings on the workers of Dask are not recorded; log what they return with log_metrics and "
        "autotrack.lightgbm.log_model",
    )


def is_elsewhere() -> bool:
    """Whether a training is a worker's part of one: workers of a local cluster may be threads of this process."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__") == _DASK:
            return True
        frame = frame.f_back
    return False
