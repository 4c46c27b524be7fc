"""The tables of the store.

``records`` is what any database holds. ``cursors`` exists only where the database is a cache of journals: how far each
file has been read, and what has to be remembered between two readings. Times are ms since the epoch; NaN is a NULL
value in a row that exists, because not every database can hold a NaN.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    TEXT,
    BigInteger,
    Boolean,
    Column,
    Computed,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    TypeDecorator,
)
from sqlalchemy import Text as AnyText

FORMAT = 7
"""Raised with every change of a table: a cache of another format is built anew."""


class Text(TypeDecorator[str]):
    """Any Python text, in the order of its code points: what a database refuses (a lone surrogate, a NUL) is kept as
    its escape sequence."""

    impl = AnyText
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> Any:
        """PostgreSQL goes by its locale unless it is told otherwise."""
        return TEXT(collation="C") if dialect.name == "postgresql" else super().load_dialect_impl(dialect)

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Make a text storable; stored and asked-for texts change alike."""
        return value if value is None else storable(value)


def storable(text: str) -> str:
    """A text as the store keeps it."""
    if text.isascii():
        return text.replace("\0", "\\x00") if "\0" in text else text
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


records = MetaData()
cursors = MetaData()
_Id = BigInteger().with_variant(Integer, "sqlite")


def _child(name: str, *columns: Column[Any] | Index) -> Table:
    # Clustered by the primary key, so that all rows of one run lie together.
    return Table(name, records, *columns, sqlite_with_rowid=False)


def _owner() -> Column[Any]:
    return Column("run", _Id, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)


def _model() -> Column[Any]:
    return Column("model_id", Text, ForeignKey("models.model_id", ondelete="CASCADE"), primary_key=True)


def _registered() -> Column[Any]:
    return Column("model", BigInteger, ForeignKey("registered_models.id", ondelete="CASCADE"), primary_key=True)


def _last_point() -> list[Column[Any]]:
    return [
        Column("value", Double),
        Column("exact", Text),
        Column("timestamp", BigInteger, nullable=False),
        Column("raw_step", BigInteger, nullable=False),
        Column("flags", SmallInteger, nullable=False),
    ]


def _summary() -> list[Column[Any]]:
    """What a metric did over its whole life; NaN counts among the points alone, steps are rounded to float64."""
    return [
        Column("points", BigInteger, nullable=False),
        Column("count", BigInteger, nullable=False),
        Column("total", Double),
        *(Column(f"{name}{part}", Double) for name in ("first", "minimum", "maximum") for part in ("", "_step")),
    ]


def _pair() -> list[Column[Any]]:
    return [Column("key", Text, primary_key=True), Column("value", Text, nullable=False)]


def _param() -> list[Column[Any]]:
    # The number that the value spells, if it spells one: 0.1, 1e-1 and .1 are equal and less than 10.
    return [*_pair(), Column("number", Double)]


INDEXED = 100
"""Characters of a text that an index holds: of a long one the whole would not fit."""


def _beginning() -> list[Column[Any]]:
    return [Column("beginning", Text, Computed(f"substr(value, 1, {INDEXED})"))]


experiments = Table(
    "experiments",
    records,
    Column("experiment_id", Text, primary_key=True),
    Column("name", Text, nullable=False, index=True),
    Column("artifact_location", Text, nullable=False),
    Column("lifecycle_stage", Text, nullable=False),
    Column("creation_time", BigInteger, nullable=False),
    Column("last_update_time", BigInteger, nullable=False),
    # False for one that is known only because a run names it.
    Column("declared", Boolean, nullable=False),
)
experiment_tags = _child(
    "experiment_tags",
    Column("experiment_id", Text, ForeignKey("experiments.experiment_id", ondelete="CASCADE"), primary_key=True),
    *_pair(),
)

runs = Table(
    "runs",
    records,
    Column("id", _Id, primary_key=True),
    Column("run_id", Text, nullable=False, unique=True),
    Column("experiment_id", Text, nullable=False),
    Column("run_name", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("start_time", BigInteger, nullable=False),
    Column("end_time", BigInteger),
    Column("lifecycle_stage", Text, nullable=False),
    Column("error", Text),
    Index("runs_by_experiment", "experiment_id", "start_time", "run_id"),
    Index("runs_by_start", "start_time", "run_id"),
)
metrics = _child(
    "metrics",
    _owner(),
    Column("key", Text, primary_key=True),
    *_last_point(),
    *_summary(),
    Column("model_id", Text),
    Column("dataset_name", Text),
    Column("dataset_digest", Text),
    *(Index(f"metrics_by_{name}", "key", name, "run") for name in ("value", "minimum", "maximum")),
)
params = _child("params", _owner(), *_param(), *_beginning(), Index("params_by_number", "key", "number", "run"))
tags = _child("tags", _owner(), *_pair(), *_beginning())
for _table in (params, tags):
    Index(f"{_table.name}_by_value", _table.c.key, _table.c.beginning, _table.c.run)
inputs = _child(
    "inputs",
    _owner(),
    Column("name", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("context", Text, primary_key=True),
    Column("source_type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("schema", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("tags", Text, nullable=False),
)

models = Table(
    "models",
    records,
    Column("model_id", Text, primary_key=True),
    Column("run", _Id, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    # Below the run's artifacts; empty for one that has a place of its own beside them.
    Column("path", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("status_message", Text),
    Column("lifecycle_stage", Text, nullable=False),
    Column("model_type", Text),
    Column("creation_timestamp", BigInteger, nullable=False, index=True),
    Column("last_updated_timestamp", BigInteger, nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("flavors", Text, nullable=False),
    Column("signature", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
)
model_params = _child("model_params", _model(), *_param())
model_tags = _child("model_tags", _model(), *_pair())
model_metrics = _child(
    "model_metrics",
    # No foreign key: a point may name a model that is announced later, or logged by another run.
    Column("model_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("dataset_name", Text, primary_key=True),
    Column("dataset_digest", Text, primary_key=True),
    Column("run", _Id, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, index=True),
    *_last_point(),
)

model_links = _child(
    "model_links",
    _owner(),
    # "input" or "output". No foreign key to the model: it may be one of another store.
    Column("role", Text, primary_key=True),
    Column("model_id", Text, primary_key=True),
    Column("step", BigInteger, nullable=False),
)

registered_models = Table(
    "registered_models",
    records,
    # The number of the log's entry that created it: what is renamed stays the same, what is created anew does not.
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    Column("description", Text),
    Column("creation_timestamp", BigInteger, nullable=False),
    Column("last_updated_timestamp", BigInteger, nullable=False),
    # The highest that was ever given: a number is not given twice.
    Column("last_version", BigInteger, nullable=False),
)
registered_model_tags = _child("registered_model_tags", _registered(), *_pair())
registered_model_aliases = _child(
    "registered_model_aliases",
    _registered(),
    Column("alias", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
)
model_versions = _child(
    "model_versions",
    _registered(),
    Column("version", BigInteger, primary_key=True),
    # As of registered models: what tags belong to, and searches find.
    Column("id", BigInteger, nullable=False, unique=True),
    Column("creation_timestamp", BigInteger, nullable=False),
    Column("last_updated_timestamp", BigInteger, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("description", Text),
    Column("source", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("run_id", Text),
    Column("model_id", Text),
    Column("digest", Text, nullable=False),
    Column("signature", Text, nullable=False),
    Column("run_link", Text),
    Index("versions_by_run", "run_id"),
    Index("versions_by_model", "model_id"),
)
model_version_tags = _child(
    "model_version_tags",
    Column("version_id", BigInteger, ForeignKey("model_versions.id", ondelete="CASCADE"), primary_key=True),
    *_pair(),
)
registry_log = _child(
    "registry_log",
    Column("number", BigInteger, primary_key=True),
    Column("time", BigInteger, nullable=False),
    # Of the registered model; no foreign key, as history outlives what it is about.
    Column("model", BigInteger, nullable=False, index=True),
    Column("name", Text, nullable=False, index=True),
    Column("version", BigInteger),
    Column("kind", Text, nullable=False),
    Column("hash", Text, nullable=False),
    # The whole entry, as its file has it.
    Column("body", AnyText, nullable=False),
)

meta = Table("meta", cursors, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))
sources = Table(
    "sources",
    cursors,
    # A run's id, or the name of a directory of the store.
    Column("scope", Text, primary_key=True),
    Column("file", Text, primary_key=True),
    Column("offset", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
lists = Table(
    "lists",
    cursors,
    # The directory's name.
    Column("scope", Text, primary_key=True),
    Column("file", Text, primary_key=True),
    Column("inode", BigInteger, nullable=False),
    # Up to where it was read, and its size then: the end of a last line may be missing.
    Column("offset", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    # Whose it is; empty where it does not say so, or does not grow any more.
    Column("process", Text, nullable=False),
    Column("growing", Boolean, nullable=False),
    Index("lists_in_use", "scope", "growing"),
    sqlite_with_rowid=False,
)
progress = Table(
    "progress",
    cursors,
    # The order of the last event applied: an earlier one that turns up later means to start again.
    Column("scope", Text, primary_key=True),
    Column("time", BigInteger, nullable=False),
    Column("writer", Text, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("ended", Boolean, nullable=False),
    sqlite_with_rowid=False,
)
series = Table(
    "series",
    cursors,
    Column("run_id", Text, primary_key=True),
    Column("writer", Text, primary_key=True),
    Column("key_id", BigInteger, primary_key=True),
    Column("key", Text, nullable=False),
    Column("model_id", Text),
    Column("dataset_name", Text),
    Column("dataset_digest", Text),
    sqlite_with_rowid=False,
)
writers = Table(
    "writers",
    cursors,
    Column("run_id", Text, primary_key=True),
    Column("writer", Text, primary_key=True),
    Column("process", Text, nullable=False),
    sqlite_with_rowid=False,
)
watched = Table(
    "watched",
    cursors,
    Column("run_id", Text, primary_key=True),
    Column("since", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
stretches = Table(
    "stretches",
    cursors,
    # So many records of a file, by their number from its beginning, and those of one key among them summed up; of the
    # key 0 nothing, but that the stretch has been looked at.
    Column("run_id", Text, primary_key=True),
    Column("writer", Text, primary_key=True),
    Column("key_id", BigInteger, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    *(Column(f"{edge}_{axis}", Double) for axis in ("step", "time") for edge in ("low", "high")),
    *(Column(f"{axis}_cells", LargeBinary) for axis in ("step", "time")),
    sqlite_with_rowid=False,
)
faults = Table(
    "faults",
    cursors,
    Column("scope", Text, primary_key=True),
    Column("file", Text, primary_key=True),
    Column("offset", BigInteger, primary_key=True),
    Column("reason", Text, nullable=False),
    sqlite_with_rowid=False,
)
