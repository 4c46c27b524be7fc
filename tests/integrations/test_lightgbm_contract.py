"""LightGBM passes what every integration passes."""

from pathlib import Path

from autotrack.testing import IntegrationContract


class TestLightgbm(IntegrationContract):
    """LightGBM: `train`, `cv` and the estimators."""

    package = "autotrack_lightgbm"
    module = "lightgbm"
    workload = Path(__file__).parent / "workloads" / "lightgbm.py"
    not_reached = frozenset({"not_recorded"})  # needs a cluster of Dask's
