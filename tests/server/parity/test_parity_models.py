"""Logged models, as MLflow's client sees them of both servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from comparing import Side, compared
from mlflow.entities import Metric


@compared
def test_logged_models(side: Side) -> Iterator[tuple[str, Any]]:
    """Are pending until they are finished, and have parameters and tags."""
    client, experiment = side.client, side.experiment()
    run = side.run(experiment)
    made = client.create_logged_model(
        experiment, name="model", source_run_id=run, tags={"tag": "1"}, params={"p": "2"}, model_type="Agent"
    )
    yield "created", made
    yield "got", client.get_logged_model(made.model_id)
    yield "unnamed", bool(client.create_logged_model(experiment).name)
    client.set_logged_model_tags(made.model_id, {"tag": "new", "more": "ü"})
    client.delete_logged_model_tag(made.model_id, "more")
    yield "tags", client.get_logged_model(made.model_id).tags
    yield "no tag", side.attempt(client.delete_logged_model_tag, made.model_id, "more")
    client.log_model_params(made.model_id, {f"p{number}": str(number) for number in range(150)})
    yield "params", client.get_logged_model(made.model_id).params
    yield "params again", side.attempt(client.log_model_params, made.model_id, {"p": "3"})
    yield "finished", client.finalize_logged_model(made.model_id, "READY").status
    yield "failed", client.finalize_logged_model(made.model_id, "FAILED").status
    client.delete_logged_model(made.model_id)
    yield "deleted", side.attempt(client.get_logged_model, made.model_id, says="not found")
    yield "deleted again", side.attempt(client.delete_logged_model, made.model_id)
    deleted = side.get(f"logged-models/{made.model_id}", allow_deleted="true")
    yield "deleted but asked for", deleted["status"]
    yield "missing", side.attempt(client.get_logged_model, "m-" + "f" * 32)
    yield "no experiment", side.attempt(client.create_logged_model, "987654321", name="x")
    for wrong in ("", "a/b", "a:b", "a.b", "a%b", 'a"b', "a'b"):
        yield f"name {wrong!r}", side.attempt(client.create_logged_model, experiment, name=wrong) if wrong else None
    yield "long value", side.attempt(client.create_logged_model, experiment, name="x", params={"k": "v" * 6001})
    yield "raw", side.post("logged-models", {"experiment_id": experiment, "name": "raw"})
    yield "raw without experiment", side.post("logged-models", {"name": "raw"})
    yield "long key", side.attempt(client.create_logged_model, experiment, name="x", params={"k" * 251: "v"})


@compared
def test_searched_logged_models(side: Side) -> Iterator[tuple[str, Any]]:
    """By name, status, parameters, tags and metrics, of data sets too; ordered, page by page."""
    client, experiment = side.client, side.experiment()
    run, models = side.run(experiment), {}
    for number, name in enumerate(("tree", "forest", "Tree", "linear")):
        made = client.create_logged_model(
            experiment, name=name, source_run_id=run, params={"depth": str(number)}, tags={"t": "ab"[number % 2]},
            model_type="Agent" if number else None,
        )  # fmt: skip
        models[made.model_id] = name
        points = [Metric("acc", number / 10, 1, 0, made.model_id, "data", "d1", run)]
        if number == 1:
            points.append(Metric("acc", 0.9, 2, 0, made.model_id, "other", "d2", run))
        client.log_batch(run, points)
    client.finalize_logged_model(next(iter(models)), "READY")
    other = side.experiment("other")

    def found(filter_string: str | None = None, *, order: Any = None, ids: Any = None, **more: Any) -> Any:
        return side.attempt(
            lambda: [
                models[one.model_id]
                for one in client.search_logged_models(ids or [experiment], filter_string, order_by=order, **more)
            ]
        )

    yield "all", sorted(found())
    yield "none", found(ids=[other])
    by_name = [{"field_name": "name", "ascending": True}]
    for condition in (
        "name = 'tree'", "name != 'tree'", "attributes.name LIKE 'T%'", "name ILIKE 'T%'", "name IN ('tree', 'linear')",
        "params.depth = '1'", "params.depth != '1'", "tags.t = 'a'", "tags.t LIKE 'b'", "metrics.acc > 0.1",
        "metrics.acc >= 0.2 AND tags.t = 'b'", "status = 'READY'", "attributes.status != 'READY'",
        "model_type = 'Agent'", f"source_run_id = '{run}'", "creation_timestamp > 0", "attributes.experiment_id = '1'",
    ):  # fmt: skip
        label = condition.replace(run, "run")
        yield label, found(condition, order=by_name)
    one_set = [{"dataset_name": "data", "dataset_digest": "d1"}]
    yield "of a data set", found("metrics.acc > 0.05", order=by_name, datasets=one_set)
    yield "of its name", found("metrics.acc > 0.8", order=by_name, datasets=[{"dataset_name": "other"}])
    for wrong in ("nonsense = 'x'", "name = x", "metric.acc > 1", "metrics.acc > 'x'", "params.depth > 1", "name ="):
        yield wrong, found(wrong)
    by_metric = {"field_name": "metrics.acc", "ascending": False, "dataset_name": "data", "dataset_digest": "d1"}
    yield "by metric", found(order=[by_metric])
    yield "by metric of any", found(order=[{"field_name": "metrics.acc", "ascending": True}])
    yield "by name", found(order=by_name)
    yield "by time", found(order=[{"field_name": "creation_timestamp", "ascending": True}])
    yield "by nonsense", found(order=[{"field_name": "nonsense"}])
    first = client.search_logged_models([experiment], max_results=3, order_by=by_name)
    second = client.search_logged_models([experiment], max_results=3, order_by=by_name, page_token=first.token)
    yield "pages", [[models[one.model_id] for one in page] for page in (first, second)] + [bool(second.token)]
    yield (
        "token of another search",
        side.attempt(client.search_logged_models, [experiment], "name = 'x'", page_token=first.token),
    )
    yield "bad token", found(page_token="nonsense")
    yield "no experiments", side.post("logged-models/search", {})
    yield (
        "bad data set",
        side.post("logged-models/search", {"experiment_ids": [experiment], "datasets": [{"dataset_digest": "x"}]}),
    )
    client.delete_logged_model(next(iter(models)))
    yield "after a deletion", sorted(found())
