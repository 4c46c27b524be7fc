"""What a training reads: LightGBM's data sets, before it releases the data they were made from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from autotrack import data
from autotrack.hooks import DatasetUsed, Run
from autotrack.models import ModelSignature
from autotrack.models.rows import EXAMPLE, head
from autotrack.models.signature import Schema, schema


class Inputs:
    """The training and the evaluation sets of one call of ``train`` or ``cv``."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self._train = arguments["train_set"]
        # The training set, if it is evaluated too, is recorded once.
        self._waiting = [_Input("dataset", "train", self._train)]
        self._waiting += [_Input(name, "eval", valid) for name, valid in _valid(arguments) if valid is not self._train]
        self._columns: Schema | None = None
        self.rows: Any = None
        """The first rows of the training data, if they were in memory."""

    def record(self, run: Run) -> None:
        """Record the sets that can be told about now; one that is still a file is known once LightGBM has read it."""
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            used = one.used()
            if used is None:
                self._waiting.append(one)
            else:
                run.dataset(used)

    def keep_form(self) -> None:
        """Take down what the training data look like, as they are gone when the training is over."""
        raw = _in_memory(self._train)
        if raw is not None:
            self._columns, self.rows = columns(raw), first_rows(raw)

    def signature(self, booster: Any) -> ModelSignature:
        """What the booster takes and gives."""
        return ModelSignature(of_booster(booster) if self.rows is None else self._columns, answer(booster))


def sets_of_train(arguments: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The data sets of a call of ``train`` by their names."""
    return {"dataset": [arguments["train_set"]], **{name: [valid] for name, valid in _valid(arguments)}}


def sets_of(fit: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The data sets of an estimator's ``fit``, by the names that LightGBM gives them."""
    names, pairs, features = fit.get("eval_names") or (), fit.get("eval_set"), fit.get("eval_X")
    sets = [pairs] if isinstance(pairs, tuple) else pairs if isinstance(pairs, list) else []
    found = [[one[0], one] for one in sets if isinstance(one, (list, tuple)) and one]
    found += [[one] for one in (features if isinstance(features, tuple) else [] if features is None else [features])]
    return {"dataset": [fit["X"]], **{_name(names, at): one for at, one in enumerate(found)}}


def _valid(arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    sets = arguments.get("valid_sets") or []
    names = arguments.get("valid_names") or []
    names = [names] if isinstance(names, str) else list(names)
    for at, valid in enumerate(sets if isinstance(sets, (list, tuple)) else [sets]):
        yield _name(names, at), valid


def _name(names: Sequence[str], at: int) -> str:
    return names[at] if at < len(names) else f"valid_{at}"


class _Input:
    def __init__(self, name: str, context: str, dataset: Any) -> None:
        self._name = name
        self._context = context
        self._dataset = dataset
        # LightGBM forgets it when it has read the file.
        self._file = dataset.data if isinstance(dataset.data, (str, Path)) else None

    def used(self) -> DatasetUsed | None:
        raw = _in_memory(self._dataset)
        if raw is not None:
            return data.Dataset(raw, targets=self._dataset.label, name=self._name).used(self._context)
        try:
            rows, names = self._dataset.num_data(), self._dataset.get_feature_name()
        except Exception:  # noqa: BLE001 - LightGBM's way to say that it has not read the data yet
            return None
        label = self._dataset.get_label()
        whole = data.Dataset([], source=self._file, name=self._name, digest=data.content([rows, *names], label))
        return DatasetUsed(
            name=self._name,
            digest=whole.digest,
            source_type=whole.source_type,
            source=whole.source,
            schema=json.dumps({"mlflow_colspec": _by_name(names)}),
            profile=json.dumps({"num_rows": rows, "num_elements": rows * len(names)}),
            context=self._context,
        )


def columns(raw: Any) -> Schema | None:
    """The columns or tensor that a model takes. ``None`` if one is categorical: a signature has no word for it, and
    LightGBM refuses the strings that whoever keeps to the signature would make of it."""
    dtypes = getattr(raw, "dtypes", None)
    if any(str(dtype).lower().startswith("categor") for dtype in (() if dtypes is None else dtypes)):
        return None
    return schema(raw)


def of_booster(booster: Any) -> Schema:
    """The columns that a booster takes, where only it still knows them."""
    return _by_name(booster.feature_name())


def answer(model: Any) -> Schema:
    """What a booster or an estimator gives; nothing is predicted to find out."""
    booster = getattr(model, "booster_", model)
    if hasattr(model, "classes_") and isinstance(model.objective_, str):
        return schema(model.classes_)
    count = booster.num_model_per_iteration()
    return [{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1] if count == 1 else [-1, count]}}]


def first_rows(raw: Any) -> Any:
    """A few rows to ask a model about."""
    return raw.slice(0, EXAMPLE) if hasattr(raw, "slice") else head(raw)  # Arrow's and polars' tables know how


def _in_memory(dataset: Any) -> Any:
    return dataset.data if hasattr(dataset.data, "shape") else None


def _by_name(names: list[str]) -> Schema:
    given = any(name != f"Column_{at}" for at, name in enumerate(names))
    return [{"type": "double", **({"name": name} if given else {}), "required": True} for name in names]
