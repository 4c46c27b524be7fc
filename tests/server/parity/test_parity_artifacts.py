"""Files, as MLflow's client and a plain one see them of both servers."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import requests
from comparing import Side, compared
from matplotlib.figure import Figure

ROOT = "/api/2.0/mlflow-artifacts/artifacts"


@compared
def test_files_of_a_run(side: Side) -> Iterator[tuple[str, Any]]:
    """Are logged one by one or as directories, listed, and fetched."""
    client, run = side.client, side.run()
    with TemporaryDirectory() as made:
        source, target = Path(made, "source"), Path(made, "target")
        (source / "deep" / "er").mkdir(parents=True)
        target.mkdir()
        (source / "my.file").write_text("Hello, World!")
        (source / "deep" / "a b ü.txt").write_text("deep")
        (source / "deep" / "er" / "empty").touch()
        client.log_artifact(run, str(source / "my.file"))
        client.log_artifact(run, str(source / "my.file"), "one")
        client.log_artifacts(run, str(source), "dir")
        client.log_artifact(run, str(source / "deep"), "tree")
        for path in (None, "one", "dir", "dir/deep", "tree", "nothing", "my.file", ""):
            yield f"list {path}", client.list_artifacts(run, path)
        fetched = Path(client.download_artifacts(run, "", str(target)))
        yield (
            "all",
            sorted((str(file.relative_to(fetched)), file.read_text()) for file in fetched.rglob("*") if file.is_file()),
        )
        yield "one", Path(client.download_artifacts(run, "dir/deep/a b ü.txt", str(target))).read_text()
        yield "missing", side.attempt(client.download_artifacts, run, "no/such", str(target))["refused"]
        client.log_artifact(run, str(source / "deep" / "a b ü.txt"), "one")
        (source / "my.file").write_text("second")
        client.log_artifact(run, str(source / "my.file"))
        yield "replaced", Path(client.download_artifacts(run, "my.file", str(target))).read_text()
        yield "out", side.attempt(client.list_artifacts, run, "../x")
        yield "out of it", side.attempt(client.log_artifact, run, str(source / "my.file"), "../x")
    api = side.get("artifacts/list", run_id=run, path="dir")
    yield "by API", api
    yield "by API at the root", side.get("artifacts/list", run_id=run)
    yield "by API out", side.get("artifacts/list", run_id=run, path="../x", says="Invalid path")
    yield "by API of no run", side.get("artifacts/list", run_id="f" * 32)
    yield "by API without", side.get("artifacts/list")
    yield "by API missing", side.get("artifacts/list", run_id=run, path="nothing")


@compared
def test_things_that_become_files(side: Side) -> Iterator[tuple[str, Any]]:
    """Texts, dictionaries, figures, images, tables and streams."""
    client, run = side.client, side.run()
    client.log_text(run, "text ü", "a/b.txt")
    client.log_dict(run, {"k": [1, 2]}, "d.json")
    client.log_dict(run, {"k": [1, 2]}, "d.yml")
    client.log_figure(run, Figure(), "figure.png")
    client.log_image(run, np.zeros((4, 4, 3), np.uint8), "image.png")
    client.log_image(run, np.zeros((4, 4, 3), np.uint8), key="dog", step=2, timestamp=5, synchronous=True)
    client.log_stream(run, io.BytesIO(b"stream"), "s.bin")
    client.log_table(run, {"x": [1, 2], "y": ["a", "b"]}, "table.json")
    client.log_table(run, pd.DataFrame({"x": [3], "y": ["c"]}), "table.json")
    yield "table", client.load_table(side.experiments[0], "table.json", [run]).to_dict("list")
    yield "list", [one for one in client.list_artifacts(run) if one.path != "figure.png"]
    yield "images", len(client.list_artifacts(run, "images"))
    with TemporaryDirectory() as target:
        for name in ("a/b.txt", "d.json", "d.yml", "s.bin"):
            yield name, Path(client.download_artifacts(run, name, target)).read_text()
    yield "tags", {key for key in client.get_run(run).data.tags if "logged" in key}


@compared
def test_files_of_a_logged_model(side: Side) -> Iterator[tuple[str, Any]]:
    """Lie apart from those of runs."""
    client = side.client
    model = client.create_logged_model(side.experiment(), name="model").model_id
    with TemporaryDirectory() as made:
        (Path(made) / "sub").mkdir()
        (Path(made) / "MLmodel").write_text("flavors: {}\n")
        (Path(made) / "sub" / "weights").write_bytes(b"123")
        client.log_model_artifacts(model, made)
        client.log_model_artifact(model, str(Path(made) / "sub" / "weights"))
    yield "root", client.list_logged_model_artifacts(model)
    yield "below", client.list_logged_model_artifacts(model, "sub")
    yield "directories", side.get(f"logged-models/{model}/artifacts/directories")
    yield "directory", side.get(f"logged-models/{model}/artifacts/directories", artifact_directory_path="sub")
    file = f"/ajax-api/2.0/mlflow/logged-models/{model}/artifacts/files"
    with requests.get(side.url + file, {"artifact_file_path": "sub/weights"}, timeout=30) as answer:
        yield "file", [answer.status_code, answer.text]
    yield "no file", side.ask("GET", file, params={"artifact_file_path": "no"})["status"]
    yield "file out", side.ask("GET", file, params={"artifact_file_path": "../x"})["status"]


@compared
def test_the_proxy(side: Side) -> Iterator[tuple[str, Any]]:
    """Takes and gives bytes by path, lists and deletes."""
    base = f"{side.url}{ROOT}/{side.name()}"

    def shown(answer: requests.Response) -> Any:
        return [answer.status_code, answer.text if answer.status_code < 300 else answer.json()["error_code"]]

    with requests.Session() as http:
        yield "put", shown(http.put(f"{base}/a.txt", b"0"))
        yield "put below", shown(http.put(f"{base}/dir/deep/b.txt", b"1"))
        yield "put empty", shown(http.put(f"{base}/dir/empty", b""))
        yield "put odd", shown(http.put(f"{base}/a%20b/%C3%BC%2B+%23.txt", b"odd"))
        yield "get", shown(http.get(f"{base}/a.txt"))
        yield "get odd", shown(http.get(f"{base}/a%20b/%C3%BC%2B+%23.txt"))
        for path in ("", "/dir", "/dir/", "/nothing", "/a.txt", "/a b"):
            yield f"list {path!r}", side.ask("GET", ROOT, params={"path": side.name() + path})
        yield "get a directory", http.get(f"{base}/dir").status_code
        yield "get nothing", shown(http.get(f"{base}/nothing"))
        yield "replace", [shown(http.put(f"{base}/a.txt", b"new")), shown(http.get(f"{base}/a.txt"))]
        for name in ("a.txt", "b.pkl", "c.png", "d.pdf", "MLmodel", "mlproject", "e.html", "f.json", "g.yaml", "h.svg"):
            http.put(f"{base}/types/{name}", b"x", headers={"Content-Type": "text/html"})
            answer = http.get(f"{base}/types/{name}")
            headers = answer.headers
            yield f"type {name}", [
                headers["Content-Type"].partition(";")[0], headers["X-Content-Type-Options"],
                headers["Content-Disposition"].partition(";")[0],
            ]  # fmt: skip
        yield "delete", [shown(http.delete(f"{base}/a.txt")), http.get(f"{base}/a.txt").status_code]
        yield "delete a directory", [shown(http.delete(f"{base}/dir")), http.get(f"{base}/dir/deep/b.txt").status_code]
        yield "delete nothing", shown(http.delete(f"{base}/nothing"))
        for path in (
            "..%2Fx",
            "%2e%2e%2fx",
            "a%2f..%2f..%2fx",
            "..%5Cx",
            "%252e%252e%252fx",
            "%2Fetc%2Fpasswd",
            "C%3A%5Cx",
        ):
            for method in ("GET", "PUT", "DELETE"):
                request = requests.Request(method, f"{base}", data=b"x" if method == "PUT" else None).prepare()
                request.url = f"{base}/{path}"
                answer = http.send(request)
                yield f"{method} {path}", answer.status_code
        for path in ("../x", "/etc", "a/../../x", "..", "%2e%2e/x", "file:///etc", "..\\x"):
            answer = http.get(side.url + ROOT, params={"path": path})
            yield f"list out {path}", answer.status_code


@compared
def test_files_for_the_page(side: Side) -> Iterator[tuple[str, Any]]:
    """A run's and a version's file come by query too, and one may be sent."""
    client, run = side.client, side.run()
    client.log_text(run, "abcdefg", "dir/a.txt")

    def shown(route: str, **params: Any) -> Any:
        with requests.get(side.url + route, params, timeout=30) as answer:
            disposition = answer.headers.get("Content-Disposition", "")
            return [answer.status_code, answer.text if answer.ok else answer.json().get("error_code"), disposition]

    yield "got", shown("/get-artifact", run_id=run, path="dir/a.txt")
    yield "old name", shown("/get-artifact", run_uuid=run, path="dir/a.txt")
    yield "missing", shown("/get-artifact", run_id=run, path="no")[0]
    yield "out", shown("/get-artifact", run_id=run, path="../x")
    yield "no run", shown("/get-artifact", run_id="f" * 32, path="a.txt")[0]
    name = client.create_registered_model(side.name()).name
    client.create_model_version(name, f"{client.get_run(run).info.artifact_uri}/dir", run)
    yield "version's", shown("/model-versions/get-artifact", name=name, version="1", path="a.txt")
    yield "version's out", shown("/model-versions/get-artifact", name=name, version="1", path="../x")
    upload = "/ajax-api/2.0/mlflow/upload-artifact"
    sent = side.ask("POST", upload, params={"run_uuid": run, "path": "up/test.txt"}, data=b"hello world")
    yield "sent", sent
    yield "got back", shown("/get-artifact", run_uuid=run, path="up/test.txt")
    for label, params, says in (
        ("no run", {}, "Request must specify run_uuid"),
        ("no path", {"run_uuid": run}, "Request must specify path"),
        ("empty path", {"run_uuid": run, "path": ""}, "Request must specify path"),
        ("out", {"run_uuid": run, "path": "../test.txt"}, "Invalid path"),
        ("no data", {"run_uuid": run, "path": "test.txt"}, "Request must specify data"),
    ):
        yield f"send {label}", side.ask("POST", upload, params=params, says=says)
