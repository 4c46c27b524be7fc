"""CatBoost passes what every integration passes."""

from pathlib import Path

from autotrack.testing import IntegrationContract


class TestCatboost(IntegrationContract):
    """CatBoost: the estimators and `cv`."""

    package = "autotrack_catboost"
    module = "catboost"
    workload = Path(__file__).parent / "workloads" / "catboost.py"
