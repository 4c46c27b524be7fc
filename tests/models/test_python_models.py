"""Models that are code of the user's: kept with what they need, asked here and by stock MLflow alike."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

import autotrack
from autotrack import pyfunc
from autotrack.exceptions import AutotrackException
from autotrack.models import infer_signature, load, log
from autotrack.models.format import read
from autotrack.run import Run

pytestmark = pytest.mark.filterwarnings("ignore")  # the deprecations of MLflow and of the frameworks

ROWS = np.arange(6.0).reshape(3, 2)


def factor_model() -> Any:
    """A model that reads a factor from a file; its class lies in a function, so it travels by value."""

    class Factor(pyfunc.PythonModel):
        def load_context(self, context: Any) -> None:
            self.factor = float(Path(context.artifacts["factor"]).read_text())
            self.names = sorted(path.name for path in Path(context.artifacts["names"]).iterdir())

        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            return np.asarray(model_input).sum(axis=1) * self.factor + (params or {}).get("plus", 0)

    return Factor()


@pytest.fixture
def artifacts(tmp_path: Path) -> dict[str, str]:
    """A file and a directory."""
    (tmp_path / "factor.txt").write_text("3")
    (tmp_path / "names").mkdir()
    (tmp_path / "names/one").touch()
    return {"factor": str(tmp_path / "factor.txt"), "names": str(tmp_path / "names")}


def test_a_python_model_brings_its_artifacts(
    run: Run, artifacts: dict[str, str], stock: Callable[[Path], Any], tmp_path: Path
) -> None:
    """It finds them in its context, here and in MLflow, also when the originals are gone; parameters have defaults."""
    signature = infer_signature(ROWS, np.ones(3), {"plus": 0})
    info = pyfunc.log_model("factor", python_model=factor_model(), artifacts=artifacts, signature=signature)
    (tmp_path / "factor.txt").unlink()
    assert info.run_id == run.run_id
    for model in (pyfunc.load_model(info.model_uri), stock(info.directory)):
        np.testing.assert_array_equal(model.predict(ROWS), ROWS.sum(axis=1) * 3)
        np.testing.assert_array_equal(model.predict(ROWS, params={"plus": 1}), ROWS.sum(axis=1) * 3 + 1)
        assert model.unwrap_python_model().names == ["one"]
    assert type(load(info.model_uri).python_model).__name__ == "Factor"


def test_a_function_is_a_model(run: Run, stock: Callable[[Path], Any]) -> None:
    """Of one argument, also a lambda; and so is any object with a ``predict``."""

    class Duck:
        def predict(self, data: Any) -> Any:
            return np.asarray(data)[:, 0]

    for model, expected in ((lambda x: x * 2, ROWS * 2), (Duck(), ROWS[:, 0])):
        info = pyfunc.log_model(name="function", python_model=model)
        np.testing.assert_array_equal(pyfunc.load_model(info.model_uri).predict(ROWS), expected)
        np.testing.assert_array_equal(stock(info.directory).predict(ROWS), expected)
    assert log(run, Duck(), "duck").flavors.keys() == {"python_function"}


def test_a_model_of_the_main_module_needs_neither_its_script_nor_autotrack(
    tmp_path: Path, store: Path, artifacts: dict[str, str]
) -> None:
    """A program with MLflow alone loads it; one with autotrack alone loads it without loading MLflow."""
    script = f"""
import autotrack, numpy as np
class Sums(autotrack.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return np.asarray(model_input).sum(axis=1)
with autotrack.start_run():
    print(autotrack.pyfunc.log_model("sums", python_model=Sums(), artifacts={artifacts!r}).directory)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    directory = done.stdout.strip()
    ask = f"print(p.load_model({directory!r}).predict([[1.0, 2.0]]))"
    ours = f"import sys, autotrack.pyfunc as p; {ask}; assert 'mlflow' not in sys.modules"
    theirs = f"import sys; sys.modules['autotrack'] = None; import mlflow.pyfunc as p; {ask}"
    for program in (ours, theirs):
        command = [sys.executable, "-W", "ignore", "-c", program]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout.strip()) == (0, "[3.]"), done.stderr


def test_what_mlflow_logged_loads_here(tmp_path: Path, artifacts: dict[str, str]) -> None:
    """Its Python models with their context, its functions, and models of a loader of their own."""
    import mlflow.pyfunc

    class Theirs(mlflow.pyfunc.PythonModel):
        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            return np.asarray(model_input) * float(Path(context.artifacts["factor"]).read_text())

    mlflow.pyfunc.save_model(tmp_path / "class", python_model=Theirs(), artifacts=artifacts, pip_requirements=[])
    mlflow.pyfunc.save_model(tmp_path / "function", python_model=lambda x: x * 3, pip_requirements=[])
    (tmp_path / "own_loader.py").write_text(
        "class Model:\n"
        "    def __init__(self, path): self.factor = float(open(path).read())\n"
        "    def predict(self, data): return data * self.factor\n"
        "def _load_pyfunc(path): return Model(path)\n"
    )
    mlflow.pyfunc.save_model(
        tmp_path / "loader",
        loader_module="own_loader",
        data_path=artifacts["factor"],
        code_paths=[str(tmp_path / "own_loader.py")],
        pip_requirements=[],
    )
    for name in ("class", "function", "loader"):
        with pytest.raises(AutotrackException, match="would run"):
            pyfunc.load_model(tmp_path / name)
        np.testing.assert_array_equal(pyfunc.load_model(tmp_path / name, trust=True).predict(ROWS), ROWS * 3)


def test_a_loader_of_ones_own_is_a_model(run: Run, stock: Callable[[Path], Any], tmp_path: Path) -> None:
    """With its code and its data; it loads by name without a question."""
    (tmp_path / "plus_loader.py").write_text(
        "class Model:\n"
        "    def __init__(self, path): self.plus = float(open(path).read())\n"
        "    def predict(self, data): return data + self.plus\n"
        "def _load_pyfunc(path): return Model(path)\n"
    )
    (tmp_path / "plus.txt").write_text("4")
    info = pyfunc.log_model(
        "plus", loader_module="plus_loader", data_path=tmp_path / "plus.txt", code_paths=[tmp_path / "plus_loader.py"]
    )
    np.testing.assert_array_equal(pyfunc.load_model(info.model_uri).predict(ROWS), ROWS + 4)
    np.testing.assert_array_equal(stock(info.directory).predict(ROWS), ROWS + 4)


def test_code_comes_along_and_stays_what_it_was(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipeline with a class of a package that only the model has; loading it writes no bytecode, so that it loads
    again; two models may bring a module of one name."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    for number in (1, 2):
        package = tmp_path / str(number) / "brought"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (package / "inner.py").write_text(
            "from sklearn.base import BaseEstimator, RegressorMixin\n"
            "class Constant(RegressorMixin, BaseEstimator):\n"
            "    def fit(self, X, y): return self\n"
            f"    def predict(self, X): return [{number}] * len(X)\n"
        )
    infos = []
    for number in (1, 2):
        sys.path.insert(0, str(tmp_path / str(number)))
        from brought.inner import Constant  # type: ignore[import-not-found]  # it is written above

        infos.append(
            autotrack.sklearn.log_model(
                Constant().fit(ROWS, None), "own", code_paths=[tmp_path / str(number) / "brought"]
            )
        )
        sys.path.remove(str(tmp_path / str(number)))
        for name in [name for name in sys.modules if name.partition(".")[0] == "brought"]:
            del sys.modules[name]
        sys.path_importer_cache.pop(str(tmp_path / str(number)), None)
    for _ in range(2):
        for number, info in enumerate(infos, 1):
            assert load(info.model_uri).predict(ROWS) == [number] * 3
            assert not list(info.directory.rglob("*.pyc"))
    (infos[0].directory / "code/brought/inner.py").write_text("raise SystemExit")
    with pytest.raises(AutotrackException, match="not what was logged"):
        load(infos[0].model_uri)


def test_what_lies_beside_a_model_is_what_was_given(tmp_path: Path) -> None:
    """Further files, requirements from lines, files and constraints, a whole conda environment."""
    (tmp_path / "notes.md").write_text("hello")
    (tmp_path / "more.txt").write_text("tabulate\n# nothing\n-c limits.txt\n")
    (tmp_path / "limits.txt").write_text("tabulate<1\n")
    ridge = Ridge().fit(ROWS, [0, 1, 2])
    save_model = autotrack.sklearn.save_model
    one = save_model(ridge, tmp_path / "one", extra_files=[tmp_path / "notes.md"], pip_requirements=["a==1", "b"])
    assert (one.directory / "extra_files/notes.md").read_text() == "hello"
    assert (one.directory / "requirements.txt").read_text() == "a==1\nb\n"
    two = save_model(ridge, tmp_path / "two", extra_pip_requirements=str(tmp_path / "more.txt"))
    lines = (two.directory / "requirements.txt").read_text().splitlines()
    assert (lines[-2:], (two.directory / "constraints.txt").read_text()) == (
        ["tabulate", "-c constraints.txt"],
        "tabulate<1\n",
    )
    assert any(line.startswith("scikit-learn==") for line in lines)
    conda = {"name": "mine", "dependencies": ["python=3.11", {"pip": ["c==2"]}]}
    three = save_model(ridge, tmp_path / "three", conda_env=conda)
    assert (three.directory / "requirements.txt").read_text() == "c==2\n"
    with pytest.raises(AutotrackException, match="only one of conda_env, pip_requirements"):
        save_model(ridge, tmp_path / "four", conda_env=conda, pip_requirements=[])
    for wrong in ({"code_paths": [tmp_path / "gone"]}, {"code_paths": "one"}, {"pip_requirements": "gone.txt"}):
        with pytest.raises(AutotrackException, match=r"gone|list of paths"):
            save_model(ridge, tmp_path / "four", **wrong)
    assert not (tmp_path / "four").exists()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "either a python_model or the loader_module"),
        ({"python_model": "model.py"}, "an object or a function, not the path"),
        ({"python_model": len, "artifacts": {"a": "nowhere"}}, "there is no nowhere"),
        ({"python_model": len, "resources": ["gpu"]}, "takes no resources"),
        ({"python_model": (n for n in ROWS)}, "cannot keep a generator"),
    ],
)
def test_what_is_no_python_model_is_refused(given: dict[str, Any], says: str, tmp_path: Path) -> None:
    """With what it should be."""
    with pytest.raises(AutotrackException, match=says):
        pyfunc.save_model(tmp_path / "model", **given)


def test_a_model_that_cannot_be_pickled_says_what_to_do(tmp_path: Path) -> None:
    """Its open file is an artifact."""

    class Open(pyfunc.PythonModel):
        def __init__(self) -> None:
            self.rows = (n for n in ROWS)

    with pytest.raises(AutotrackException, match="as artifacts, and open them in load_context"):
        pyfunc.save_model(tmp_path / "model", python_model=Open())


def test_the_configuration_of_a_model_can_be_changed_when_it_is_loaded(run: Run) -> None:
    """Entry by entry; an estimator takes none."""

    class Configured(pyfunc.PythonModel):
        def predict(self, context: Any, model_input: Any) -> Any:
            return [context.model_config["a"], context.model_config["b"]]

    info = pyfunc.log_model("configured", python_model=Configured(), model_config={"a": 1, "b": 2})
    assert pyfunc.load_model(info.model_uri).predict(ROWS) == [1, 2]
    assert pyfunc.load_model(info.model_uri, model_config={"b": 3}).predict(ROWS) == [1, 3]
    assert read(info.directory).flavors["python_function"]["model_config"] == {"a": 1, "b": 2}


def test_mlflows_answer_is_the_frames_too(run: Run, stock: Callable[[Path], Any]) -> None:
    """A data frame arrives as one, and its answer keeps its index."""
    frame = pd.DataFrame(ROWS, columns=["a", "b"], index=[5, 6, 7])
    info = pyfunc.log_model(
        "frame", python_model=lambda x: x[["a"]] * 2, signature=infer_signature(frame, frame[["a"]])
    )
    for model in (pyfunc.load_model(info.model_uri), stock(info.directory)):
        pd.testing.assert_frame_equal(model.predict(frame), frame[["a"]] * 2)
