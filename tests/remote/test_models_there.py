"""Models of a server: registered when they have arrived, loaded when they are what was logged."""

from pathlib import Path

import pytest

import autotrack
from autotrack import MlflowClient
from autotrack.exceptions import AutotrackException

linear = pytest.importorskip("sklearn.linear_model")


@pytest.fixture(autouse=True)
def recording(faults, monkeypatch, tmp_path):
    """To the server, through a proxy; what is fetched lies in a cache of this test's own."""
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", faults.url)
    monkeypatch.setenv("AUTOTRACK_TOLD", "1")
    monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "120")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_a_model_that_is_logged_for_it_becomes_a_version_in_the_background(faults, request):
    """The program does not wait for that; an answer that is lost makes no second one."""
    faults.fault = lambda name, count: "drop" if name == "model-versions/create" and count == 0 else None
    autotrack.set_experiment(request.node.name)
    with autotrack.start_run():
        before = faults.count("model-versions/create")
        model = linear.LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])
        autotrack.sklearn.log_model(model, name="line", registered_model_name="Line here")
        assert faults.count("model-versions/create") == before
    autotrack.flush_async_logging()
    (version,) = MlflowClient().search_model_versions("name = 'Line here'")
    assert version.version == "1"


def test_a_version_is_fetched_verified_and_loaded(faults, request, tmp_path, monkeypatch):
    """On a machine that has not recorded it; the second time from the cache."""
    autotrack.set_experiment(request.node.name)
    with autotrack.start_run() as run:
        model = linear.LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])
        info = autotrack.sklearn.log_model(model, name="line")
    autotrack.register_model(f"runs:/{run.info.run_id}/line", request.node.name)
    MlflowClient().set_registered_model_alias(request.node.name, "champion", 1)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    autotrack.set_tracking_uri(faults.url)
    monkeypatch.setenv("AUTOTRACK_LOCAL_STORE", str(tmp_path / "elsewhere/store"))
    uris = [f"models:/{request.node.name}/1", f"models:/{request.node.name}@champion", f"models:/{info.model_id}"]
    for uri in (*uris, f"runs:/{run.info.run_id}/line"):
        assert autotrack.sklearn.load_model(uri).predict([[2.0]]).tolist() == pytest.approx([4.0])
    (kept,) = (tmp_path / "cache/autotrack/models").iterdir()
    pickled = next(file for file in kept.iterdir() if file.name.startswith("model."))
    pickled.write_bytes(pickled.read_bytes() + b" ")
    with pytest.raises(AutotrackException, match="not what was logged"):
        autotrack.sklearn.load_model(uris[0])


def test_a_model_of_this_machine_is_loaded_from_here(faults, request):
    """Without a request."""
    autotrack.set_experiment(request.node.name)
    with autotrack.start_run() as run:
        autotrack.sklearn.log_model(linear.LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0]), name="line")
    faults.refuse()
    loaded = autotrack.sklearn.load_model(f"runs:/{run.info.run_id}/line", trust=True)
    assert loaded.predict([[1.0]]).tolist() == pytest.approx([2.0])
    assert Path(".autotrack").is_dir()
