"""A model behind HTTP: a real server process, real requests, MLflow's formats and MLflow's own client."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from autotrack import current, pyfunc
from autotrack.models import infer_signature, log

pytestmark = pytest.mark.filterwarnings("ignore")  # the deprecations of MLflow and of the frameworks

FRAME = pd.DataFrame({"age": [1, 2, 3, 4], "pay": [1.0, 2.5, 4.0, 8.0]})
MODEL = Ridge().fit(FRAME, [1, 2, 3, 5])
EXPECTED = MODEL.predict(FRAME).tolist()


class Server:
    """A server of one model; ends when the block does."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "autotrack", "models", "serve", *arguments, "--port", "0"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        self.said = self.process.stderr.readline()
        self.url = self.said.rpartition(" at ")[2].strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.communicate()

    def ask(self, body: Any, kind: str = "application/json", path: str = "/invocations", **headers: str) -> Any:
        """Status and answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": kind, **headers})
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            text = error.read().decode()
            return error.code, json.loads(text) if text.startswith("{") else text


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Models of several kinds in one store, by name."""
    store = tmp_path_factory.mktemp("served") / "store"
    before = {name: os.environ.get(name) for name in ("AUTOTRACK_TRACKING_URI", "AUTOTRACK_STRICT")}
    os.environ.update(AUTOTRACK_TRACKING_URI=str(store), AUTOTRACK_STRICT="1")

    class Scaled(pyfunc.PythonModel):
        """Of two inputs and a parameter; it lies in here, so that it travels by value."""

        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            return (model_input["a"].sum(axis=1) + model_input["b"]) * params["factor"]

    run = current.start("served")
    arrays = np.eye(4)[:, :2]
    flags = LogisticRegression(C=1e6).fit(arrays, [0, 1, 0, 0])
    pipeline = make_pipeline(FunctionTransformer(lambda x: x * 2), Ridge()).fit(FRAME, [1, 2, 3, 5])
    found = {
        "table": log(run, MODEL, "table", signature=infer_signature(FRAME, MODEL.predict(FRAME))),
        "array": log(run, flags, "array", signature=infer_signature(arrays, flags.predict(arrays))),
        "own code": log(run, pipeline, "pipeline"),
        "params": log(
            run,
            Scaled(),
            "scaled",
            signature=infer_signature({"a": np.ones((2, 2), "float32"), "b": np.ones(2)}, np.ones(2), {"factor": 2.0}),
        ),
    }
    run.end()
    yield {"store": str(store), **{name: info.model_uri for name, info in found.items()}}
    for name, value in before.items():
        os.environ.pop(name, None) if value is None else os.environ.update({name: value})


@pytest.fixture(scope="module")
def table(models: dict[str, str]) -> Iterator[Server]:
    """The server of the model with named columns."""
    with Server(models["table"], "--store", models["store"]) as server:
        yield server


REQUESTS: dict[str, tuple[Any, str]] = {
    "split": ({"dataframe_split": FRAME.to_dict("split")}, "application/json"),
    "records": ({"dataframe_records": FRAME.to_dict("records")}, "application/json; charset=utf-8"),
    "inputs": ({"inputs": FRAME.to_dict("list")}, "application/json"),
    "instances": ({"instances": FRAME.to_dict("records")}, "application/json"),
    "csv": (FRAME[["pay", "age"]].to_csv(index=False).encode(), "text/csv"),
    "parquet": (FRAME.to_parquet(), "application/vnd.apache.parquet"),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_every_format_of_mlflows_is_answered(name: str, table: Server) -> None:
    """With the numbers that the model itself gives."""
    body, kind = REQUESTS[name]
    assert table.ask(body, kind) == (200, {"predictions": pytest.approx(EXPECTED)})


WRONG: dict[str, tuple[Any, str, int, str]] = {
    "missing column": ({"dataframe_records": [{"age": 1}]}, "application/json", 400, "lacks columns: pay"),
    "text for a number": ({"inputs": {"age": ["x"], "pay": [1.0]}}, "application/json", 400, "'age' is .*not long"),
    "fraction for an integer": ({"inputs": {"age": [1.5], "pay": [1.0]}}, "application/json", 400, "not long"),
    "gap in an integer": (b"age,pay\n1,1\n,2\n", "text/csv", 400, "missing values, which integers cannot hold"),
    "no key": ({"data": [1]}, "application/json", 400, "one of dataframe_split.*this one has data"),
    "two keys": ({"inputs": [], "instances": []}, "application/json", 400, "one of dataframe_split"),
    "a list": ([1], "application/json", 400, "one of dataframe_split"),
    "no JSON": (b"{", "application/json", 400, "is no JSON"),
    "ragged": ({"dataframe_split": {"columns": ["age"], "data": [[1, 2]]}}, "application/json", 400, "no table"),
    "another type": (b"<x/>", "text/xml", 415, "text/csv"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_said(name: str, table: Server) -> None:
    """400 with the signature's own words; 415 for another type; the server goes on."""
    body, kind, status, says = WRONG[name]
    answered, answer = table.ask(body, kind)
    assert answered == status
    assert re.search(says, answer["message"]), answer
    assert table.ask(*REQUESTS["split"])[0] == 200


def test_it_says_that_it_lives_and_where(table: Server) -> None:
    """On the loopback address alone; another site that has its name lead here is refused, and so is a GET."""
    assert table.url.startswith("http://127.0.0.1:")
    for path in ("/ping", "/health", "/version"):
        with urllib.request.urlopen(table.url + path) as answer:
            assert answer.status == 200
    assert table.ask(REQUESTS["split"][0], Host="evil.example")[0] == 400
    with pytest.raises(urllib.error.HTTPError, match="405"):
        urllib.request.urlopen(table.url + "/invocations")


def test_mlflows_client_is_answered(table: Server) -> None:
    """Stock MLflow asks with a data frame and reads the predictions."""
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

    client = ScoringServerClient("127.0.0.1", table.url.rpartition(":")[2])
    client.ping()
    predictions = client.invoke(FRAME).get_predictions()
    np.testing.assert_allclose(predictions[0], EXPECTED)


def test_arrays_parameters_and_own_code_are_served(models: dict[str, str]) -> None:
    """A tensor, several named ones with a parameter, a pipeline with a lambda; a model that fails is a 500."""
    with Server(models["array"], "--store", models["store"], "--limit", "1") as server:
        assert server.ask({"inputs": [[1, 0], [0, 1]]}) == (200, {"predictions": [0, 1]})
        assert server.ask({"instances": [[1, 0]]})[0] == 200
        assert server.ask(b"x,y\n1,0\n", "text/csv") == (200, {"predictions": [0]})
        assert (
            server.ask({"inputs": [[1, 0, 0]]})[1]["message"]
            == "the input has the shape [1, 3], the model takes [-1, 2]"
        )
        assert server.ask(b" " * 1_100_000)[0] == 413
    with Server(models["params"], "--store", models["store"]) as server:
        named = {"a": [[1, 2]], "b": [3]}
        assert server.ask({"inputs": named}) == (200, {"predictions": [12.0]})
        assert server.ask({"inputs": named, "params": {"factor": 10}}) == (200, {"predictions": [60.0]})
        assert server.ask({"instances": [{"a": [1, 2], "b": 3}]}) == (200, {"predictions": [12.0]})
        unknown = server.ask({"inputs": named, "params": {"k": 10}})
        assert (unknown[0], "the model takes factor" in unknown[1]["message"]) == (400, True)
        assert "lacks b" in server.ask({"inputs": {"a": [[1, 2]]}})[1]["message"]
    with Server(models["own code"], "--store", models["store"]) as server:
        assert server.ask({"dataframe_split": FRAME.to_dict("split")})[0] == 200
        status, answer = server.ask({"dataframe_records": [{"other": "x"}]})
        assert (status, answer["error_code"]) == (500, "INTERNAL_ERROR")


def test_what_cannot_be_served_says_why(models: dict[str, str], tmp_path: Path) -> None:
    """Before anything listens."""
    done = subprocess.run(
        [sys.executable, "-m", "autotrack", "models", "serve", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "is no model directory" in done.stderr
