"""A run to keep models with, and stock MLflow to load them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autotrack import current
from autotrack.run import Run


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is noted of models is noted in a directory of the test's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def run() -> Iterator[Run]:
    """An open run in this test's store."""
    run = current.start("models")
    yield run
    run.end()


@pytest.fixture
def stock(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Any]:
    """MLflow's own loader of any model, as a program that knows nothing of autotrack uses it."""
    import mlflow.pyfunc  # seconds, and only for the tests that compare with it

    monkeypatch.setattr(logging.getLogger("mlflow"), "disabled", True)
    return lambda directory: mlflow.pyfunc.load_model(str(directory))
