"""Going on with a run: it is what it was, and what is deleted stays alone."""

import pytest

import autotrack
from autotrack.exceptions import AutotrackException


@pytest.fixture
def run_id() -> str:
    """A run of an experiment that is no longer the one in force."""
    autotrack.set_experiment("before")
    with autotrack.start_run(run_name="mine") as run:
        autotrack.log_metric("loss", 1.0, step=0)
    autotrack.MlflowClient().update_run(run.info.run_id, name="renamed")
    autotrack.set_experiment("now")
    return run.info.run_id


def test_it_has_its_own_experiment_and_name(run_id):
    """Not those that a new run would have; what is nested in it belongs there too."""
    before = autotrack.get_experiment_by_name("before")
    with autotrack.start_run(run_id=run_id) as run:
        assert (run.info.run_name, run.info.experiment_id) == ("renamed", before.experiment_id)
        with autotrack.start_run(nested=True) as child:
            pass
    assert child.info.experiment_id == before.experiment_id
    found = autotrack.get_run(run_id)
    assert (found.info.run_name, found.info.experiment_id) == ("renamed", before.experiment_id)
    assert autotrack.get_parent_run(child.info.run_id).info.run_id == run_id


def test_it_can_be_given_a_name_and_tags(run_id):
    """As MLflow has it."""
    with autotrack.start_run(run_id=run_id, run_name="again", tags={"a": 1}, description="more"):
        pass
    found = autotrack.get_run(run_id)
    assert (found.info.run_name, found.data.tags["a"], found.data.tags["mlflow.note.content"]) == ("again", "1", "more")


def test_a_deleted_run_is_left_alone(run_id):
    """It is an error that says how to bring it back."""
    autotrack.delete_run(run_id)
    with pytest.raises(AutotrackException, match="restore_run"):
        autotrack.start_run(run_id=run_id)
    autotrack.restore_run(run_id)
    with autotrack.start_run(run_id=run_id):
        pass


@pytest.mark.lenient
@pytest.mark.parametrize("start", [autotrack.start_run, lambda: autotrack.log_metric("loss", 1.0)])
@pytest.mark.parametrize("which", ["unknown", "deleted"])
def test_an_environment_that_names_such_a_run_is_one_warning(start, which, run_id, monkeypatch, caplog):
    """The program records a run of its own then, whichever way it begins it."""
    autotrack.delete_run(run_id)
    monkeypatch.setenv("AUTOTRACK_RUN_ID", run_id if which == "deleted" else "nobody")
    start()
    autotrack.log_metric("loss", 2.0)
    assert autotrack.active_run().info.run_id != run_id
    autotrack.end_run()
    assert len(caplog.records) == 1


def test_a_deleted_experiment_takes_no_new_runs():
    """It is an error that says how to bring it back."""
    experiment = autotrack.create_experiment("gone")
    autotrack.delete_experiment(experiment)
    with pytest.raises(AutotrackException, match="restore_experiment"):
        autotrack.start_run(experiment_id=experiment)
    assert autotrack.active_run() is None
