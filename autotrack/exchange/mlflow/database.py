"""The tables of MLflow's server, of any version since 1.0: what a version has not got yet is left out.

They are read in one transaction and never written. MLflow itself is not needed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self
from urllib.parse import quote

from sqlalchemy import Column, MetaData, Table, create_engine, inspect, literal_column, select
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import SQLAlchemyError

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
)
from autotrack.exceptions import AutotrackException
from autotrack.exchange.mlflow.artifacts import Artifacts
from autotrack.exchange.mlflow.points import with_models
from autotrack.exchange.mlflow.versions import kept
from autotrack.exchange.record import File, Record
from autotrack.store.registry.changes import Entry

_NAN = float("nan")
_PAGE = 10_000
_STATES = (LoggedModelStatus.PENDING, LoggedModelStatus.PENDING, LoggedModelStatus.READY, LoggedModelStatus.FAILED)


@dataclass
class Tables:
    """Reads such a database; for use in a ``with`` block."""

    url: str
    artifacts: Artifacts
    deleted: bool = False
    _columns: dict[str, set[str]] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """What could not be reached."""
        return self.artifacts.notes

    def __enter__(self) -> Self:
        url = make_url(self.url)
        if url.drivername in ("postgresql", "postgres"):
            url = url.set(drivername="postgresql+psycopg")
        given: dict[str, Any] = {}
        if url.get_backend_name() == "sqlite":
            place = f"file:{quote(str(url.database))}?mode=ro"
            given["creator"] = lambda: sqlite3.connect(place, uri=True)
        try:
            self._engine = create_engine(url, **given)
            self._connection: Connection = self._engine.connect()
            if url.get_backend_name() == "postgresql":
                self._connection = self._connection.execution_options(isolation_level="REPEATABLE READ")
                self._connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            found = inspect(self._connection)
            names = found.get_table_names()
            self._columns = {name: {str(one["name"]) for one in found.get_columns(name)} for name in names}
        except (SQLAlchemyError, ImportError) as error:
            raise AutotrackException(f"{url.render_as_string()} cannot be read: {str(error)[:300]}") from None
        if not {"experiments", "runs", "metrics", "params", "tags"} <= self._columns.keys():
            raise AutotrackException.invalid(f"{url.render_as_string()} holds no tables of MLflow's")
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._engine.dispose()

    def experiments(self) -> Iterator[Experiment]:
        """See :class:`~autotrack.exchange.record.Source`."""
        tags: dict[str, dict[str, str]] = {}
        for row in self._rows("experiment_tags", "experiment_id", "key", "value"):
            tags.setdefault(str(row.experiment_id), {})[row.key] = row.value or ""
        names = ("experiment_id", "name", "lifecycle_stage", "creation_time", "last_update_time")
        found = [
            Experiment(
                str(row.experiment_id), row.name, "", row.lifecycle_stage or "active",
                tags.get(str(row.experiment_id), {}), row.creation_time, row.last_update_time,
            )
            for row in self._rows("experiments", *names)
        ]  # fmt: skip
        yield from sorted(
            (one for one in found if self._wanted(one.lifecycle_stage)), key=lambda one: one.experiment_id
        )

    def runs(self) -> list[str]:
        """See :class:`~autotrack.exchange.record.Source`."""
        known = {one.experiment_id for one in self.experiments()}
        rows = self._rows("runs", "run_uuid", "experiment_id", "lifecycle_stage")
        return sorted(
            row.run_uuid
            for row in rows
            if str(row.experiment_id) in known and self._wanted(row.lifecycle_stage or "active")
        )

    def run(self, run_id: str) -> Record:
        """See :class:`~autotrack.exchange.record.Source`."""
        names = ("name", "user_id", "status", "start_time", "end_time", "lifecycle_stage", "artifact_uri",
                 "experiment_id")  # fmt: skip
        (row,) = self._rows("runs", *names, run_uuid=run_id)
        info = RunInfo(
            run_id, str(row.experiment_id), row.user_id or "", row.status or "RUNNING", row.start_time or 0,
            row.end_time, row.lifecycle_stage or "active", row.artifact_uri or "", row.name or None,
        )  # fmt: skip
        params, tags = (
            {one.key: one.value or "" for one in self._rows(table, "key", "value", run_uuid=run_id)}
            for table in ("params", "tags")
        )
        inputs, outputs = self._linked(run_id)
        (experiment,) = self._rows("experiments", "name", experiment_id=row.experiment_id)
        models = [self._model(one) for one in self._models(run_id)]
        return Record(
            Run(info, RunData({}, params, tags), inputs, outputs), experiment.name, [one for one, _ in models],
            partial(self._curves, run_id), partial(self._files, info.artifact_uri or "", models),
        )  # fmt: skip

    def histories(self) -> Iterator[list[Entry]]:
        """See :class:`~autotrack.exchange.record.Source`."""
        names = ("name", "creation_time", "last_updated_time", "description")
        for row in sorted(self._rows("registered_models", *names), key=lambda one: one.name):
            tags = {
                one.key: one.value or "" for one in self._rows("registered_model_tags", "key", "value", name=row.name)
            }
            aliases = self._rows("registered_model_aliases", "alias", "version", name=row.name)
            model = RegisteredModel(
                row.name, row.creation_time, row.last_updated_time, row.description, (), tags,
                {one.alias: str(one.version) for one in aliases},
            )  # fmt: skip
            yield kept(model, self._versions(row.name))

    def _versions(self, name: str) -> Iterator[ModelVersion]:
        tags: dict[int, dict[str, str]] = {}
        for row in self._rows("model_version_tags", "version", "key", "value", name=name):
            tags.setdefault(row.version, {})[row.key] = row.value or ""
        names = ("version", "creation_time", "last_updated_time", "description", "user_id", "current_stage", "source",
                 "run_id", "run_link")  # fmt: skip
        for row in self._rows("model_versions", *names, name=name):
            model_id = str(row.source or "").removeprefix("models:/")
            yield ModelVersion(
                name, str(row.version), row.creation_time or 0, row.last_updated_time, row.description, row.user_id,
                row.current_stage, row.source, row.run_id or None, tags=tags.get(row.version, {}),
                run_link=row.run_link or None, model_id=model_id if model_id.startswith("m-") else None,
            )  # fmt: skip

    def _wanted(self, stage: str | None) -> bool:
        return self.deleted or stage != "deleted"

    def _linked(self, run_id: str) -> tuple[RunInputs, RunOutputs]:
        """What a run read and made. Of an input, the run is the destination; of an output, it is the source."""
        names = ("input_uuid", "source_type", "source_id", "destination_type", "destination_id", "step")
        datasets: list[DatasetInput] = []
        models: list[LoggedModelInput] = []
        for row in self._rows("inputs", *names, destination_id=run_id):
            if row.source_type != "DATASET":
                continue
            tags = [InputTag(one.name, one.value) for one in self._rows("input_tags", "name", "value",
                                                                       input_uuid=row.input_uuid)]  # fmt: skip
            facts = ("name", "digest", "dataset_source_type", "dataset_source", "dataset_schema", "dataset_profile")
            datasets += [
                DatasetInput(Dataset(*(getattr(one, fact) or "" for fact in facts)), tags)
                for one in self._rows("datasets", *facts, dataset_uuid=row.source_id)
            ]
        outputs: list[LoggedModelOutput] = []
        for row in self._rows("inputs", *names, source_id=run_id):
            if row.destination_type == "MODEL_OUTPUT":
                outputs.append(LoggedModelOutput(row.destination_id, row.step or 0))
            elif row.destination_type == "MODEL_INPUT":
                models.append(LoggedModelInput(row.destination_id))
        return RunInputs(datasets, models), RunOutputs(outputs)

    def _models(self, run_id: str) -> list[Any]:
        names = ("model_id", "experiment_id", "name", "artifact_location", "creation_timestamp_ms",
                 "last_updated_timestamp_ms", "status", "lifecycle_stage", "model_type", "source_run_id",
                 "status_message")  # fmt: skip
        found = self._rows("logged_models", *names, source_run_id=run_id)
        return sorted((one for one in found if one.lifecycle_stage != "deleted"), key=lambda one: one.model_id)

    def _model(self, row: Any) -> tuple[LoggedModel, str]:
        tags = self._rows("logged_model_tags", "tag_key", "tag_value", model_id=row.model_id)
        params = self._rows("logged_model_params", "param_key", "param_value", model_id=row.model_id)
        location = row.artifact_location or ""
        files = next(iter(self.artifacts.files(location)), None)
        model = LoggedModel(
            str(row.experiment_id), row.model_id, row.name, f"models/{row.model_id}" if files else "",
            row.creation_timestamp_ms or 0, row.last_updated_timestamp_ms or 0, row.model_type or None,
            row.source_run_id, _STATES[min(row.status or 0, 3)], row.status_message,
            {one.tag_key: one.tag_value or "" for one in tags},
            {one.param_key: one.param_value or "" for one in params},
        )  # fmt: skip
        return model, location

    def _files(self, uri: str, models: Sequence[tuple[LoggedModel, str]]) -> Iterator[File]:
        yield from self.artifacts.files(uri)
        for model, location in models:
            if model.artifact_location:
                yield from self.artifacts.files(location, f"{model.artifact_location}/")

    def _curves(self, run_id: str) -> Iterator[list[Metric]]:
        names = ("model_id", "metric_name", "metric_timestamp_ms", "metric_step", "metric_value", "dataset_name",
                 "dataset_digest")  # fmt: skip
        of_models: dict[str, list[Metric]] = {}
        for row in self._rows("logged_model_metrics", *names, run_id=run_id):
            of_models.setdefault(row.metric_name, []).append(
                Metric(
                    row.metric_name, _number(row.metric_value), row.metric_timestamp_ms, row.metric_step, row.model_id,
                    row.dataset_name or None, row.dataset_digest or None,
                )
            )  # fmt: skip
        table = self._table("metrics", ("key", "run_uuid"))
        known = select(table.c.key).where(table.c.run_uuid == run_id).distinct()
        for key in sorted({*self._connection.scalars(known), *of_models}):
            rows = self._rows("metrics", "value", "timestamp", "step", "is_nan", run_uuid=run_id, key=key)
            points = [
                Metric(key, _NAN if row.is_nan else _number(row.value), row.timestamp or 0, row.step or 0)
                for row in rows
            ]
            yield with_models(points, of_models.get(key, ()))

    def _rows(self, name: str, /, *columns: str, **where: Any) -> Iterator[Any]:
        """Rows of a table; ``None`` stands for a column, and nothing for a table, that this version has not got."""
        there = self._columns.get(name, set())
        if not there or not there.issuperset(where):
            return
        table = self._table(name, (*columns, *where))
        picked = [table.c[one] if one in there else literal_column("NULL").label(one) for one in columns]
        query = select(*picked).where(*(table.c[key] == value for key, value in where.items()))
        yield from self._connection.execute(query).yield_per(_PAGE)

    def _table(self, name: str, columns: Sequence[str]) -> Table:
        there = self._columns[name]
        return Table(name, MetaData(), *(Column(one) for one in dict.fromkeys(columns) if one in there))


def _number(value: Any) -> float:
    return _NAN if value is None else float(value)
