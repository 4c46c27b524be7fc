"""``check_estimator`` of every estimator of scikit-learn, check by check: run by pytest, on both sides.

The variable ``ESTIMATORS`` narrows them to some classes.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from unittest import SkipTest

from sklearn.utils import all_estimators
from sklearn.utils._test_common.instance_generator import _construct_instances, _get_expected_failed_checks
from sklearn.utils.estimator_checks import parametrize_with_checks


def estimators() -> Iterator[Any]:
    """One or more of each class, as scikit-learn's own tests make them."""
    wanted = os.environ.get("ESTIMATORS", "").split()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of those that it cannot make, and of those that are to go
        for name, kind in all_estimators():
            if not wanted or name in wanted:
                with suppress(SkipTest):  # raised for what is given its estimator, as FrozenEstimator is
                    yield from _construct_instances(kind)


@parametrize_with_checks(list(estimators()), expected_failed_checks=_get_expected_failed_checks)
def test_check(estimator: Any, check: Any) -> None:
    """One check of one estimator."""
    check(estimator)
