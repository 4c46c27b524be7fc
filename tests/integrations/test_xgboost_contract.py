"""The contract of integrations, for XGBoost's."""

from pathlib import Path

from autotrack.testing import IntegrationContract


class TestXGBoost(IntegrationContract):
    """Recording never changes a program that uses XGBoost."""

    package = "autotrack_xgboost"
    module = "xgboost"
    workload = Path(__file__).parent / "workloads" / "xgboost.py"
    not_reached = frozenset({"not_recorded"})  # needs a cluster of Dask's or Spark's
