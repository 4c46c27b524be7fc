"""Models that are announced first and complete later, as MLflow's client logs them."""

from autotrack.client import Client
from autotrack.event import ModelBegun, ModelChanged, ModelsLinked


def test_a_model_is_pending_until_somebody_says_that_it_is_ready(tmp_path):
    """It has a place of its own beside its run's artifacts; parameters and tags come with it or after it."""
    client = Client(tmp_path / "store")
    run = client.create_run("0").info.run_id
    change = client.store.editor.event
    change(run, ModelBegun("m-1", "net", "classifier", {"depth": "3"}, {"a": "1", "b": "2"}))
    begun = client.get_logged_model("m-1")
    assert (begun.status, begun.model_type, begun.params) == ("PENDING", "classifier", {"depth": "3"})
    assert begun.artifact_location.endswith(f"/runs/{run}/models/m-1")

    change(run, ModelChanged("m-1", "READY", tags={"a": None, "c": "3"}, params={"width": "9"}))
    ready = client.get_logged_model("m-1")
    assert (ready.status, ready.tags) == ("READY", {"b": "2", "c": "3"})
    assert ready.params == {"depth": "3", "width": "9"}
    assert [one.model_id for one in client.search_logged_models(["0"])] == ["m-1"]


def test_a_deleted_model_is_found_by_its_id_alone(tmp_path):
    """Deleting is soft."""
    client = Client(tmp_path / "store")
    run = client.create_run("0").info.run_id
    client.store.editor.batch(run, [(5, ModelBegun("m-1", "net")), (6, ModelChanged("m-1", stage="deleted"))])
    assert client.search_logged_models(["0"]) == []
    assert client.get_logged_model("m-1").lifecycle_stage == "deleted"


def test_a_run_names_the_models_that_it_read_and_made(tmp_path):
    """By their ids, also models of another store; a model that is only announced is none of them."""
    client = Client(tmp_path / "store")
    run = client.create_run("0").info.run_id
    change = client.store.editor.event
    change(run, ModelBegun("m-1", "net"))
    assert client.get_run(run).outputs.model_outputs == []
    change(run, ModelsLinked("output", {"m-1": 7}))
    change(run, ModelsLinked("input", {"m-elsewhere": 0}))
    found = client.get_run(run)
    assert [(one.model_id, one.step) for one in found.outputs.model_outputs] == [("m-1", 7)]
    assert [one.model_id for one in found.inputs.model_inputs] == ["m-elsewhere"]
