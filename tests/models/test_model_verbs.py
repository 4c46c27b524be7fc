"""``log_model``, ``save_model`` and ``load_model`` of a framework, called as code written for MLflow calls them."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sklearn.linear_model import Ridge

from autotrack import current
from autotrack.exceptions import AutotrackException
from autotrack.models import pyfunc
from autotrack.models.verbs import Verbs
from autotrack.run import Run
from autotrack_sklearn.flavor import FLAVOR

RIDGE = Ridge().fit([[0.0], [1.0]], [0, 1])
SKLEARN = Verbs(FLAVOR)


def test_the_arguments_have_mlflows_names(run: Run) -> None:
    """The model and its place by position or by name; the result is a URI that loads."""
    assert SKLEARN.log_model(RIDGE, "first").model_uri == f"runs:/{run.run_id}/first"
    assert SKLEARN.log_model(sk_model=RIDGE, artifact_path="second").artifact_path == "second"
    info = SKLEARN.log_model(sk_model=RIDGE, name="third")
    assert SKLEARN.load_model(info.model_uri).coef_ == RIDGE.coef_


def test_a_run_is_started_when_there_is_none() -> None:
    """As MLflow does."""
    info = SKLEARN.log_model(RIDGE)
    run = current.current()
    assert run is not None
    assert info.run_id == run.run_id
    run.end()


def test_a_saved_directory_loads_with_consent(tmp_path: Path) -> None:
    """Outside of a store nothing vouches for a pickle."""
    SKLEARN.save_model(RIDGE, tmp_path / "ridge")
    assert SKLEARN.load_model(tmp_path / "ridge", trust=True).coef_ == RIDGE.coef_


def test_what_is_no_model_of_the_framework_is_refused(run: Run) -> None:
    """And an unknown argument is an error, not a silence."""
    with pytest.raises(AutotrackException, match="cannot keep a str"):
        SKLEARN.log_model("ridge")
    with pytest.raises(TypeError, match="unexpected keyword argument 'signatur'"):
        SKLEARN.log_model(RIDGE, signatur=None)


@pytest.mark.lenient
def test_a_model_that_cannot_be_kept_does_not_stop_the_program(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    """One warning; the result can be read as ever, and its URI leads nowhere."""
    broken = Ridge().fit([[0.0], [1.0]], [0, 1])
    broken.lock = threading.Lock()
    for model in (broken, "ridge", None):
        info = SKLEARN.log_model(model, name="broken")
        assert info.model_uri == f"runs:/{run.run_id}/broken"
    assert len(caplog.records) == 1
    with pytest.raises(AutotrackException, match="no model directory"):
        SKLEARN.load_model(info.model_uri)


@pytest.mark.lenient
def test_arguments_that_have_no_meaning_here_are_taken(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    """Each says once that it has no effect."""
    for name in ("one", "two"):
        SKLEARN.log_model(RIDGE, name, model_id="m-1", await_registration_for=0, pip_requirements=None)
    assert [record.getMessage() for record in caplog.records] == [
        "autotrack: log_model(model_id=…) has no effect; the model is kept as ever"
    ]


def test_a_model_is_loaded_by_its_id(run: Run) -> None:
    """As itself and as a function; an id that no run has recorded is named."""
    info = SKLEARN.log_model(RIDGE, "first")
    uri = f"models:/{info.model_id}"
    assert SKLEARN.load_model(uri, "copies").coef_ == RIDGE.coef_
    assert pyfunc.load_model(uri, True, None).predict([[1.0]]) == RIDGE.predict([[1.0]])
    with pytest.raises(AutotrackException, match="no model_config"):
        pyfunc.load_model(uri, model_config={"a": 1})
    with pytest.raises(AutotrackException, match="m-12"):
        SKLEARN.load_model("models:/m-12")
