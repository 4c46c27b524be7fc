"""Files that were cut off: the error names the file, and no reader of a framework's ever gets to see them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost as xgb

import autotrack
from autotrack.exceptions import AutotrackException
from autotrack.models import load, save
from autotrack.run import Run
from autotrack_lightgbm import text
from autotrack_xgboost import ubjson

X = np.random.default_rng(1).random((200, 3))
Y = (X.sum(axis=1) > 1.5).astype(int)
FRAME = pd.DataFrame({"kind": pd.Categorical(Y), "size": X[:, 0]})


def boosted(**parameters: Any) -> xgb.Booster:
    """A small booster of XGBoost's with names and an attribute."""
    booster = xgb.train(parameters, xgb.DMatrix(X, Y, feature_names=["a", "b", "ü"]), 3)
    booster.set_attr(note="kept")
    return booster


BOOSTERS: dict[str, Callable[[], Any]] = {
    "trees": boosted,
    "dart": lambda: boosted(booster="dart"),
    "linear": lambda: boosted(booster="gblinear"),
    "classes": lambda: xgb.train({"objective": "multi:softprob", "num_class": 2}, xgb.DMatrix(X, Y), 2),
    "categories": lambda: xgb.train({}, xgb.DMatrix(FRAME, Y, enable_categorical=True), 2),
    "classifier": lambda: xgb.XGBClassifier(n_estimators=2).fit(X, Y),
}


@pytest.mark.parametrize("name", BOOSTERS)
def test_no_beginning_of_a_boosters_file_is_taken_for_the_whole(name: str, tmp_path: Path) -> None:
    """XGBoost would read on behind its end; the whole file is found to be in order."""
    file = tmp_path / "model.ubj"
    BOOSTERS[name]().save_model(file)
    whole = file.read_bytes()
    assert ubjson.damage(file) == ""
    for size in {*range(0, len(whole), max(1, len(whole) // 300)), len(whole) - 1}:
        file.write_bytes(whole[:size])
        assert ubjson.damage(file)
    file.write_bytes(whole + b" ")
    assert ubjson.damage(file) == f"something follows its end at byte {len(whole)}"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"no model", "does not begin"),
        (b"{L" + b"\xff" * 8, "below zero"),
        (b"{L" + b"\x7f" * 8, "ends too early"),
        (b"{i\x01a[$d#L" + b"\x7f" * 8, "ends too early"),
        (b"{i\x01aX}", "no type is called b'X'"),
        (b"{i\x01a[$d}", "an array without a length"),
        (b"{i\x01a" + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_wrong_with_a_boosters_file_is_said(content: bytes, says: str, tmp_path: Path) -> None:
    """Lengths that nothing could have, types that there are not."""
    (tmp_path / "model.ubj").write_bytes(content)
    assert says in ubjson.damage(tmp_path / "model.ubj")


def test_a_type_of_values_that_xgboost_does_not_write_is_passed_over(tmp_path: Path) -> None:
    """An array without a length, and JSON under another name."""
    (tmp_path / "model.ubj").write_bytes(b"{i\x01a[U\x01TSi\x01x]i\x01b[#i\x02ZFi\x01c{}}")
    assert ubjson.damage(tmp_path / "model.ubj") == ""
    boosted().save_model(tmp_path / "model.json")
    (tmp_path / "model.json").rename(tmp_path / "model.bin")
    assert ubjson.damage(tmp_path / "model.bin") == ""


@pytest.mark.parametrize(
    "parameters", [{}, {"boosting": "dart"}, {"objective": "multiclass", "num_class": 2}, {"linear_tree": True}]
)
def test_no_beginning_of_a_lightgbm_text_passes_for_all_its_trees(parameters: Any, tmp_path: Path) -> None:
    """LightGBM would take fewer trees for all, or end the process."""
    file = tmp_path / "model.lgb"
    lightgbm.train({"verbose": -1, **parameters}, lightgbm.Dataset(X, Y), 4).save_model(file)
    whole = file.read_bytes()
    assert text.damage(file) == ""
    for size in range(0, whole.index(b"\nend of trees"), 97):
        file.write_bytes(whole[:size])
        assert text.damage(file)
    file.write_bytes(whole[: whole.index(b"\nend of parameters")])
    assert text.damage(file) == "it ends within its parameters"
    file.write_bytes(whole.replace(b"num_leaves=", b"num_leaves=1", 1))
    assert "its trees take" in text.damage(file)


def test_a_cut_model_does_not_reach_its_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With consent and without; the error names the file and the remedy."""
    for name, model in (("model.ubj", boosted()), ("model.lgb", lightgbm.train({}, lightgbm.Dataset(X, Y), 1))):
        directory = save(model, tmp_path / name).directory
        for kind, reader in ((xgb.Booster, "load_model"), (lightgbm.Booster, "__init__")):
            monkeypatch.setattr(kind, reader, lambda *_, **__: pytest.fail("it was read"))
        (directory / name).write_bytes((directory / name).read_bytes()[:-200])
        for trust in (True, False):
            with pytest.raises(AutotrackException, match=rf"{name} is damaged: .*fetch the model again"):
                load(directory, trust=trust)
        monkeypatch.undo()


def test_what_was_logged_is_not_looked_through_once_more(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its digest says that it is whole."""
    info = autotrack.xgboost.log_model(boosted(), "model")
    monkeypatch.setattr(ubjson, "damage", lambda _file: pytest.fail("it was looked through"))
    assert json.loads(load(info.model_uri).save_config())
    with pytest.raises(pytest.fail.Exception):
        load(info.model_uri, trust=True)
