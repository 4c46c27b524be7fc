"""A bundle holds all that was recorded, in the same bytes each time, and becomes the same record elsewhere."""

import os
import shutil
from pathlib import Path

import pytest
from exchanged import bring, export, files, record

from autotrack import settings
from autotrack.client import Client
from autotrack.event import Joined
from autotrack.exceptions import AutotrackException

FORMS = ("bundle", "bundle.zip", "bundle.tar")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The store that these tests export, and the id of a run in it. Nobody changes it."""
    place = tmp_path_factory.mktemp("recorded")
    before = {name: os.environ.get(name) for name in ("AUTOTRACK_TRACKING_URI", "AUTOTRACK_CONTEXT")}
    os.environ |= {"AUTOTRACK_TRACKING_URI": str(place / "store"), "AUTOTRACK_CONTEXT": "0"}
    settings.forget()
    try:
        run_id = record()
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        settings.forget()
    export(place / "bundle", place / "store")
    return place, run_id


def test_a_bundle_has_the_same_bytes_each_time(recorded, tmp_path):
    """Of the same store, as a directory, as a zip and as a tar file."""
    place, _ = recorded
    for form in FORMS:
        export(tmp_path / "a" / form, place / "store")
        export(tmp_path / "b" / form, place / "store")
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert files(tmp_path / "a" / "bundle") == files(place / "bundle")


@pytest.mark.parametrize("form", FORMS)
def test_what_is_imported_is_exported_as_it_was(recorded, tmp_path, form):
    """Export, import, export: byte for byte the same, in each form; and a second import changes nothing."""
    place, run_id = recorded
    export(tmp_path / form, place / "store")
    first = bring(tmp_path / form, tmp_path / "other")
    assert (len(first.runs), first.known, first.models, first.changes) == (3, [], 1, 6)
    again = bring(tmp_path / form, tmp_path / "other")
    assert (again.runs, sorted(again.known), again.changes) == ([], sorted(first.runs), 0)
    export(tmp_path / "again", tmp_path / "other")
    assert files(tmp_path / "again") == files(place / "bundle")
    assert not list((tmp_path / "other" / ".incoming").iterdir())
    assert run_id in first.runs


def test_an_imported_run_is_the_run_that_it_was(recorded, tmp_path):
    """Facts, points to the bit, data, models, files, and who is nested in whom; under the same ids."""
    place, run_id = recorded
    bring(place / "bundle", tmp_path / "other")
    here, there = Client(place / "store"), Client(tmp_path / "other")
    old, new = here.get_run(run_id), there.get_run(run_id)
    assert repr(old.data) == repr(new.data)  # NaN equals itself here
    assert (old.inputs, old.outputs) == (new.inputs, new.outputs)
    for name in ("status", "start_time", "end_time", "run_name", "user_id", "experiment_id", "error"):
        assert getattr(old.info, name) == getattr(new.info, name)
    for key in old.data.metrics:
        assert repr(here.get_metric_history(run_id, key)) == repr(there.get_metric_history(run_id, key))
    model = there.get_logged_model(f"m-{run_id}")
    assert (model.model_type, model.flavors, dict(model.params)) == ("agent", ("sklearn",), {"p": "1"})
    assert Path(there.download_artifacts(run_id, "deep/hello.txt")).read_text() == "hello"
    below = there.search_runs([new.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run_id}'")
    assert [one.info.run_name for one in below] == ["inner"]
    assert {one.info.status for one in there.search_runs([new.info.experiment_id])} == {"FINISHED", "FAILED"}


def test_a_registered_model_keeps_its_history(recorded, tmp_path):
    """Who did what, when and why, in a log that is sound; the number of a deleted version is not given again."""
    place, run_id = recorded
    bring(place / "bundle", tmp_path / "other")
    here, there = Client(place / "store"), Client(tmp_path / "other")
    facts = [(one.kind, one.time, one.user, one.why, one.version) for one in here.get_model_history("churn")]
    assert [(one.kind, one.time, one.user, one.why, one.version) for one in there.get_model_history("churn")] == facts
    assert there.verify_registry().problems == ()
    assert there.resolve_model_version("models:/churn@champion").run_id == run_id
    assert there.create_model_version("churn", "s3://bucket/next").version == "3"


def test_a_bundle_that_is_a_directory_is_a_store(recorded, tmp_path):
    """It can be opened where it lies."""
    place, run_id = recorded
    shutil.copytree(place / "bundle", tmp_path / "copy")
    client = Client(tmp_path / "copy")
    assert client.get_run(run_id).data.params["a%b"] == "1"
    assert client.get_registered_model("churn").aliases == {"champion": "1"}


def test_a_run_brings_those_below_it(recorded, tmp_path):
    """What is named is exported with all that belongs to it, and nothing else."""
    place, run_id = recorded
    export(tmp_path / "some", place / "store", everything=False, runs=(run_id,))
    done = bring(tmp_path / "some", tmp_path / "other")
    assert len(done.runs) == 2
    assert done.models == 0
    assert {one.name for one in Client(tmp_path / "other").search_experiments()} == {"Default", "ranking"}


def test_what_was_deleted_goes_along_when_asked(recorded, tmp_path):
    """And stays deleted."""
    place, _ = recorded
    export(tmp_path / "all", place / "store", deleted=True)
    done = bring(tmp_path / "all", tmp_path / "other")
    assert len(done.runs) == 4
    export(tmp_path / "again", tmp_path / "other", deleted=True)
    assert files(tmp_path / "again") == files(tmp_path / "all")


def test_a_run_that_is_another_one_there_is_an_error_before_anything_is_written(recorded, tmp_path):
    """Nothing of the bundle is taken then."""
    place, run_id = recorded
    export(tmp_path / "one", place / "store", everything=False, runs=(run_id,))
    bring(tmp_path / "one", tmp_path / "other")
    Client(tmp_path / "other").set_tag(run_id, "team", "red")
    with pytest.raises(AutotrackException, match=f"not the same there: {run_id[:8]}. Nothing was imported"):
        bring(place / "bundle", tmp_path / "other")
    assert len(list((tmp_path / "other" / "runs").iterdir())) == 2


def test_a_file_that_differs_is_a_difference(recorded, tmp_path):
    """Also where it has the same size."""
    place, run_id = recorded
    bring(place / "bundle", tmp_path / "other")
    (tmp_path / "other" / "runs" / run_id / "artifacts" / "deep" / "hello.txt").write_text("hullo")
    with pytest.raises(AutotrackException, match="not the same there"):
        bring(place / "bundle", tmp_path / "other")


def test_a_registered_model_of_another_history_is_an_error(recorded, tmp_path):
    """Before a run is taken."""
    place, _ = recorded
    Client(tmp_path / "other").create_registered_model("churn")
    with pytest.raises(AutotrackException, match="'churn' already, with another history"):
        bring(place / "bundle", tmp_path / "other")
    assert not (tmp_path / "other" / "runs").exists()


def test_what_was_added_to_a_registered_model_comes_after(recorded, tmp_path):
    """A log that lacks only the end of the history gets that."""
    place, _ = recorded
    bring(place / "bundle", tmp_path / "other")
    Client(tmp_path / "other").set_registered_model_tag("churn", "later", "yes")
    export(tmp_path / "more", tmp_path / "other")
    bring(place / "bundle", tmp_path / "third")
    assert bring(tmp_path / "more", tmp_path / "third").changes == 1


def test_a_run_without_an_end_is_one_there(tmp_path):
    """It is exported as far as it has come, and nobody says of it that it goes on."""
    client = Client()
    run = client.create_run(client.create_experiment("e"), start_time=1000)
    client._change(run.info.run_id, Joined(None))
    made = export(tmp_path / "bundle")
    assert made.unfinished == [run.info.run_id]
    bring(tmp_path / "bundle", tmp_path / "other")
    assert Client(tmp_path / "other").get_run(run.info.run_id).info.status == "LOST"
    export(tmp_path / "again", tmp_path / "other")
    assert files(tmp_path / "again") == files(tmp_path / "bundle")


def test_a_target_that_is_there_is_left_alone(tmp_path):
    """No bundle is written over anything."""
    (tmp_path / "there").mkdir()
    with pytest.raises(AutotrackException, match="is there already"):
        export(tmp_path / "there")
    with pytest.raises(AutotrackException, match=r"a directory, a \.zip or a \.tar"):
        export(tmp_path / "new.tar.gz")


def test_an_experiment_whose_tags_contradict_is_an_error(recorded, tmp_path):
    """Tags that are not there yet are added."""
    place, _ = recorded
    client = Client(tmp_path / "other")
    number = client.create_experiment("ranking", tags={"owner": "bob"})
    with pytest.raises(AutotrackException, match="has the tag 'owner' 'bob'"):
        bring(place / "bundle", tmp_path / "other")
    client.delete_experiment_tag(number, "owner")
    bring(place / "bundle", tmp_path / "other")
    assert client.get_experiment(number).tags == {"owner": "ada"}
