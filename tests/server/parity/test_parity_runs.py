"""Runs, as MLflow's client sees them of both servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from comparing import Side, compared
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    Metric,
    Param,
    RunStatus,
    RunTag,
)  # fmt: skip


@compared
def test_created_runs(side: Side) -> Iterator[tuple[str, Any]]:
    """Have what they were created with, and a name in any case."""
    client, experiment = side.client, side.experiment()
    tags = {
        "mlflow.user": "username", "mlflow.source.type": "LOCAL", "mlflow.source.name": "Hello",
        "mlflow.source.git.commit": "abc", "mlflow.parentRunId": "7", "mlflow.runName": "my name", "my": "tag",
    }  # fmt: skip
    created = client.create_run(experiment, start_time=456, tags=tags)
    yield "all", created
    yield "got", client.get_run(created.info.run_id)
    yield "default", client.create_run(experiment)
    yield "named", client.create_run(experiment, run_name="named").info.run_name
    both = client.create_run(experiment, run_name="same", tags={"mlflow.runName": "same"})
    yield "named twice", both.info.run_name
    yield "named otherwise", side.attempt(client.create_run, experiment, run_name="a", tags={"mlflow.runName": "b"})
    yield "empty name", client.create_run(experiment, run_name="").info.run_name
    yield "empty tag", client.create_run(experiment, tags={"empty": ""}).data.tags["empty"]
    yield "unknown experiment", side.attempt(client.create_run, "987654321")
    yield "bad experiment", side.attempt(client.create_run, "no-number")
    yield "no experiment", side.post("runs/create", {})
    named = side.post("runs/create", {"experiment_id": experiment, "user_id": "me", "start_time": 5})
    yield "user", named["body"]["run"]["info"]
    yield "unknown", side.attempt(client.get_run, "f" * 32, says="not found")
    yield "strange id", side.attempt(client.get_run, "no such run", says="")
    yield "no id", side.get("runs/get", says="Missing value for required parameter 'run_id'")
    yield "old name of the id", side.get("runs/get", run_uuid=created.info.run_id)
    yield "long tag", side.attempt(client.create_run, experiment, tags={"k" * 251: "v"})


@compared
def test_ended_runs(side: Side) -> Iterator[tuple[str, Any]]:
    """Have a status and a time; a name may change without them."""
    client, run = side.client, side.run()
    yield "running", client.get_run(run).info
    client.set_terminated(run)
    yield "finished", client.get_run(run).info
    client.update_run(run, name="name_abc")
    renamed = client.get_run(run)
    yield "renamed", [renamed.info, renamed.data.tags["mlflow.runName"]]
    for status in ("FAILED", "KILLED", "RUNNING", "SCHEDULED", "FINISHED"):
        client.update_run(run, status=status)
        yield status, client.get_run(run).info
    client.set_terminated(run, "FAILED", end_time=1234)
    yield "at a time", client.get_run(run).info
    yield "unknown status", side.post("runs/update", {"run_id": run, "status": "UNKNOWN"})
    yield "number", side.post("runs/update", {"run_id": run, "status": RunStatus.KILLED})
    yield "now", client.get_run(run).info.status
    client.set_tag(run, "mlflow.runName", "by tag")
    yield "renamed by tag", client.get_run(run).info.run_name
    yield "nothing", side.post("runs/update", {"run_id": run})
    yield "of nothing", side.attempt(client.update_run, "f" * 32, name="x")
    yield "no id", side.post("runs/update", {"status": "FINISHED"})


@compared
def test_deleted_runs(side: Side) -> Iterator[tuple[str, Any]]:
    """Are read, and not written, until they are restored."""
    client, run = side.client, side.run()
    client.set_tag(run, "t", "1")
    client.delete_run(run)
    yield "deleted", client.get_run(run)
    says = "must be in the 'active' state"
    yield "metric", side.attempt(client.log_metric, run, "m", 1, says=says)
    yield "param", side.attempt(client.log_param, run, "p", 1, says=says)
    yield "tag", side.attempt(client.set_tag, run, "t", 1, says=says)
    yield "delete tag", side.attempt(client.delete_tag, run, "t", says=says)
    yield "batch", side.attempt(client.log_batch, run, tags=[RunTag("a", "b")], says=says)
    yield "update", side.attempt(client.update_run, run, name="x", says=says)
    yield "again", side.attempt(client.delete_run, run)
    client.restore_run(run)
    yield "restored", client.get_run(run).info.lifecycle_stage
    yield "restored again", side.attempt(client.restore_run, run)
    client.log_metric(run, "m", 1)
    yield "of nothing", side.attempt(client.delete_run, "f" * 32)
    yield "restore nothing", side.attempt(client.restore_run, "f" * 32)


@compared
def test_parameters(side: Side) -> Iterator[tuple[str, Any]]:
    """Are written once; the same value again is no change."""
    client, run = side.client, side.run()
    client.log_param(run, "param", "value")
    client.log_param(run, "param", "value")
    client.log_param(run, "empty", "")
    client.log_param(run, "number", 0.1)
    client.log_param(run, "none", None)
    client.log_param(run, "a key/with.odd-signs: ü", "ü\n\t")
    client.log_param(run, "long", "x" * 6000)
    yield "logged", client.get_run(run).data.params
    yield "changed", side.attempt(client.log_param, run, "param", "other", says=r"Changing param values is not allowed")
    yield "batch changed", side.attempt(client.log_batch, run, params=[Param("new", "1"), Param("param", "other")])
    yield "after", sorted(client.get_run(run).data.params)
    twice = [Param("twice", "1"), Param("twice", "2")]
    yield "duplicates", side.attempt(client.log_batch, run, params=twice)
    yield "same duplicates", side.attempt(client.log_batch, run, params=[Param("same", "1"), Param("same", "1")])
    path = "runs/log-parameter"
    yield (
        "bad id",
        side.post(path, {"run_id": 31, "key": "p", "value": "x"}, says="Invalid value 31 for parameter 'run_id'"),
    )
    yield (
        "bad key",
        side.post(path, {"run_id": run, "key": 31, "value": "x"}, says="Invalid value 31 for parameter 'key'"),
    )
    yield "bad value", side.post(path, {"run_id": run, "key": "n", "value": 41})
    yield "no key", side.post(path, {"run_id": run, "value": "x"}, says="Missing value for required parameter 'key'")
    yield "no value", side.post(path, {"run_id": run, "key": "unsaid"})
    yield "too long", side.post(path, {"run_id": run, "key": "cut", "value": "y" * 6001})
    yield "cut", client.get_run(run).data.params["cut"] == "y" * 6000
    for key in ("", ".", "..", "../x", "/x", "a//b", "a/../b", "a?b", "k" * 251, "./x", "a/", "a,b", "tab\t"):
        yield f"key {key[:20]!r}", side.post(path, {"run_id": run, "key": key, "value": "x"})
    yield "of nothing", side.attempt(client.log_param, "f" * 32, "a", "b")
    yield "camel case", side.post(path, {"runId": run, "key": "camel", "value": "x"})
    yield "unknown field", side.post(path, {"run_id": run, "key": "more", "value": "x", "colour": "red"})


@compared
def test_tags(side: Side) -> Iterator[tuple[str, Any]]:
    """Are set, replaced and deleted."""
    client, run = side.client, side.run()
    client.set_tag(run, "taggity", "do-dah")
    client.set_tag(run, "taggity", 5)
    client.set_tag(run, "empty", "")
    client.set_tag(run, "ü k", "x" * 8000)
    yield "set", {key: value for key, value in client.get_run(run).data.tags.items() if not key.startswith("mlflow.")}
    client.delete_tag(run, "taggity")
    yield "deleted", "taggity" in client.get_run(run).data.tags
    yield "no tag", side.attempt(client.delete_tag, run, "fakeTag", says="No tag with name: fakeTag")
    yield "no run", side.attempt(client.delete_tag, "f" * 32, "a", says="Run .+ not found")
    path = "runs/set-tag"
    yield (
        "bad id",
        side.post(path, {"run_id": 31, "key": "t", "value": "x"}, says="Invalid value 31 for parameter 'run_id'"),
    )
    yield (
        "bad value",
        side.post(path, {"run_id": run, "key": "t", "value": 41}, says="Invalid value 41 for parameter 'value'"),
    )
    yield "no key", side.post(path, {"run_id": run, "value": "x"}, says="Missing value for required parameter 'key'")
    yield "no value", side.post(path, {"run_id": run, "key": "unsaid"})
    yield "old id", side.post(path, {"run_uuid": run, "key": "k", "value": "v"})
    yield "bad key", side.post(path, {"run_id": run, "key": "../x", "value": "v"})
    yield "too long", side.post(path, {"run_id": run, "key": "cut", "value": "y" * 8001})
    yield "cut", client.get_run(run).data.tags["cut"] == "y" * 8000
    client.set_tag(run, "mlflow.note.content", "the note")
    yield "note", client.get_run(run).data.tags["mlflow.note.content"]


@compared
def test_batches(side: Side) -> Iterator[tuple[str, Any]]:
    """Are taken whole or not at all, up to a size."""
    client, run = side.client, side.run()
    client.log_batch(
        run, metrics=[Metric("metric", 123.456, 789, 3)], params=[Param("param", "value"), Param("empty", "")],
        tags=[RunTag("taggity", "do-dah"), RunTag("empty", "")],
    )  # fmt: skip
    found = client.get_run(run).data
    yield "logged", [found.metrics, found.params, found.tags["taggity"], found.tags["empty"]]
    yield "history", client.get_metric_history(run, "metric")
    path = "runs/log-batch"
    for what in ("metrics", "params", "tags"):
        yield (
            f"bad {what}",
            side.post(path, {"run_id": run, what: "foo"}, says=f"Invalid value .*foo.* for parameter '{what}'"),
        )
    yield "no time", side.post(
        path, {"run_id": run, "metrics": [{"key": "mae", "value": 2.5}]},
        says=r"Missing value for required parameter 'metrics\[0\].timestamp'",
    )  # fmt: skip
    yield "no key", side.post(path, {"run_id": run, "metrics": [{"value": 2.5, "timestamp": 1}]})
    yield "no value", side.post(path, {"run_id": run, "metrics": [{"key": "a", "timestamp": 1}]})
    yield "no step", side.post(path, {"run_id": run, "metrics": [{"key": "mae", "value": 2.5, "timestamp": 123}]})
    yield "no run", side.post(path, {}, says="Missing value for required parameter 'run_id'")
    yield "empty", side.post(path, {"run_id": run})
    many = [{"key": f"m{i}", "value": i, "timestamp": i} for i in range(1001)]
    yield "1001 metrics", side.post(path, {"run_id": run, "metrics": many}, says="at most 1000")
    yield "1000 metrics", side.post(path, {"run_id": run, "metrics": many[:1000]})
    pairs = [{"key": f"p{i}", "value": "v"} for i in range(101)]
    yield "101 params", side.post(path, {"run_id": run, "params": pairs}, says="at most 100")
    yield "100 params", side.post(path, {"run_id": run, "params": pairs[:100]})
    yield "101 tags", side.post(path, {"run_id": run, "tags": pairs}, says="at most 100")
    yield (
        "1000 in all",
        side.post(path, {"run_id": run, "metrics": many[:950], "tags": pairs[:51]}, says="at most 1000"),
    )
    bad = [{"key": "good", "value": 1, "timestamp": 1}, {"key": "../bad", "value": 1, "timestamp": 1}]
    yield "one bad", side.post(path, {"run_id": run, "metrics": bad, "tags": [{"key": "x", "value": "y"}]})
    yield "negative time", side.post(path, {"run_id": run, "metrics": [{"key": "a", "value": 1, "timestamp": -1}]})
    yield "text", side.post(path, {"run_id": run, "metrics": [{"key": "a", "value": "abc", "timestamp": 1}]})
    yield (
        "dataset without digest",
        side.post(path, {"run_id": run, "metrics": [{"key": "a", "value": 1, "timestamp": 1, "dataset_name": "d"}]}),
    )
    data = client.get_run(run).data
    yield "nothing of the refused", [len(data.metrics), len(data.params), "good" in data.metrics, "x" in data.tags]
    yield "of nothing", side.attempt(client.log_batch, "f" * 32, tags=[RunTag("a", "b")])


@compared
def test_inputs_and_outputs(side: Side) -> Iterator[tuple[str, Any]]:
    """Data sets and models that a run used and made are found with it, each once."""
    client, experiment = side.client, side.experiment()
    run = side.run(experiment)
    data = Dataset("name1", "digest1", "source_type1", "source1", "schema", "profile")
    train = [InputTag("mlflow.data.context", "train")]
    client.log_inputs(run, [DatasetInput(data, train), DatasetInput(Dataset("name2", "digest2", "t", "s"))])
    client.log_inputs(run, [DatasetInput(data, train)])
    yield "data sets", client.get_run(run).inputs
    client.log_inputs(run, [DatasetInput(data, [InputTag("more", "1")])])
    yield "more tags", client.get_run(run).inputs
    used, made = (client.create_logged_model(experiment, name=name) for name in ("used", "made"))
    client.log_inputs(run, models=[LoggedModelInput(used.model_id)])
    client.log_outputs(run, [LoggedModelOutput(made.model_id, 3)])
    found = client.get_run(run)
    yield "models", [found.inputs.model_inputs, found.outputs.model_outputs]
    path = "runs/log-inputs"
    one = {"dataset": {"name": "n", "digest": "d", "source_type": "t", "source": "s"}}
    yield "no run", side.post(path, {"datasets": [one]}, says="Missing value for required parameter 'run_id'")
    yield "no name", side.post(path, {"run_id": run, "datasets": [{"dataset": {"digest": "d"}}]})
    long = {"dataset": {**one["dataset"], "name": "n" * 501}}
    yield "long name", side.post(path, {"run_id": run, "datasets": [long]})
    yield (
        "long digest",
        side.post(path, {"run_id": run, "datasets": [{"dataset": {**one["dataset"], "digest": "d" * 37}}]}),
    )
    yield "of nothing", side.attempt(client.log_inputs, "f" * 32, [DatasetInput(data)])
    yield "nothing", side.post(path, {"run_id": run})
    summaries = side.ask(
        "POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", json={"experiment_ids": [experiment]}
    )
    yield "summaries", sorted(summaries.get("body", {}).get("dataset_summaries", ()), key=repr)
    for label, body in (("none", {}), ("empty", {"experiment_ids": []}), ("many", {"experiment_ids": ["1"] * 1000})):
        yield (
            f"summaries of {label}",
            side.ask(
                "POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", json=body, says="SearchDatasets request"
            ),
        )


@compared
def test_parents(side: Side) -> Iterator[tuple[str, Any]]:
    """A nested run knows the one above it."""
    client, parent = side.client, side.run()
    child = side.run(tags={"mlflow.parentRunId": parent})
    yield "parent", client.get_parent_run(child).info.run_id == parent
    yield "none", client.get_parent_run(parent)
