"""The directory that a model is saved in: complete or absent, in MLflow's format, with a digest of all of it."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import yaml
from sklearn.linear_model import Ridge

from autotrack.event import ModelLogged, decode
from autotrack.exceptions import AutotrackException
from autotrack.models import infer_signature, log, save
from autotrack.models.format import MLMODEL, digest, document, read
from autotrack.run import Run

RIDGE = Ridge().fit([[0.0], [1.0]], [0, 1])


class Broken(Ridge):
    """Fails while it is pickled, or takes the program down with it."""

    kill = False

    def __getstate__(self) -> Any:
        if self.kill:
            import os

            os._exit(9)
        raise RuntimeError("half way")


def test_what_is_recorded_is_what_lies_there(run: Run) -> None:
    """The event names path, flavors, signature, size and digest, after the directory is complete."""
    info = log(run, RIDGE, "ridge", signature=infer_signature(np.eye(1)), params={"alpha": 1}, tags={"k": "v"}, step=3)
    lines = next(info.directory.parents[1].glob("events-*")).read_bytes().splitlines(keepends=True)
    event = next(e for line in lines if (found := decode(line)) and isinstance(e := found[1], ModelLogged))
    files = [path for path in info.directory.rglob("*") if path.is_file()]
    assert event == ModelLogged(
        model_id=info.model_id,
        name="ridge",
        path="ridge",
        flavors=("sklearn", "python_function"),
        signature=infer_signature(np.eye(1)).to_json(),
        size=sum(file.stat().st_size for file in files),
        digest=digest(info.directory)[0],
        params={"alpha": "1"},
        tags={"k": "v"},
        step=3,
    )
    assert {file.name for file in files} == {MLMODEL, "model.pkl", "requirements.txt", "python_env.yaml", "conda.yaml"}
    assert read(info.directory).signature == info.signature


def test_a_second_model_of_one_name_stands_beside_the_first(run: Run) -> None:
    """Also when several threads log at once: no two share a directory, none overwrites another."""
    threads = [threading.Thread(target=log, args=(run, RIDGE)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = sorted(run.artifact_directory().iterdir())
    assert {path.name for path in found} == {"model", *(f"model-{n}" for n in range(2, 9))}
    assert all(read(path).name == path.name for path in found)


def test_a_failure_half_way_leaves_nothing(run: Run) -> None:
    """No directory under the name, no temporary one, no event."""
    with pytest.raises(RuntimeError, match="half way"):
        log(run, Broken().fit([[0.0], [1.0]], [0, 1]))
    assert list(run.artifact_directory().iterdir()) == []


def test_a_crash_half_way_leaves_no_model(tmp_path: Path) -> None:
    """A program that dies while it saves has saved nothing under the model's name."""
    program = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from test_model_directory import Broken, save
Broken.kill = True
save(Broken(), Path({str(tmp_path)!r}) / "models" / "model")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 9, done.stderr
    left = [path.name for path in (tmp_path / "models").iterdir()]
    assert [name for name in left if not (name.startswith(".") and name.endswith(".partial"))] == []


def test_a_saved_model_is_never_overwritten(tmp_path: Path) -> None:
    """The error names the directory, which stays as it was."""
    before = digest(save(RIDGE, tmp_path / "model").directory)
    with pytest.raises(AutotrackException, match="exists already"):
        save(RIDGE, tmp_path / "model")
    assert digest(tmp_path / "model") == before


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b", ".hidden", "a:b", "x" * 300, "a\nb"])
def test_a_name_that_is_no_file_name_is_refused(name: str, run: Run) -> None:
    """Before anything is written."""
    with pytest.raises(AutotrackException, match="cannot name a model"):
        log(run, RIDGE, name)
    assert list(run.artifact_directory().iterdir()) == []


def test_what_nobody_can_save_is_said(tmp_path: Path) -> None:
    """The error names the class and the integrations that were asked."""
    with pytest.raises(AutotrackException, match=r"how to save a builtins.object; installed: .*sklearn"):
        save(object(), tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_the_digest_is_of_names_and_contents(tmp_path: Path) -> None:
    """The same files give the same digest wherever they lie; a renamed or moved one another."""
    for name in ("one", "two"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "a").write_text("x")
        (tmp_path / name / "sub/b").write_text("y")
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    assert digest(tmp_path / "one")[1] == 2
    (tmp_path / "two/sub/b").rename(tmp_path / "two/b")
    assert digest(tmp_path / "one")[0] != digest(tmp_path / "two")[0]


VALUES = [
    "plain", "", "with: colon # and", "ümlaut \U0001f600 \x7f \x85 \u2028 \ud800 \\ud83d\\ude00 \"quoted\" 'too'",
    "yes",
    "1e-5", 0, -1, 2**70, 1.5, 1e-05, 1e22, -0.0, True, None, [], {}, [[1], {"a": [None]}], {"a b": {"c": 1}, "": 2},
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_a_document_is_json_and_yaml_at_once(value: Any) -> None:
    """Both parsers read back what was written."""
    assert json.loads(document({"k": value})) == {"k": value}
    assert yaml.safe_load(document({"k": value})) == {"k": value}


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_numbers_that_json_has_no_word_for_are_yaml(value: float, tmp_path: Path) -> None:
    """Metadata may hold them, and are read back."""
    np.testing.assert_equal(yaml.safe_load(document({"k": value})), {"k": value})
    info = save(RIDGE, tmp_path / "model", metadata={"limit": value})
    np.testing.assert_equal(read(info.directory).metadata, {"limit": value})


EXAMPLES = {
    "frame": pd.DataFrame({"a": [1.0, None], "b": ["x", "y"], "t": pd.to_datetime(["2020-01-01", "2021-01-01"])}),
    "array": np.eye(2),
    "dict of arrays": {"a": np.eye(2), "b": np.ones(2)},
    "rows": [{"a": 1}, {"a": 2}],
    "sparse": sp.csr_matrix(np.eye(2)),
}


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.filterwarnings("ignore")  # MLflow's own deprecations
def test_mlflow_reads_the_input_example(name: str, tmp_path: Path) -> None:
    """As the same kind of data, with the same values."""
    import mlflow.models

    info = save(RIDGE, tmp_path / "model", input_example=EXAMPLES[name])
    model = mlflow.models.Model.load(str(info.directory))
    found: Any = model.load_input_example(str(info.directory))
    if name == "frame":
        assert found.drop(columns="t").equals(EXAMPLES[name].drop(columns="t"))  # type: ignore[attr-defined]  # a frame
    elif name == "sparse":
        np.testing.assert_array_equal(found.toarray(), np.eye(2))
    else:
        np.testing.assert_equal(found, EXAMPLES[name])


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "flavors: 3", "flavors: {sklearn: 1}", '{"flavors": {}, "signature": {"inputs": "{"}}']
)
def test_a_damaged_mlmodel_file_is_named(text: str, tmp_path: Path) -> None:
    """The error names the file instead of a parser's inside."""
    (tmp_path / MLMODEL).write_text(text)
    with pytest.raises(AutotrackException, match="MLmodel is damaged"):
        read(tmp_path)
    with pytest.raises(AutotrackException, match="no model directory"):
        read(tmp_path / "nowhere")
