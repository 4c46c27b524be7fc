"""Experiments, as MLflow's client sees them of both servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from comparing import Side, compared
from mlflow.entities import ViewType


@compared
def test_created_experiments(side: Side) -> Iterator[tuple[str, Any]]:
    """Are found by id and by name, with their tags and place."""
    one = side.experiment("one", tags={"a": "1", "empty": "", "lines": "1\n2"})
    yield "by id", side.client.get_experiment(one)
    yield "by name", side.client.get_experiment_by_name(side.name("one"))
    yield "none by name", side.client.get_experiment_by_name(side.name("none"))
    other = side.experiment("ü / '\"`", artifact_location=f"mlflow-artifacts:/{side.name('elsewhere')}")
    yield "odd name", side.client.get_experiment_by_name(side.name("ü / '\"`"))
    yield "its run", side.client.get_run(side.run(other))
    yield (
        "unknown",
        side.attempt(side.client.get_experiment, "987654321", says="No Experiment with id=987654321 exists"),
    )
    yield "no id", side.attempt(side.client.get_experiment, "no-number")
    yield "twice", side.attempt(side.client.create_experiment, side.name("one"), says="already exists")


@compared
def test_refused_experiments(side: Side) -> Iterator[tuple[str, Any]]:
    """Names and places that nobody can mean."""
    path, create = "experiments/create", side.client.create_experiment
    yield "no name", side.post(path, {}, says="Missing value for required parameter 'name'")
    yield "empty name", side.post(path, {"name": ""})
    yield "a number", side.post(path, {"name": 123}, says="Invalid value 123 for parameter 'name' supplied")
    yield "long name", side.attempt(create, side.name("x" * 501))
    yield "place with fragment", side.attempt(create, side.name("1"), artifact_location="s3://bucket/x#frag")
    yield "place in a run", side.attempt(create, side.name("2"), artifact_location="runs:/abc/model")
    yield "place with query", side.attempt(create, side.name("3"), artifact_location="s3://bucket/a?x=/../b")
    yield "long key", side.attempt(create, side.name("4"), tags={"k" * 251: "v"})
    yield "long value", isinstance(create(side.name("5"), tags={"k": "v" * 5001}), str)
    yield "no id", side.get("experiments/get", says="Missing value for required parameter 'experiment_id'")
    yield "empty id", side.get("experiments/get", experiment_id="")
    yield "no name to get", side.get("experiments/get-by-name")
    yield "unknown name", side.get("experiments/get-by-name", experiment_name=side.name("no"))


@compared
def test_tags_of_experiments(side: Side) -> Iterator[tuple[str, Any]]:
    """Are set, replaced and deleted."""
    client, one, other = side.client, side.experiment("1"), side.experiment("2")
    client.set_experiment_tag(one, "dataset", "imagenet1K")
    client.set_experiment_tag(one, "dataset", "birds")
    client.set_experiment_tag(one, "empty", "")
    client.set_experiment_tag(one, "a key/with.odd-signs: ü", "x" * 5000)
    yield "set", client.get_experiment(one).tags
    yield "other", client.get_experiment(other).tags
    client.delete_experiment_tag(one, "dataset")
    yield "deleted", client.get_experiment(one).tags
    yield "again", side.attempt(client.delete_experiment_tag, one, "dataset")
    yield "of nothing", side.attempt(client.set_experiment_tag, "987654321", "a", "b")
    yield "long key", side.attempt(client.set_experiment_tag, one, "k" * 251, "b")
    yield "long value", side.attempt(client.set_experiment_tag, one, "k", "v" * 20001)
    yield "bad key", side.attempt(client.set_experiment_tag, one, "../x", "b")
    yield "no key", side.post("experiments/set-experiment-tag", {"experiment_id": one, "value": "x"})
    yield "no value", side.post("experiments/set-experiment-tag", {"experiment_id": one, "key": "x"})


@compared
def test_deleted_experiments(side: Side) -> Iterator[tuple[str, Any]]:
    """Take their runs along, keep their name, and come back with them."""
    client, one = side.client, side.experiment("1")
    kept, deleted = side.run(one), side.run(one)
    client.delete_run(deleted)
    client.delete_experiment(one)
    yield "experiment", client.get_experiment(one)
    yield "by name", client.get_experiment_by_name(side.name("1"))
    yield "runs", [client.get_run(run).info.lifecycle_stage for run in (kept, deleted)]
    yield "name taken", side.attempt(client.create_experiment, side.name("1"))
    yield "new run", side.attempt(client.create_run, one, says="must be in the 'active' state")
    yield "tag", side.attempt(client.set_experiment_tag, one, "a", "b")
    yield "rename", side.attempt(client.rename_experiment, one, side.name("x"))
    yield "twice", side.attempt(client.delete_experiment, one)
    client.restore_experiment(one)
    yield "back", client.get_experiment(one).lifecycle_stage
    yield "runs back", [client.get_run(run).info.lifecycle_stage for run in (kept, deleted)]
    yield "restored twice", side.attempt(client.restore_experiment, one)
    yield "of nothing", side.attempt(client.delete_experiment, "987654321")


@compared
def test_renamed_experiments(side: Side) -> Iterator[tuple[str, Any]]:
    """Are found by the new name only; the id stays."""
    client, one = side.client, side.experiment("1")
    side.experiment("2")
    client.rename_experiment(one, side.name("new"))
    yield "new", client.get_experiment(one).name
    yield "old", client.get_experiment_by_name(side.name("1"))
    yield "taken", side.attempt(client.rename_experiment, one, side.name("2"))
    yield "same", side.attempt(client.rename_experiment, one, side.name("new"))
    yield "no name", side.post("experiments/update", {"experiment_id": one})
    yield "empty", side.post("experiments/update", {"experiment_id": one, "new_name": ""})
    yield "of nothing", side.attempt(client.rename_experiment, "987654321", side.name("x"))
    yield "still", client.get_experiment(one).name


@compared
def test_searched_experiments(side: Side) -> Iterator[tuple[str, Any]]:
    """By name, tags, times and stage; ordered, page by page."""
    client = side.client
    for name, tags in (("a", {"key": "value"}), ("ab", {"key": "vaLue"}), ("Abc", {}), ("gone", {"other": "1"})):
        side.experiment(name, tags=tags)
    client.delete_experiment(side.experiments[-1])
    mine = f"name LIKE '{side.name()}-%'"

    def names(condition: str = mine, **more: Any) -> Any:
        return side.attempt(lambda: [one.name for one in client.search_experiments(filter_string=condition, **more)])

    yield "equal", names(f"name = '{side.name('a')}'")
    yield "attribute", names(f"attribute.name != '{side.name('a')}' AND {mine}")
    yield "attributes", names(f"attributes.name = '{side.name('ab')}'")
    yield "like", names(f"name LIKE '{side.name('a')}%'")
    yield "ilike", names(f"name ILIKE '{side.name('A').upper()}%'")
    yield "tag", names(f"tag.key = 'value' AND {mine}")
    yield "tags", names(f"tags.key != 'value' AND {mine}")
    yield "tag like", names(f"tags.key LIKE '%alu%' and {mine}")
    yield "tag ilike", names(f"tags.`key` ILIKE '%alu%' and {mine}")
    yield "tag is null", names(f"tags.key IS NULL AND {mine}")
    yield "times", names(f"creation_time > 0 AND last_update_time >= 1000 AND {mine}")
    yield "by id", names(f"experiment_id IN ('{side.experiments[0]}', '{side.experiments[2]}')")
    yield "ascending", names(order_by=["name"])
    yield "descending", names(order_by=["name DESC"])
    yield "by time", names(order_by=["creation_time ASC"])
    yield "deleted", names(view_type=ViewType.DELETED_ONLY)
    yield "all", names(view_type=ViewType.ALL)
    first = client.search_experiments(filter_string=mine, max_results=2, order_by=["name"])
    yield "first page", [one.name for one in first]
    second = client.search_experiments(filter_string=mine, max_results=2, order_by=["name"], page_token=first.token)
    yield "second page", [[one.name for one in second], bool(second.token)]
    for wrong in (
        "nme = 'a'",
        "name = a",
        "name == 'a'",
        "name LIKE",
        "metrics.a > 1",
        "name > 'a'",
        "creation_time > 'a'",
    ):
        yield wrong, names(wrong)
    yield "bad order", names(order_by=["nme"])
    yield "bad direction", names(order_by=["name sideways"])
    yield "too many", names(max_results=50001)
    yield "none", names(max_results=0)
    yield "unsaid", side.post("experiments/search", {"filter": mine})
    yield "bad token", names(page_token="nonsense")
    yield "by GET", side.get("experiments/search", max_results=1, filter=f"name = '{side.name('a')}'")


@compared
def test_the_default_experiment(side: Side) -> Iterator[tuple[str, Any]]:
    """Is there from the beginning."""
    side.known("0")
    found = side.client.get_experiment("0")
    yield "default", [found.name, found.lifecycle_stage, found.artifact_location]
    yield "by name", side.client.get_experiment_by_name("Default").experiment_id
