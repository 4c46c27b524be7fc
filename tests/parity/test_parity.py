"""scikit-learn's own tests cannot tell whether they are recorded: a slice of them; ``make sklearn`` runs them all."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture
def compared(monkeypatch):
    """What compares the two sides."""
    monkeypatch.syspath_prepend(HERE)
    yield import_module("sides").compared
    sys.modules.pop("sides", None)


@pytest.fixture
def checked(monkeypatch):
    """What compares them on the checks of estimators."""
    monkeypatch.syspath_prepend(HERE)
    yield import_module("sides").checked
    sys.modules.pop("sides", None)


def test_a_slice_of_its_tests_ends_as_without(compared, tmp_path):
    """Pipelines, what is passed on to their steps, targets that are transformed."""
    found = compared(
        ["sklearn.tests.test_pipeline", "sklearn.compose.tests.test_target"],
        tmp_path / "sides", "--pyargs", "-k", "routing or transform_target or (pipeline and (fit or score))",
    )  # fmt: skip
    assert found.differences == []
    assert found.faults == []
    assert found.count > 50


def test_a_slice_of_its_checks_ends_as_without(checked, tmp_path, monkeypatch):
    """``check_estimator`` of a classifier, a regressor, a clustering and a transformer."""
    monkeypatch.setenv("ESTIMATORS", "DecisionTreeClassifier Ridge KMeans StandardScaler")
    found = checked(tmp_path / "sides")
    assert found.differences == []
    assert found.faults == []
    assert found.count > 200


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("target", ["sklearn.tests.test_pipeline", "sklearn.compose", "sklearn.svm", "sklearn.tree"])
def test_its_tests_end_as_without(compared, tmp_path, target):
    """Whole packages; the rest of them take too long even here."""
    found = compared([target], tmp_path / "sides", "--pyargs")
    assert (found.differences, found.faults) == ([], [])


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_all_its_checks_end_as_without(checked, tmp_path):
    """``check_estimator`` of all estimators."""
    found = checked(tmp_path / "sides")
    assert (found.differences, found.faults) == ([], [])
    assert found.count > 5000
