"""``autotrack models predict``: a file is asked about in parts, and the answers appear when all are there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from typer.testing import CliRunner

from autotrack import current
from autotrack.cli.app import app
from autotrack.client import Client
from autotrack.exceptions import AutotrackException
from autotrack.models import infer_signature, log, save

FRAME = pd.DataFrame({"code": [f"{n:04}" for n in range(25)], "x": np.arange(25), "y": np.arange(25) / 4})
ROWS = FRAME.drop(columns="code")


@pytest.fixture
def model() -> LinearRegression:
    return LinearRegression().fit(ROWS, 2.0 * ROWS["x"] + ROWS["y"])


@pytest.fixture
def uri(model: LinearRegression) -> str:
    """The name of a registered model with two columns."""
    run = current.start("predict")
    info = log(run, model, signature=infer_signature(ROWS, model.predict(ROWS)), registered_model_name="line")
    run.end()
    assert info.name == "model"
    return "models:/line/1"


def predict(*arguments: Any) -> Any:
    """The command in this process; its failure is raised."""
    done = CliRunner().invoke(app, ["models", "predict", *map(str, arguments)])
    if isinstance(done.exception, AutotrackException):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done


WRITE: dict[str, Callable[[Path], object]] = {
    "csv": lambda path: FRAME.to_csv(path, index=False),
    "parquet": FRAME.to_parquet,
    "json": lambda path: path.write_text(json.dumps(FRAME.to_dict("records"))),
    "jsonl": lambda path: FRAME.to_json(path, orient="records", lines=True),
}
READ: dict[str, Callable[[Path], list[Any]]] = {
    "csv": lambda path: pd.read_csv(path)["prediction"].tolist(),
    "parquet": lambda path: pd.read_parquet(path)["prediction"].tolist(),
    "json": lambda path: list(json.loads(path.read_text())["predictions"]),
    "jsonl": lambda path: pd.read_json(path, lines=True)["prediction"].tolist(),
}


@pytest.mark.parametrize("to", READ)
@pytest.mark.parametrize("source", WRITE)
def test_every_form_goes_into_every_form(
    source: str, to: str, uri: str, model: LinearRegression, tmp_path: Path
) -> None:
    """In parts of seven rows, the last of which is shorter; columns that the model does not take are left out."""
    WRITE[source](tmp_path / f"data.{source}")
    predict(uri, "--input", tmp_path / f"data.{source}", "--output", tmp_path / f"out.{to}", "--rows", 7)
    np.testing.assert_allclose(READ[to](tmp_path / f"out.{to}"), model.predict(ROWS))
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {f"data.{source}", f"out.{to}"}


def test_without_an_output_it_prints_csv(uri: str, model: LinearRegression, tmp_path: Path) -> None:
    """With one line of names, however many parts there are."""
    WRITE["csv"](tmp_path / "data.csv")
    lines = predict(uri, "-i", tmp_path / "data.csv", "--rows", 10).stdout.splitlines()
    assert lines[0] == "prediction"
    np.testing.assert_allclose([float(line) for line in lines[1:]], model.predict(ROWS))


def test_a_request_of_mlflows_is_a_file_too(uri: str, tmp_path: Path) -> None:
    """As its own command takes it."""
    (tmp_path / "data.json").write_text(json.dumps({"dataframe_split": ROWS[:2].to_dict("split")}))
    assert len(predict(uri, "-i", tmp_path / "data.json").stdout.splitlines()) == 3


def test_several_answers_a_row_are_several_columns(tmp_path: Path) -> None:
    """Numbered, where the model gives them no names."""
    two = LinearRegression().fit(ROWS, ROWS)
    save(two, tmp_path / "two")
    ROWS.to_csv(tmp_path / "data.csv", index=False)
    out = predict(tmp_path / "two", "--trust", "-i", tmp_path / "data.csv").stdout
    assert out.splitlines()[0] == "prediction_0,prediction_1"


def test_what_does_not_fit_is_said_with_its_rows(uri: str, tmp_path: Path) -> None:
    """Nothing is left under the output's name."""
    FRAME.assign(x=[*range(24), "many"]).to_csv(tmp_path / "data.csv", index=False)
    with pytest.raises(AutotrackException, match=r"rows 21 to 25: .*'x' is .*not long"):
        predict(uri, "-i", tmp_path / "data.csv", "-o", tmp_path / "out.csv", "--rows", 10)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["data.csv"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("data.txt", "", "csv, parquet, json or jsonl"),
        ("data.csv", "", "is no csv file"),
        ("data.parquet", "x", "is no parquet file"),
        ("data.json", "{", "is no json file"),
        ("data.jsonl", "[1]\n", "list of objects"),
    ],
)
def test_a_file_that_is_no_table_is_named(name: str, content: str, says: str, uri: str, tmp_path: Path) -> None:
    """Its form goes by its name."""
    (tmp_path / name).write_text(content)
    with pytest.raises(AutotrackException, match=says):
        predict(uri, "-i", tmp_path / name)


def test_an_alias_leads_to_a_version(uri: str, tmp_path: Path) -> None:
    """One that does not exist is named, with those that do."""
    WRITE["csv"](tmp_path / "data.csv")
    Client().set_registered_model_alias("line", "live", 1)
    assert uri
    assert len(predict("models:/line@live", "-i", tmp_path / "data.csv").stdout.splitlines()) == 26
    with pytest.raises(AutotrackException, match="no alias 'gone'; it has live"):
        predict("models:/line@gone", "-i", tmp_path / "data.csv")
