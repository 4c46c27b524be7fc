"""Nothing that lies in a model directory runs unless a store of the user's own vouches for it, or the user does."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import xgboost as xgb
from sklearn.linear_model import Ridge

from autotrack.exceptions import AutotrackException
from autotrack.models import load, log, save
from autotrack.models.format import MLMODEL, document
from autotrack.models.pyfunc import load_model
from autotrack.models.trust import doubt
from autotrack.run import Run

CANARY = Path("canary")


class Canary:
    """Leaves a file behind when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, (str(CANARY.absolute()),)


@pytest.fixture
def ridge() -> Ridge:
    return Ridge().fit([[0.0], [1.0]], [0, 1])


def test_a_logged_model_loads_without_a_question(run: Run, ridge: Ridge) -> None:
    """By its run, and by the path where it lies in the configured store."""
    info = log(run, ridge)
    assert load(info.model_uri).coef_ == ridge.coef_
    assert load(info.directory).coef_ == ridge.coef_


@pytest.mark.parametrize("loader", [load, load_model])
def test_a_pickle_in_a_bare_directory_waits_for_consent(loader: Any, tmp_path: Path, ridge: Ridge) -> None:
    """The error says what would run; with consent it runs."""
    info = save(ridge, tmp_path / "model")
    (info.directory / "model.pkl").write_bytes(pickle.dumps(Canary()))
    with pytest.raises(AutotrackException, match=r"would run whatever the pickle model.pkl holds.*trust=True"):
        loader(info.directory)
    assert not CANARY.exists()
    loader(info.directory, trust=True)
    assert CANARY.exists()


SLOTS = {
    "sklearn": {"sklearn": {"pickled_model": "canary"}},
    "sklearn by cloudpickle": {"sklearn": {"pickled_model": "canary", "serialization_format": "cloudpickle"}},
    "torch": {"pytorch": {"model_data": "data"}},
    "xgboost class": {"xgboost": {"model_class": "canary.Model", "data": "canary"}},
    "own loader": {"python_function": {"loader_module": "canary", "code": "code"}},
    "loader under a known flavor": {
        "sklearn": {"pickled_model": "canary"},
        "python_function": {"loader_module": "canary", "code": "code"},
    },
}


@pytest.mark.parametrize("loader", [load, load_model])
@pytest.mark.parametrize("slot", SLOTS)
def test_no_slot_of_a_directory_runs_by_itself(slot: str, loader: Any, tmp_path: Path) -> None:
    """Wherever an MLmodel file may point to code, a foreign one is not followed."""
    directory = tmp_path / "foreign"
    for part in ("code", "data"):
        (directory / part).mkdir(parents=True)
    (directory / "code/canary.py").write_text(f"import os; os.mkdir({str(CANARY.absolute())!r})")
    for name in ("canary", "data/model.pth", "data/canary"):
        (directory / name).write_bytes(pickle.dumps(Canary()))
    flavors = {"python_function": {"loader_module": "canary"}} | SLOTS[slot]
    (directory / MLMODEL).write_text(document({"flavors": flavors}))
    with pytest.raises(AutotrackException):
        loader(directory)
    assert not CANARY.exists()


@pytest.mark.parametrize("change", ["model.pkl", MLMODEL, "another"])
def test_a_directory_that_was_changed_is_refused(change: str, run: Run, ridge: Ridge) -> None:
    """A byte more in any file, or one more file."""
    info = log(run, ridge)
    with (info.directory / change).open("ab") as file:
        file.write(b" ")
    with pytest.raises(AutotrackException, match="not what was logged"):
        load(info.model_uri)


def test_changed_data_are_refused_too(run: Run) -> None:
    """A model that needs no trust must still be the one that was logged."""
    booster = xgb.train({}, xgb.DMatrix([[0.0], [1.0]], [0, 1]), 1)
    info = log(run, booster)
    shutil.copy(save(booster, info.directory.with_name("other")).directory / MLMODEL, info.directory / MLMODEL)
    with pytest.raises(AutotrackException, match="not what was logged"):
        load(info.model_uri)


def test_data_need_no_trust(tmp_path: Path) -> None:
    """UBJSON from anywhere loads; so do a module's weights, which `load_state_dict` reads."""
    booster = xgb.train({}, xgb.DMatrix([[0.0], [1.0]], [0, 1]), 1)
    assert load(save(booster, tmp_path / "booster").directory).get_dump() == booster.get_dump()
    module = save(torch.nn.Linear(1, 1), tmp_path / "module").directory
    with pytest.raises(AutotrackException, match="pickled module"):
        load(module)


def test_a_copy_of_a_store_is_no_store_of_ours(run: Run, ridge: Ridge, tmp_path: Path, store: Path) -> None:
    """What came with a download vouches for nothing until the user names that store."""
    info = log(run, ridge)
    copy = tmp_path / "downloaded"
    shutil.copytree(store, copy)
    path = copy / info.directory.relative_to(store)
    with pytest.raises(AutotrackException, match="not lie in the configured store"):
        load(path)
    assert load(info.model_uri, store=copy).coef_ == ridge.coef_


def test_a_store_where_others_may_write_vouches_for_nothing(
    run: Run, ridge: Ridge, tmp_path: Path, store: Path
) -> None:
    """Its own directory, one above it, the model's files, or the run's journal, where others can come."""
    info = log(run, ridge)
    (info.directory / "model.pkl").chmod(0o666)
    assert doubt(store, info.directory) == ""
    for directory in (store, *(path for path in store.rglob("*") if path.is_dir())):
        directory.chmod(0o755)
    (info.directory / "model.pkl").chmod(0o644)
    journal = next(info.directory.parents[1].glob("events-*"))
    for place in (store, tmp_path, info.directory, info.directory / "model.pkl", journal):
        mode = place.stat().st_mode
        place.chmod(mode | 0o022)
        assert "others may write" in doubt(store, info.directory)
        with pytest.raises(AutotrackException, match="others may write"):
            load(info.model_uri)
        place.chmod(mode)
    assert load(info.model_uri).coef_ == ridge.coef_


def test_a_link_out_of_the_store_is_followed_to_where_it_leads(
    run: Run, ridge: Ridge, tmp_path: Path, store: Path
) -> None:
    """Artifacts on another disk are vouched for, unless others may write there, or replace it."""
    info = log(run, ridge)
    elsewhere = tmp_path / "disk/shared"
    elsewhere.mkdir(parents=True)
    for directory in (tmp_path / "disk", elsewhere):
        directory.chmod(0o755)
    artifacts = info.directory.parent
    shutil.move(artifacts, elsewhere / "artifacts")
    artifacts.symlink_to(elsewhere / "artifacts", target_is_directory=True)
    assert load(info.model_uri).coef_ == ridge.coef_
    for place in (elsewhere / "artifacts" / info.name, elsewhere, tmp_path / "disk"):
        mode = place.stat().st_mode
        place.chmod(mode | 0o022)
        with pytest.raises(AutotrackException, match="others may write"):
            load(info.model_uri)
        place.chmod(mode)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_a_store_of_another_user_vouches_for_nothing(run: Run, ridge: Ridge, store: Path) -> None:
    """Also if only the model or a directory above it is theirs."""
    info = log(run, ridge)
    for place in (store, info.directory, store.parent):
        os.chown(place, 65534, -1)
        with pytest.raises(AutotrackException, match="belongs to another user"):
            load(info.model_uri)
        os.chown(place, 0, -1)


def test_a_link_in_a_model_directory_is_refused(run: Run, ridge: Ridge, tmp_path: Path) -> None:
    """What it points to could change after it was looked at."""
    info = log(run, ridge)
    shutil.move(info.directory / "model.pkl", tmp_path / "model.pkl")
    (info.directory / "model.pkl").symlink_to(tmp_path / "model.pkl")
    with pytest.raises(AutotrackException, match="a link or a special file"):
        load(info.model_uri)


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("runs:/../../etc", "write runs:/<run_id>/<name>"),
        ("runs:/abc/../../model", "write runs:/<run_id>/<name>"),
        ("runs:/abc", "write runs:/<run_id>/<name>"),
        ("runs:/abc/model", "no run abc"),
        ("models:/net/Production", "Registered Model with name=net not found"),
        ("models:/net@live", "Registered Model with name=net not found"),
        ("models:/net", "write models:/<name>/<version>"),
        ("models:/a/b/1", "write models:/<name>/<version>"),
        ("models:/a:b/1", "leave out / and :"),
        ("models:/../net/1", "write models:/<name>/<version>"),
        ("models:/net/Live", "give one of None, Staging, Production, Archived"),
        ("s3://bucket/model", "from a path or from runs:/"),
        ("nowhere", "no model directory"),
    ],
)
def test_a_uri_that_names_no_model_says_why(uri: str, says: str) -> None:
    """One line, with the form that is meant."""
    with pytest.raises(AutotrackException, match=says):
        load(uri)


def test_a_file_outside_the_directory_is_not_read(tmp_path: Path) -> None:
    """An MLmodel file cannot point out of its directory."""
    directory = tmp_path / "foreign"
    directory.mkdir()
    (tmp_path / "secret").write_bytes(b"")
    (directory / MLMODEL).write_text(document({"flavors": {"xgboost": {"data": "../secret"}}}))
    with pytest.raises(AutotrackException, match="lies outside"):
        load(directory)
