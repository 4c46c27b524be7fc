"""Trainings that happen on other machines: Dask's, Spark's, and those of several processes that know of one another."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from autotrack_xgboost.integration import INTEGRATION

_DISTRIBUTED = ("xgboost.dask", "xgboost.spark")


def is_distributed(cls: type) -> bool:
    """Whether it is an estimator of Dask's or Spark's."""
    return any(parent.__module__.startswith(_DISTRIBUTED) for parent in cls.__mro__)


@INTEGRATION.relay(
    "xgboost.dask:train",
    "xgboost.dask:DaskXGBClassifier.fit",
    "xgboost.dask:DaskXGBRegressor.fit",
    "xgboost.dask:DaskXGBRanker.fit",
    "xgboost.spark.core:_SparkXGBEstimator._fit",
)
def not_recorded(_instance: Any, _args: Any, _kwargs: Any) -> None:
    """Say once that the workers' training leaves no record."""
    INTEGRATION.warn(
        "distributed",
        "trainings on the workers of Dask or Spark are not recorded; log what they return with log_metrics and "
        "autotrack.xgboost.log_model",
    )


def is_elsewhere() -> bool:
    """Whether a call of ``train`` is a worker's part of a training, and not the first one's, who records it."""
    from xgboost import collective  # the framework, which is about to train

    if collective.get_rank() > 0:
        return True
    if not any(name in sys.modules for name in ("xgboost.dask", "xgboost.spark.core")):
        return False
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if str(frame.f_globals.get("__name__")).startswith(_DISTRIBUTED):
            return True
        frame = frame.f_back
    return False
