"""MLflow's directory ``mlruns``: small files of one value each, and YAML, which is read as data alone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import yaml

from autotrack.entities import (
    Dataset,
    DatasetInput,
    Experiment,
    InputTag,
    LoggedModel,
    LoggedModelInput,
    LoggedModelOutput,
    LoggedModelStatus,
    Metric,
    ModelVersion,
    RegisteredModel,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
    RunStatus,
)
from autotrack.exceptions import AutotrackException
from autotrack.exchange.mlflow.artifacts import Artifacts
from autotrack.exchange.mlflow.points import with_models
from autotrack.exchange.mlflow.versions import kept
from autotrack.exchange.record import File, Record
from autotrack.store.registry.changes import Entry

META = "meta.yaml"
_MOST_YAML = 16 << 20
"""Bytes of a file of YAML."""
_TRASH = ".trash"


@dataclass
class Mlruns:
    """Reads such a directory."""

    directory: Path
    artifacts: Artifacts
    deleted: bool = False
    _runs: dict[str, Path] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """What could not be reached."""
        return self.artifacts.notes

    def experiments(self) -> Iterator[Experiment]:
        """See :class:`~autotrack.exchange.record.Source`."""
        for place in self._experiments:
            meta = _meta(place)
            yield Experiment(
                str(meta["experiment_id"]), str(meta["name"]), "", str(meta.get("lifecycle_stage") or "active"),
                _texts(place / "tags"), meta.get("creation_time"), meta.get("last_update_time"),
            )  # fmt: skip

    def runs(self) -> list[str]:
        """See :class:`~autotrack.exchange.record.Source`."""
        for experiment in self._experiments:
            for place in _folders(experiment):
                if place.name in ("datasets", "models", "tags", "traces") or not (place / META).is_file():
                    continue
                if self.deleted or _meta(place).get("lifecycle_stage") != "deleted":
                    self._runs[place.name] = place
        return sorted(self._runs)

    def run(self, run_id: str) -> Record:
        """See :class:`~autotrack.exchange.record.Source`."""
        place = self._runs[run_id]
        meta, experiment = _meta(place), place.parent
        status = meta.get("status")
        info = RunInfo(
            run_id, str(meta["experiment_id"]), str(meta.get("user_id") or ""),
            RunStatus(int(status)).name if isinstance(status, int) else str(status or "RUNNING"),
            int(meta.get("start_time") or 0), meta.get("end_time"), str(meta.get("lifecycle_stage") or "active"),
            str(meta.get("artifact_uri") or ""), meta.get("run_name") or meta.get("name") or None,
        )  # fmt: skip
        datasets, used = self._inputs(place)
        outputs = [LoggedModelOutput(one.name, int(_meta(one).get("step") or 0)) for one in _folders(place / "outputs")]
        data = RunData({}, _texts(place / "params"), _texts(place / "tags"))
        run = Run(info, data, RunInputs(datasets, used), RunOutputs(outputs))
        models = [one for one in _folders(experiment / "models") if (one / META).is_file()]
        own = [one for one in models if _meta(one).get("source_run_id") == run_id]
        return Record(
            run, str(_meta(experiment)["name"]), [self._model(one) for one in own],
            partial(self._curves, place, models), partial(self._files, place, info.artifact_uri or "", own),
        )  # fmt: skip

    def histories(self) -> Iterator[list[Entry]]:
        """See :class:`~autotrack.exchange.record.Source`."""
        for place in _folders(self.directory / "models"):
            if not (place / META).is_file():
                continue
            meta = _meta(place)
            aliases = {key: value.strip() for key, value in _texts(place / "aliases").items()}
            model = RegisteredModel(
                str(meta["name"]), meta.get("creation_timestamp"), meta.get("last_updated_timestamp"),
                meta.get("description"), (), _texts(place / "tags"), aliases,
            )  # fmt: skip
            yield kept(model, (_version(one) for one in _folders(place) if one.name.startswith("version-")))

    @cached_property
    def _experiments(self) -> list[Path]:
        found = [self.directory, *([self.directory / _TRASH] if self.deleted else [])]
        places = [one for top in found for one in _folders(top) if one.name != "models" and (one / META).is_file()]
        return sorted(places, key=lambda one: one.name)

    def _inputs(self, place: Path) -> tuple[list[DatasetInput], list[LoggedModelInput]]:
        datasets: list[DatasetInput] = []
        models: list[LoggedModelInput] = []
        for one in _folders(place / "inputs"):
            meta = _meta(one)
            if meta.get("source_type") == "DATASET":
                data = _meta(place.parent / "datasets" / _name(meta["source_id"]))
                names = ("name", "digest", "source_type", "source", "schema", "profile")
                tags = [InputTag(str(key), str(value)) for key, value in (meta.get("tags") or {}).items()]
                datasets.append(DatasetInput(Dataset(*(str(data.get(name) or "") for name in names)), tags))
            else:
                models.append(LoggedModelInput(str(meta["source_id"])))
        return datasets, models

    def _model(self, place: Path) -> LoggedModel:
        meta = _meta(place)
        states = [
            LoggedModelStatus.PENDING,
            LoggedModelStatus.PENDING,
            LoggedModelStatus.READY,
            LoggedModelStatus.FAILED,
        ]
        files = next(iter(self._files_of_model(place)), None)
        return LoggedModel(
            str(meta["experiment_id"]), str(meta["model_id"]), str(meta.get("name") or ""),
            f"models/{place.name}" if files else "", int(meta.get("creation_timestamp") or 0),
            int(meta.get("last_updated_timestamp") or 0), meta.get("model_type") or None, meta.get("source_run_id"),
            states[min(int(meta.get("status") or 0), 3)], meta.get("status_message"), _texts(place / "tags"),
            _texts(place / "params"),
        )  # fmt: skip

    def _curves(self, place: Path, models: list[Path]) -> Iterator[list[Metric]]:
        own = {key: [*_points(file, key, "")] for key, file in _files(place / "metrics")}
        of_models: dict[str, list[Metric]] = {}
        for model in models:
            for key, file in _files(model / "metrics"):
                for one in _points(file, key, model.name):
                    if one.run_id == place.name:
                        of_models.setdefault(key, []).append(one)
        for key in sorted({*own, *of_models}):
            yield with_models(own.get(key, ()), of_models.get(key, ()))

    def _files(self, place: Path, uri: str, models: list[Path]) -> Iterator[File]:
        inside = place / "artifacts"
        yield from self.artifacts.files(inside.as_uri() if inside.is_dir() else uri)
        for one in models:
            yield from self._files_of_model(one)

    def _files_of_model(self, place: Path) -> Iterator[File]:
        inside = place / "artifacts"
        uri = inside.as_uri() if inside.is_dir() else str(_meta(place).get("artifact_location") or "")
        return self.artifacts.files(uri, f"models/{place.name}/")


def _version(place: Path) -> ModelVersion:
    meta = _meta(place)
    return ModelVersion(
        str(meta["name"]), str(int(meta["version"])), int(meta.get("creation_timestamp") or 0),
        meta.get("last_updated_timestamp"), meta.get("description"), meta.get("user_id"),
        str(meta.get("current_stage") or "None"), meta.get("source"), meta.get("run_id") or None,
        tags=_texts(place / "tags"), run_link=meta.get("run_link") or None, model_id=meta.get("model_id") or None,
    )  # fmt: skip


def _points(file: Path, key: str, model_id: str) -> Iterator[Metric]:
    """The lines of a metric's file: time, value, step, for a model the run, and what data it was computed on."""
    first = 4 if model_id else 3
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            parts = line.split()
            if not parts:
                continue
            try:
                when, value = int(parts[0]), float(parts[1])
                step = int(parts[2]) if len(parts) > 2 else 0
                run_id = parts[3] if model_id else None
            except (ValueError, IndexError):
                raise AutotrackException.invalid(
                    f"{file}, line {number}: {line[:80]!r} is no point of a metric"
                ) from None
            data = (" ".join(parts[first:-1]), parts[-1]) if len(parts) > first + 1 else (None, None)
            yield Metric(key, value, when, step, model_id or None, data[0], data[1], run_id)


def _meta(place: Path) -> Mapping[str, Any]:
    file = place / META
    try:
        if file.stat().st_size > _MOST_YAML:
            raise AutotrackException.invalid(f"{file} is longer than {_MOST_YAML} bytes")
        found = yaml.load(file.read_bytes(), Loader=_LOADER)  # noqa: S506 - the loader of plain values, in C if there
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise AutotrackException.invalid(f"{file} is no YAML of plain values: {str(error)[:200]}") from None
    if not isinstance(found, dict):
        raise AutotrackException.invalid(f"{file} holds no facts")
    return found


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _texts(place: Path) -> dict[str, str]:
    return {key: file.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n") for key, file in _files(place)}


def _files(place: Path) -> list[tuple[str, Path]]:
    """The files below a directory by their paths there, which are keys."""
    found = []
    for folder, folders, names in os.walk(place):
        folders.sort()
        found += [(Path(folder, name).relative_to(place).as_posix(), Path(folder, name)) for name in sorted(names)]
    return [(key, file) for key, file in found if file.is_file() and not file.is_symlink()]


def _folders(place: Path) -> list[Path]:
    if not place.is_dir():
        return []
    return sorted(one for one in place.iterdir() if one.is_dir() and not one.is_symlink() and one.name != _TRASH)


def _name(text: object) -> str:
    name = str(text)
    if not name or "/" in name or "\\" in name or name in (".", ".."):
        raise AutotrackException.invalid(f"{name!r} is no id")
    return name
