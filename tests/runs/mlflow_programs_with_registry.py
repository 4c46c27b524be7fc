"""Programs as `mlflow_programs` has them, about the model registry."""

import importlib

from mlflow_programs import answers
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

BUCKET = "s3://models/one"


def code_of(mlflow, action):
    """The error code of what goes wrong."""
    try:
        action()
    except mlflow.MlflowException as error:
        return error.error_code
    return "nothing"


@answers([["a", "about a", {"team": "ml"}, []], "RESOURCE_ALREADY_EXISTS", "other", "RESOURCE_DOES_NOT_EXIST",
          {"team": "ml", "n": "1"}, {"n": "1"}, ["other"], ["other", "x"], ["x", "other"], "RESOURCE_DOES_NOT_EXIST",
          ["x"]])  # fmt: skip
def registered_models(mlflow):
    """Made, described, tagged, renamed, found, deleted."""
    client = mlflow.MlflowClient()
    made = client.create_registered_model("a", {"team": "ml"}, "about a")
    again = code_of(mlflow, lambda: client.create_registered_model("a"))
    client.rename_registered_model("a", "b")
    client.update_registered_model("b", "other")
    gone = code_of(mlflow, lambda: client.get_registered_model("a"))
    client.set_registered_model_tag("b", "n", 1)
    tags = dict(client.get_registered_model("b").tags)
    client.delete_registered_model_tag("b", "team")
    client.delete_registered_model_tag("b", "never there")
    left = dict(client.get_registered_model("b").tags)
    described = client.get_registered_model("b").description
    client.rename_registered_model("b", "other")
    client.create_registered_model("x")
    found = [
        [one.name for one in mlflow.search_registered_models(filter_string="tags.n = '1'")],
        [one.name for one in client.search_registered_models()],
        [one.name for one in mlflow.search_registered_models(order_by=["name DESC"])],
    ]
    client.delete_registered_model("other")
    missing = code_of(mlflow, lambda: client.delete_registered_model("other"))
    left_over = [one.name for one in mlflow.search_registered_models()]
    return [
        [made.name, made.description, dict(made.tags), list(made.latest_versions)], again, described, gone, tags, left,
        *found, missing, left_over,
    ]  # fmt: skip


@answers([[1, "None", BUCKET, "first", {"t": "1"}, "READY", []], [2, "None"], {"t": "1", "k": "2"}, {"k": "2"}, "new",
          BUCKET, ["None", "Staging", "Production", "Archived"], [(3, 1), (1, 1)], [3, 1],
          "RESOURCE_DOES_NOT_EXIST", 4, ["INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"],
          ["models:/a/1", {"k": "2"}, 1]])  # fmt: skip
def versions(mlflow):
    """Made, tagged, described, found, deleted, copied; a number is not given twice."""
    client = mlflow.MlflowClient()
    client.create_registered_model("a")
    first = client.create_model_version("a", BUCKET, tags={"t": 1}, description="first")
    second = client.create_model_version("a", BUCKET)
    client.set_model_version_tag("a", "1", "k", 2)
    tags = dict(client.get_model_version("a", 1).tags)
    client.delete_model_version_tag("a", "1", "t")
    client.delete_model_version_tag("a", "1", "t")
    left = dict(client.get_model_version("a", "1").tags)
    described = client.update_model_version("a", "1", "new").description
    client.create_model_version("a", BUCKET)
    client.delete_model_version("a", "2")
    gone = code_of(mlflow, lambda: client.get_model_version("a", "2"))
    found = client.search_model_versions("name = 'a'", order_by=["version_number DESC"])
    tagged = mlflow.search_model_versions(filter_string="tags.k = '2' AND name LIKE 'a%'")
    client.delete_model_version("a", "3")
    fourth = client.create_model_version("a", BUCKET)
    copy = client.copy_model_version("models:/a/1", "b")
    return [
        [int(first.version), first.current_stage, first.source, first.description, dict(first.tags), first.status,
         list(first.aliases)],
        [int(second.version), second.current_stage], tags, left, described,
        client.get_model_version_download_uri("a", "1"), client.get_model_version_stages("a", "1"),
        [(int(one.version), len(tagged)) for one in found], [int(one.version) for one in found], gone,
        int(fourth.version),
        [code_of(mlflow, lambda: client.get_model_version("a", "x")),
         code_of(mlflow, lambda: client.create_model_version("nowhere", BUCKET))],
        [copy.source, dict(copy.tags), int(copy.version)],
    ]  # fmt: skip


@answers([["Production", "Production"], [(1, "Archived"), (2, "Production"), (3, "None")], [(2, "Production")], 2, 3,
          "INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"])  # fmt: skip
def stages(mlflow):
    """One version takes the place of another; the latest of each stage can be asked for."""
    client = mlflow.MlflowClient()
    client.create_registered_model("a")
    for _ in range(3):
        client.create_model_version("a", BUCKET)
    moved = [
        client.transition_model_version_stage("a", "1", "production").current_stage,
        client.transition_model_version_stage("a", "2", "Production", archive_existing_versions=True).current_stage,
    ]
    return [
        moved,
        sorted((int(one.version), one.current_stage) for one in client.get_latest_versions("a")),
        [(int(one.version), one.current_stage) for one in client.get_latest_versions("a", ["Production"])],
        int(client.get_latest_versions("a", stages=["Production"])[0].version),
        len(client.get_registered_model("a").latest_versions),
        code_of(mlflow, lambda: client.transition_model_version_stage("a", "1", "Live")),
        code_of(mlflow, lambda: client.transition_model_version_stage("a", "9", "Staging")),
    ]


@answers([{"champion": 2, "new": 2}, 2, ["champion", "new"], {"new": 2}, 2, {}, ["INVALID_PARAMETER_VALUE"] * 4,
          "RESOURCE_DOES_NOT_EXIST"])  # fmt: skip
def aliases(mlflow):
    """Names that lead to a version, moved and taken away; they go with their version."""
    client = mlflow.MlflowClient()
    client.create_registered_model("a")
    for _ in range(2):
        client.create_model_version("a", BUCKET)
    client.set_registered_model_alias("a", "champion", "1")
    client.set_registered_model_alias("a", "champion", 2)
    client.set_registered_model_alias("a", "new", "2")
    both = {alias: int(version) for alias, version in client.get_registered_model("a").aliases.items()}
    led = client.get_model_version_by_alias("a", "champion")
    client.delete_registered_model_alias("a", "champion")
    client.delete_registered_model_alias("a", "champion")
    one = {alias: int(version) for alias, version in client.get_registered_model("a").aliases.items()}
    latest = int(client.get_model_version_by_alias("a", "latest").version)
    client.delete_model_version("a", "2")
    return [
        both, int(led.version), sorted(led.aliases), one, latest, dict(client.get_registered_model("a").aliases),
        [code_of(mlflow, lambda name=name: client.set_registered_model_alias("a", name, "1"))
         for name in ("latest", "v2", "with space", "")],
        code_of(mlflow, lambda: client.set_registered_model_alias("a", "x", "9")),
    ]  # fmt: skip


@answers([["INVALID_PARAMETER_VALUE"] * 7, ["a b", "é", "m-1", "x@y"]])
def names(mlflow):
    """What a model may be called."""
    client = mlflow.MlflowClient()
    refused = ["", " ", "a/b", "a:b", "..", ".", "../up"]
    taken = ["a b", "é", "m-1", "x@y"]
    return [
        [code_of(mlflow, lambda name=name: client.create_registered_model(name)) for name in refused],
        [client.create_registered_model(name).name for name in taken],
    ]


@answers([[1, 2], [True, True], [True, True], [0, 0]])
def models_of_runs(mlflow):
    """Registered by the run's URI and by the model's; each version leads back to them, and loads by name."""
    data, target = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=300).fit(data, target)
    sklearn = importlib.import_module(f"{mlflow.__name__}.sklearn")
    with mlflow.start_run() as run:
        info = sklearn.log_model(model, name="model")
    run_id = run.info.run_id
    first = mlflow.register_model(f"runs:/{run_id}/model", "iris", tags={"by": "run"})
    second = mlflow.register_model(f"models:/{info.model_id}", "iris")
    client = mlflow.MlflowClient()
    client.transition_model_version_stage("iris", "1", "Production")
    client.set_registered_model_alias("iris", "champion", "2")
    return [
        [int(first.version), int(second.version)],
        [first.run_id == run_id, first.source == f"models:/{info.model_id}"],
        [client.search_model_versions(f"run_id = '{run_id}'")[0].run_id == run_id,
         mlflow.set_model_version_tag("iris", "1", "k", "v") is None],
        [int(sklearn.load_model(uri).predict(data[:1])[0])
         for uri in ("models:/iris/2", "models:/iris@champion")],
    ]  # fmt: skip
