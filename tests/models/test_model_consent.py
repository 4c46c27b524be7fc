"""Who may have code run by loading a model: a store that the user named or that only he can write to, or he himself."""

from __future__ import annotations

import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import autotrack
from autotrack import pyfunc
from autotrack.exceptions import AutotrackException
from autotrack.models import get_model_info, load, log, save
from autotrack.models.format import MLMODEL, document
from autotrack.run import Run

CANARY = Path("canary")


class Canary:
    """Leaves a directory behind when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, (str(CANARY.absolute()),)


class Sums(pyfunc.PythonModel):
    """A Python model."""

    def predict(self, context: Any, model_input: Any) -> Any:
        return np.asarray(model_input).sum(axis=1)


def _skops(directory: Path) -> None:
    """A pipeline that names a function, and names another one."""
    model = make_pipeline(FunctionTransformer(np.linalg.norm), Ridge())
    autotrack.sklearn.save_model(model, directory, serialization_format="skops")
    schema = directory / "model.skops"
    with zipfile.ZipFile(schema) as archive:
        texts = {name: archive.read(name) for name in archive.namelist()}
    replaced = texts["schema.json"].replace(b'"norm"', b'"mkdir"').replace(b'"numpy.linalg"', b'"os"')
    assert replaced != texts["schema.json"]
    with zipfile.ZipFile(schema, "w") as archive:
        for name, text in {**texts, "schema.json": replaced}.items():
            archive.writestr(name, text)


def _pickled(name: str) -> Callable[[Path], None]:
    """A directory one of whose files is a canary."""

    def spoil(directory: Path) -> None:
        (directory / name).write_bytes(pickle.dumps(Canary()))

    return spoil


def _module(directory: Path) -> None:
    """A torch archive whose pickle is a canary."""
    torch.save(Canary(), directory / "data/model.pth", pickle_module=pickle)


def _in_code(directory: Path) -> None:
    """Modules beside a model that are named like what its framework imports."""
    content = (directory / MLMODEL).read_text().replace('"code": null', '"code": "code"')
    (directory / MLMODEL).write_text(content)
    (directory / "code").mkdir()
    for name in ("xgboost", "sklearn", "joblib", "numpy"):
        (directory / f"code/{name}.py").write_text(f"import os; os.mkdir({str(CANARY.absolute())!r})")


def _booster(directory: Path) -> None:
    import xgboost as xgb

    save(xgb.train({}, xgb.DMatrix([[0.0], [1.0]], [0, 1]), 1), directory)


TRACED = {"serialization_format": "pt2", "input_example": np.ones((2, 2), "float32")}


def _export(directory: Path) -> None:
    autotrack.torch.save_model(torch.nn.Linear(2, 1), directory, **TRACED)


def _forest(directory: Path) -> None:
    save(lightgbm.LGBMRegressor(n_estimators=1, verbose=-1).fit(np.eye(30), np.arange(30)), directory)


RIDGE = Ridge().fit([[0.0], [1.0]], [0, 1])
SLOTS: dict[str, tuple[Callable[[Path], object], Callable[[Path], object]]] = {
    "scikit-learn's pickle": (lambda directory: save(RIDGE, directory), _pickled("model.pkl")),
    "LightGBM's pickle": (_forest, _pickled("model.pkl")),
    "torch's pickle": (lambda directory: save(torch.nn.Linear(1, 1), directory), _module),
    "torch's exported program": (_export, _pickled("data/model.pt2")),
    "a Python model": (lambda directory: save(Sums(), directory), _pickled("python_model.pkl")),
    "a function of skops": (_skops, lambda _: None),
    "code beside data": (_booster, _in_code),
    "code beside a pickle": (lambda directory: save(RIDGE, directory), _in_code),
}


@pytest.mark.filterwarnings("ignore")  # torch's own of its formats
@pytest.mark.parametrize(
    "slot", [pytest.param(slot, marks=[pytest.mark.slow] * (slot == "torch's exported program")) for slot in SLOTS]
)
def test_no_slot_of_a_foreign_directory_runs_by_itself(slot: str, tmp_path: Path) -> None:
    """Neither to load it, nor to be asked as a function, nor to say what it is; the error says what would run."""
    make, spoil = SLOTS[slot]
    make(tmp_path / "model")
    spoil(tmp_path / "model")
    for loader in (load, pyfunc.load_model):
        with pytest.raises(AutotrackException, match=r"would run (whatever|the types|the modules).*trust=True"):
            loader(tmp_path / "model")
    assert get_model_info(tmp_path / "model").flavors
    assert not CANARY.exists()


@pytest.mark.parametrize(
    "name", ["input_example.json", "requirements.txt", "conda.yaml", "python_env.yaml", "extra.pkl"]
)
def test_what_lies_beside_a_model_is_never_run(name: str, tmp_path: Path) -> None:
    """Not even with consent."""
    directory = save(RIDGE, tmp_path / "model", input_example=[[1.0]]).directory
    (directory / name).write_bytes(pickle.dumps(Canary()))
    assert load(directory, trust=True).coef_ == RIDGE.coef_
    assert not CANARY.exists()


def test_yaml_makes_no_objects(tmp_path: Path) -> None:
    """An MLmodel file with tags of Python's is damaged."""
    tmp_path.joinpath(MLMODEL).write_text(f"flavors: !!python/object/apply:os.mkdir ['{CANARY.absolute()}']")
    for loader in (load, pyfunc.load_model, get_model_info):
        with pytest.raises(AutotrackException, match="damaged"):
            loader(tmp_path)
    assert not CANARY.exists()


def test_skops_with_what_everybody_trusts_needs_no_consent(tmp_path: Path) -> None:
    """The file is asked for its types, whatever the MLmodel file says of them."""
    autotrack.sklearn.save_model(RIDGE, tmp_path / "ridge", serialization_format="skops")
    assert load(tmp_path / "ridge").coef_ == RIDGE.coef_
    _skops(tmp_path / "spoilt")
    content = (tmp_path / "spoilt" / MLMODEL).read_text()
    (tmp_path / "spoilt" / MLMODEL).write_text(
        content.replace('"skops_trusted_types": null', '"skops_trusted_types": ["os.mkdir"]')
    )
    with pytest.raises(AutotrackException, match=r"would run the types .*mkdir"):
        load(tmp_path / "spoilt")


def test_a_setting_stands_for_consent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For everything, or for what lies below some directories."""
    for name in ("mine", "theirs"):
        save(RIDGE, tmp_path / name / "ridge")
    monkeypatch.setenv("AUTOTRACK_TRUST_MODELS", f"{tmp_path / 'mine'}{os.pathsep}/nowhere")
    assert load(tmp_path / "mine/ridge").coef_ == RIDGE.coef_
    for outside in (tmp_path / "theirs/ridge", tmp_path / "mine/../theirs/ridge"):
        with pytest.raises(AutotrackException, match="or set AUTOTRACK_TRUST_MODELS"):
            load(outside)
    monkeypatch.setenv("AUTOTRACK_TRUST_MODELS", "1")
    assert load(tmp_path / "theirs/ridge").coef_ == RIDGE.coef_
    monkeypatch.setenv("AUTOTRACK_TRUST_MODELS", "0")
    with pytest.raises(AutotrackException, match="would run"):
        load(tmp_path / "theirs/ridge")


def test_a_store_that_was_named_vouches_whoever_may_write_to_it(run: Run, store: Path) -> None:
    """A team's directory: named in the call or by set_tracking_uri; a changed model is refused all the same."""
    info = log(run, RIDGE)
    for path in (store, *store.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    with pytest.raises(AutotrackException, match="others may write"):
        load(info.model_uri)
    assert load(info.model_uri, store=store).coef_ == RIDGE.coef_
    autotrack.set_tracking_uri(str(store))
    assert load(info.model_uri).coef_ == RIDGE.coef_
    with (info.directory / "model.pkl").open("ab") as file:
        file.write(b" ")
    for options in ({}, {"store": store}):
        with pytest.raises(AutotrackException, match="not what was logged"):
            load(info.model_uri, **options)


def test_a_planted_store_vouches_for_nothing(
    run: Run, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody's store in a shared directory above the program's: it is found, and believed nothing."""
    info = log(run, RIDGE)
    shared = tmp_path / "shared"
    shutil.copytree(store, shared / ".autotrack")
    (shared / ".git").mkdir()
    (shared / "work").mkdir()
    shared.chmod(0o777)
    monkeypatch.delenv("AUTOTRACK_TRACKING_URI")
    monkeypatch.chdir(shared / "work")
    with pytest.raises(AutotrackException, match="others may write"):
        load(info.model_uri)
    shared.chmod(0o755)
    assert load(info.model_uri).coef_ == RIDGE.coef_
    if os.getuid() == 0:
        for place in (shared / ".autotrack", shared):
            os.chown(place, 65534, -1)
            with pytest.raises(AutotrackException, match=r"belongs to another user|no run"):
                load(info.model_uri)
            os.chown(place, 0, -1)


def test_a_version_must_be_what_was_registered(run: Run) -> None:
    """By number, stage and alias; a model that was logged over it is another one."""
    info = log(run, RIDGE, registered_model_name="net")
    client = autotrack.MlflowClient()
    client.transition_model_version_stage("net", 1, "Production")
    client.set_registered_model_alias("net", "live", 1)
    for uri in ("models:/net/1", "models:/net/Production", "models:/net/latest", "models:/net@live"):
        assert load(uri).coef_ == RIDGE.coef_
        assert pyfunc.load_model(uri).metadata.model_id == info.model_id
    (info.directory / MLMODEL).write_text((info.directory / MLMODEL).read_text() + " ")
    for uri in ("models:/net/1", "models:/net@live", f"models:/{info.model_id}"):
        with pytest.raises(AutotrackException, match="not what was logged"):
            load(uri)


def test_a_bare_directory_does_not_become_trusted_by_a_name(tmp_path: Path) -> None:
    """Registering what no run has logged records nothing that could be verified."""
    save(RIDGE, tmp_path / "bare")
    autotrack.register_model(str(tmp_path / "bare"), "bare")
    with pytest.raises(AutotrackException, match="would run whatever the pickle"):
        load("models:/bare/1")
    assert load("models:/bare/1", trust=True).coef_ == RIDGE.coef_


@pytest.mark.filterwarnings("ignore")  # torch's own of its formats
def test_a_truncated_model_says_which_file(tmp_path: Path) -> None:
    """And what to do; it is no error of a library's inside."""
    import xgboost as xgb

    makes: dict[str, tuple[Any, dict[str, Any]]] = {
        "model.pkl": (RIDGE, {}),
        "model.skops": (RIDGE, {"serialization_format": "skops"}),
        "model.ubj": (xgb.train({}, xgb.DMatrix([[0.0], [1.0]], [0, 1]), 1), {}),
        "data/model.pth": (torch.nn.Linear(2, 2), {}),
        "python_model.pkl": (Sums(), {}),
    }
    for number, (name, (model, options)) in enumerate(makes.items()):
        directory = save(model, tmp_path / str(number), **options).directory
        whole = (directory / name).read_bytes()
        for cut in (len(whole) // 2, 0):
            (directory / name).write_bytes(whole[:cut])
            with pytest.raises(AutotrackException, match=name.replace(".", r"\.")):
                load(directory, trust=True)
        (directory / name).unlink()
        with pytest.raises(AutotrackException, match=f"incomplete: {name} is missing"):
            load(directory, trust=True)


@pytest.mark.parametrize(
    ("flavors", "says"),
    [
        ({}, "no integration loads its flavor; the model has none"),
        ({"keras": {"data": "model.keras"}}, "no integration loads its flavor; the model has keras"),
        ({"python_function": {"loader_module": "no_such_loader"}}, "loader no_such_loader cannot be imported"),
        ({"sklearn": {"pickled_model": "m", "serialization_format": "dill"}}, "serialized with 'dill'"),
    ],
)
def test_a_missing_flavor_is_named(flavors: dict[str, Any], says: str, tmp_path: Path) -> None:
    """With those that the model has."""
    (tmp_path / MLMODEL).write_text(document({"flavors": flavors}))
    (tmp_path / "m").touch()
    with pytest.raises(AutotrackException, match=says):
        load(tmp_path, trust=True)
    if "sklearn" in flavors:
        with pytest.raises(AutotrackException, match="asked for was xgboost"):
            autotrack.xgboost.load_model(tmp_path)


def test_a_module_that_is_not_installed_is_named(tmp_path: Path) -> None:
    """With the file that says what the model needs."""
    directory = save(RIDGE, tmp_path / "model").directory
    spoilt = (
        (directory / "model.pkl").read_bytes().replace(b"sklearn.linear_model._ridge", b"notlearn.linear_model_ridge")
    )
    (directory / "model.pkl").write_bytes(spoilt)
    with pytest.raises(AutotrackException, match=r"needs the module notlearn.*requirements.txt"):
        load(directory, trust=True)
