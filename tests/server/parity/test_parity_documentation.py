"""Every query that MLflow's documentation of searches gives as an example, on the data that its pages make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from comparing import Side, compared
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

OF_RUNS = (
    "metrics.loss > 0.8", "tag.`test` = 'abc'", 'tag.`test` = "abc"', 'tag."test" = "abc"', "tag.test = 'abc'",
    "metrics.`cross-entropy-loss` < 0.5", 'params.`1st_iteration_timestamp` = "2022-01-01"',
    "attributes.run_id IN ('{first}', '{second}')", "metrics.accuracy > 0.72", "metrics.loss <= 0.15",
    "metrics.accuracy != 0.15", 'params.model = "GPT-4o"', 'params.model LIKE "GPT%"', 'params.model ILIKE "gpt%"',
    "datasets.name IN ('custom', 'also custom', 'another custom name')", "datasets.digest IN ('s8ds293b', 'jks834s2')",
    "attributes.run_id IN ('{first}')", 'metrics."accuracy" > 0.72', "metrics.`log-scale-loss` <= 0",
    "metrics.`f1 score` >= 0.5", "metrics.accuracy > 0.72 AND metrics.loss <= 0.15", 'params.batch_size = "2"',
    'params.model ILIKE "gPt%"', 'params.model LIKE "GPT%" AND params.batch_size = "2"',
    'tags."environment" = "notebook"', 'tags.environment = "notebook"', 'tags.task = "Classification"',
    'tags.task ILIKE "classif%"', 'datasets.name LIKE "custom"', 'datasets.context = "train"',
    'attributes.status = "ACTIVE"', 'attributes.user_id LIKE "user1"', 'attributes.run_name = "my-run"',
    'attributes.run_id = "{first}"', "attributes.start_time >= 1664067852747", "attributes.end_time < 1664067852747",
    "attributes.created > 1664067852747", "datasets.name IN ('custom', 'also custom')",
    "metrics.accuracy > 0.72 AND metrics.batch_size != 0",
    "metrics.accuracy > 0.72 AND metrics.batch_size != 0 AND attributes.run_id IN ('{first}', '{second}')",
    "metrics.loss <= 0.15 AND metrics.loss >= 0.1", 'params.batch_size != "None"', "metrics.accuracy < 0.72",
    "attribute.status = 'FINISHED'", "params.`learning rate` = '0.001'",
    # Of the pages of earlier versions.
    "metrics.accuracy > 0.92",
    'params.model = "LogisticRegression" and params.lambda = "0.001" and metrics.error <= 0.05',
    'attributes.status = "FAILED"', 'metrics."model class" = 1', 'tags.mlflow.parentRunId = "x"',
    'params."parameters" = "x"', "tag.`my custom tag` = 'x'",
    # What they say is an error.
    "tag.'test' = 'abc'", "tag.`test` = `abc`", "tag.`test` = abc", 'metrics.accuracy != "None"',
)  # fmt: skip
OF_EXPERIMENTS = (
    "attributes.name = '{name}-x'", "name = '{name}-x'", "attributes.name LIKE '{name}%'", "tags.group != 'x'",
    "tags.group ILIKE '%x%'", "attributes.name LIKE '{name}%' AND tags.group = 'y'", "tags.group LIKE '%x%'",
    "creation_time > 1", "attributes.last_update_time >= 1 AND tags.group = 'x'",
)  # fmt: skip
OF_LOGGED_MODELS = (
    "metrics.accuracy > 0.9", "metrics.precision > 0.88 AND metrics.recall > 0.90",
    "params.model_type = 'RandomForest'",
    "params.model_type = 'RandomForest' AND params.n_estimators = '200'", "name = 'SVM_model_5'",
    "name IN ('SVM_model_5', 'RandomForest_model_0')", "name != 'SVM_model_4'", "creation_time > 1664067852747",
    "tags.task = 'classification'", "metrics.accuracy > 0.85",
    "\n params.model_type = 'RandomForest'\n AND metrics.accuracy > 0.9\n AND metrics.precision > 0.88\n",
    "metrics.f1_score > 0.8", "metrics.accuracy > 0.95 AND metrics.precision > 0.93", "params.model_type = 'SVM'",
    "metrics.`f1_score` > 0.88", 'metrics."f1_score" > 0.88',
)  # fmt: skip
OF_REGISTERED = (
    "name = '{name}-a'",
    "name LIKE '{name}%'",
    "name ILIKE '{upper}%'",
    "tags.team = 'x'",
    "tag.team = 'y'",
)


@compared
def test_documented_searches_for_runs(side: Side) -> Iterator[tuple[str, Any]]:
    """Ten runs, of which some lack a tag or a parameter, as the guide makes them."""
    client, experiment = side.client, side.experiment()
    runs: dict[str, int] = {}
    for number in range(10):
        run = side.run(experiment, run_name="my-run" if number == 4 else None, start_time=1_664_067_852_740 + number)
        loss = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1][number]
        metrics = {"loss": loss, "accuracy": number / 10, "log-scale-loss": loss - 1, "f1 score": number / 10}
        model = (["GPT-2", "GPT-3", "GPT-3.5", "GPT-4"] + ["None"] * 6)[number]
        task = (["classification", "regression", "causal lm"] + ["None"] * 7)[number]
        params = {"batch_size": "24"[number // 5], "learning rate": ("0.001", "0.01")[number % 2], "model": model}
        tags = {"task": task, "environment": ("notebook", "None")[number // 5], "test": "abc" if number < 2 else "d"}
        client.log_batch(
            run, [Metric(key, value, 1, 0) for key, value in metrics.items()],
            [Param(key, value) for key, value in params.items()], [RunTag(key, value) for key, value in tags.items()],
        )  # fmt: skip
        digest = (["s8ds293b", "jks834s2"] + [f"d{number}"] * 8)[number]
        context = InputTag("mlflow.data.context", ("train", "test")[number // 5])
        used = Dataset(("custom", "also custom")[number // 5], digest, "local", "/data")
        client.log_inputs(run, [DatasetInput(used, [context])])
        client.set_terminated(run, end_time=1_664_067_852_745 + number)
        runs[run] = number
    first, second = list(runs)[:2]

    def found(condition: str, *order: str) -> Any:
        asked = condition.replace("{first}", first).replace("{second}", second)
        return side.attempt(
            lambda: [runs[run.info.run_id] for run in client.search_runs([experiment], asked, order_by=list(order))]
        )

    for condition in dict.fromkeys(OF_RUNS):
        yield condition, found(condition)
    for order in (["metrics.accuracy DESC"], ["metrics.loss ASC", "params.model DESC"], ["attributes.start_time ASC"]):
        yield f"by {order}", found("metrics.loss < 0.8", *order)


@compared
def test_documented_searches_for_experiments(side: Side) -> Iterator[tuple[str, Any]]:
    """By name, by tag, and by both."""
    client, names = side.client, {}
    for name, group in (("x", "x"), ("xa", "y"), ("b", "aXb")):
        names[side.experiment(name, tags={"group": group})] = name
    names[side.experiment("none")] = "none"

    def found(condition: str, *order: str) -> Any:
        asked = condition.replace("{name}", side.name())
        page = client.search_experiments(filter_string=asked, order_by=list(order))
        return [names[one.experiment_id] for one in page if one.experiment_id in names]

    for condition in OF_EXPERIMENTS:
        yield condition, side.attempt(found, condition)
    yield "by name", found("name LIKE '{name}%'", "name DESC")


@compared
def test_documented_searches_for_logged_models(side: Side) -> Iterator[tuple[str, Any]]:
    """Six models of three kinds, with metrics of two data sets."""
    client, experiment = side.client, side.experiment()
    models: dict[str, str] = {}
    kinds = ("RandomForest", "RandomForest", "LogisticRegression", "LogisticRegression", "SVM", "SVM")
    for number, kind in enumerate(kinds):
        run = side.run(experiment)
        params = {"model_type": kind, "n_estimators": str(100 * (number + 1))}
        tags = {"task": ("other", "classification")[number % 2]}
        made = client.create_logged_model(
            experiment, name=f"{kind}_model_{number}", source_run_id=run, params=params, tags=tags
        )
        accuracy = (0.92, 0.94, 0.88, 0.86, 0.90, 0.87)[number]
        values = {"accuracy": accuracy, "precision": accuracy - 0.01, "recall": accuracy + 0.01, "f1_score": accuracy}
        for when, (name, less) in enumerate((("test_dataset", 0), ("validation_dataset", 0.05))):
            points = [
                Metric(key, value - less, when, 0, made.model_id, name, "abc123", run) for key, value in values.items()
            ]
            client.log_batch(run, points)
        models[made.model_id] = made.name

    def found(condition: str | None, **more: Any) -> Any:
        return side.attempt(
            lambda: [models[one.model_id] for one in client.search_logged_models([experiment], condition, **more)]
        )

    def any_order(condition: str, **more: Any) -> Any:
        names = found(condition, **more)
        return sorted(names) if isinstance(names, list) else names

    for condition in OF_LOGGED_MODELS:
        yield condition, any_order(condition)
    for names in (["test_dataset"], ["test_dataset", "validation_dataset"], ["production_test_set"]):
        asked = [{"dataset_name": name} for name in names]
        yield f"of {names}", any_order("metrics.accuracy > 0.85", datasets=asked)
    of_one = {"dataset_name": "test_dataset", "dataset_digest": "abc123"}
    yield "of one digest", any_order("metrics.accuracy > 0.9", datasets=[of_one])
    best = {"field_name": "metrics.accuracy", "ascending": False} | of_one
    yield "best first", found("params.model_type = 'RandomForest'", order_by=[best])
    yield "by f1", found("metrics.f1_score > 0.8", order_by=[best | {"field_name": "metrics.f1_score"}])
    yield "the best five", found(None, max_results=5, order_by=[best])
    pages: list[int] = []
    token = None
    while token is not None or not pages:
        page = client.search_logged_models([experiment], "metrics.accuracy > 0.85", max_results=4, page_token=token)
        pages.append(len(page))
        token = page.token
    yield "pages", pages


@compared
def test_documented_searches_for_registered_models(side: Side) -> Iterator[tuple[str, Any]]:
    """By name and by tag; versions by the model's name and by their run."""
    client = side.client
    for name, team in (("a", "x"), ("ab", "y"), ("b", "x")):
        client.create_registered_model(side.name(name), tags={"team": team})
    run = side.run()
    for _ in range(2):
        client.create_model_version(side.name("a"), f"runs:/{run}/model", run)
    for condition in OF_REGISTERED:
        asked = condition.replace("{name}", side.name()).replace("{upper}", side.name().upper())
        models = client.search_registered_models(asked)
        yield condition, [one.name for one in models if one.name.startswith(side.name())]
    for condition in (f"name = '{side.name('a')}'", f"run_id = '{run}'", f"name LIKE '{side.name()}%'"):
        versions = client.search_model_versions(condition)
        yield condition.replace(run, "run"), [[one.name, one.version] for one in versions]
