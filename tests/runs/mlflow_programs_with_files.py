"""Programs as `mlflow_programs` has them, about what runs keep: files, pictures, tables, data sets and models."""

import importlib
import json
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from mlflow_programs import answers
from PIL import Image
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

FILES = [
    "a.txt 1", "adir/a.txt 1", "adir/d/a.txt 1", "adir/d/sub/b.txt 2", "adir/sub/b.txt 2", "in/one.txt 1", "one.txt 1",
    "sub/b.txt 2", "t/x.txt 6", "x.json 29",
]  # fmt: skip


@answers([FILES, "héllo", {"a": [1, 2]}, ["a.txt", "d", "d/a.txt", "d/sub", "d/sub/b.txt", "sub", "sub/b.txt"],
          "got/adir", ["adir/a.txt", "adir/d", "adir/sub"], [True, "1"], "refused"])  # fmt: skip
def files_and_what_becomes_of_them(mlflow):
    """Files, directories, texts and dictionaries, listed, fetched and read in every way."""
    Path("d/sub").mkdir(parents=True)
    Path("d/a.txt").write_text("A")
    Path("d/sub/b.txt").write_text("BB")
    Path("one.txt").write_text("1")
    with mlflow.start_run() as run:
        mlflow.log_artifact("one.txt")
        mlflow.log_artifact("one.txt", artifact_path="in")
        mlflow.log_artifacts("d")
        mlflow.log_artifacts("d", artifact_path="adir")
        mlflow.log_artifact("d", "adir")
        mlflow.log_text("héllo", "t/x.txt")
        mlflow.log_dict({"a": [1, 2]}, "x.json")
        uri = mlflow.get_artifact_uri()
        inside = mlflow.get_artifact_uri("in/one.txt")
    client, run_id = mlflow.MlflowClient(), run.info.run_id

    def walk(path: str | None = None) -> Iterator[str]:
        for found in client.list_artifacts(run_id, path):
            if found.is_dir:
                yield from walk(found.path)
            else:
                yield f"{found.path} {found.file_size}"

    artifacts = importlib.import_module(f"{mlflow.__name__}.artifacts")
    text = Path(artifacts.download_artifacts(run_id=run_id, artifact_path="t/x.txt")).read_text(encoding="utf-8")
    copy = Path(artifacts.download_artifacts(run_id=run_id, artifact_path="adir", dst_path="got"))
    try:
        artifacts.download_artifacts(run_id=run_id, artifact_path="nowhere")
    except (mlflow.MlflowException, OSError):
        missing = "refused"
    assert artifacts.load_text(f"runs:/{run_id}/t/x.txt") == text
    return [
        sorted(walk()),
        text,
        artifacts.load_dict(run.info.artifact_uri + "/x.json"),
        sorted(path.relative_to(copy).as_posix() for path in copy.rglob("*")),
        copy.relative_to(Path.cwd()).as_posix(),
        sorted(found.path for found in artifacts.list_artifacts(run_id=run_id, artifact_path="adir")),
        [inside == uri + "/in/one.txt", Path(inside.removeprefix("file://")).read_text()],
        missing,
    ]


@answers([
    ["f.svg", "i.png", "images", "j.jpg", "k.png", "plots", "t.json"], ["plots/f.png"], ["cat+step+1", "dog+step+3"],
    [[5, 4], [5, 4], [3, 2]], {"columns": ["a", "b"], "data": [[1, "x"], [2, "y"], [3, "z"]]},
    {"a": [1, 2, 3], "b": ["x", "y", "z"]}, ["a", "b", "params.p"], "True",
])  # fmt: skip
def pictures_and_tables(mlflow):
    """Of matplotlib, numpy, PIL and pandas."""
    with mlflow.start_run() as run:
        mlflow.log_param("p", 1)
        figure, axes = plt.subplots()
        axes.plot([1, 2])
        mlflow.log_figure(figure, "plots/f.png")
        mlflow.log_figure(figure, "f.svg")
        plt.close(figure)
        mlflow.log_image(np.zeros((4, 5, 3), np.uint8), "i.png")
        mlflow.log_image(np.ones((4, 5)), "j.jpg")
        mlflow.log_image(Image.new("RGB", (3, 2)), "k.png")
        mlflow.log_image(np.zeros((4, 5, 3), np.uint8), key="dog", step=3)
        mlflow.log_image(mlflow.Image(np.zeros((4, 5, 3), np.uint8)), key="cat", step=1)
        mlflow.log_table({"a": [1, 2], "b": ["x", "y"]}, "t.json")
        mlflow.log_table(pd.DataFrame({"a": [3], "b": ["z"]}), "t.json")
    client, run_id = mlflow.MlflowClient(), run.info.run_id

    def files(path: str | None = None) -> list[str]:
        return sorted(file.path for file in client.list_artifacts(run_id, path))

    series = {path.removeprefix("images/").partition("+timestamp")[0] for path in files("images")}
    sizes = []
    for path in ("i.png", "j.jpg", "k.png"):
        with Image.open(client.download_artifacts(run_id, path)) as image:
            sizes.append(list(image.size))
    table = json.loads(Path(client.download_artifacts(run_id, "t.json")).read_text())
    loaded = mlflow.load_table("t.json", run_ids=[run_id])
    more = mlflow.load_table("t.json", extra_columns=["params.p"])
    tag = mlflow.get_run(run_id).data.tags["mlflow.loggedImages"]
    return [files(), files("plots"), sorted(series), sizes, table, loaded.to_dict("list"), list(more.columns), tag]


@answers([
    ["dataset", "code", {"features_shape": [3, 2], "features_size": 6, "features_nbytes": 48, "targets_shape": [3],
     "targets_size": 3, "targets_nbytes": 24}, [["mlflow.data.context", "eval"]]],
    ["wine", "http", {"num_rows": 3, "num_elements": 9}, [["k", "v"], ["mlflow.data.context", "training"]]],
    ["wine", True, "t"],
])  # fmt: skip
def data_sets(mlflow):
    """What was read, by name, source, size and role."""
    frame = pd.DataFrame({"x": [1, 2, 3], "y": [0.1, 0.2, 0.3], "t": ["a", "b", "c"]})
    dataset = mlflow.data.from_pandas(frame, source="https://example.com/d.csv", name="wine", targets="t")
    with mlflow.start_run() as run:
        mlflow.log_input(dataset, context="training", tags={"k": "v"})
        mlflow.log_input(mlflow.data.from_numpy(np.zeros((3, 2)), targets=np.zeros(3)), context="eval")
    inputs = mlflow.get_run(run.info.run_id).inputs.dataset_inputs
    return [
        *(
            [used.dataset.name, used.dataset.source_type, json.loads(used.dataset.profile),
             sorted([tag.key, tag.value] for tag in used.tags)]
            for used in sorted(inputs, key=lambda used: used.dataset.name)
        ),
        [dataset.name, dataset.df is frame, dataset.targets],
    ]  # fmt: skip


@answers([True, [0, 0, 0], [True, True], "PyFuncModel", ["model", True, "READY"], ["model", "old"]])
def models(mlflow):
    """Logged with a signature, loaded as themselves and as functions, by run and by id."""
    data, target = load_iris(return_X_y=True, as_frame=True)
    model = LogisticRegression(max_iter=300).fit(data, target)
    signature = mlflow.models.infer_signature(data, model.predict(data))
    sklearn = importlib.import_module(f"{mlflow.__name__}.sklearn")
    with mlflow.start_run() as run:
        info = sklearn.log_model(model, name="model", signature=signature, input_example=data.head(2))
        sklearn.log_model(sk_model=model, artifact_path="old")
    again = sklearn.load_model(f"runs:/{run.info.run_id}/model")
    loaded = [
        mlflow.pyfunc.load_model(uri)
        for uri in (info.model_uri, f"runs:/{run.info.run_id}/old", f"models:/{info.model_id}")
    ]
    kept = mlflow.get_logged_model(info.model_id)
    return [
        bool((again.predict(data) == model.predict(data)).all()),
        [int(one.predict(data.head(3))[0]) for one in loaded],
        [loaded[0].metadata.signature == signature, loaded[0].metadata.run_id == run.info.run_id],
        type(loaded[0]).__name__,
        [kept.name, kept.source_run_id == run.info.run_id, str(kept.status)],
        sorted(one.name for one in mlflow.search_logged_models(output_format="list")),
    ]
