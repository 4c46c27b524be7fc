"""The tables that only a database has which is itself the truth, beside those of any store."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
)

from autotrack.store.tables import Text, records

_Id = BigInteger().with_variant(Integer, "sqlite")
own = MetaData()
"""Their definitions. They refer to the tables of ``records``, which are created before."""


def _run() -> ForeignKey:
    return ForeignKey(records.tables["runs"].c.id, ondelete="CASCADE")


experiment_names = Table(
    "experiment_names",
    own,
    # A deleted experiment keeps its name.
    Column("name", Text, primary_key=True),
    Column("experiment_id", Text, nullable=False, unique=True),
    sqlite_with_rowid=False,
)
intake = Table(
    "intake",
    own,
    # One row a run: whoever writes to the run holds it, so that there is one writer at a time.
    Column("run", _Id, _run(), primary_key=True, autoincrement=False),
    Column("last_seen", BigInteger, nullable=False),
    # Whether its writer promises signs of life: only then silence means something.
    Column("leased", Boolean, nullable=False),
    # Another one after each change of the run, and for each row: the number of a row may be given again.
    Column("revision", BigInteger, nullable=False, server_default="0"),
)
positions = Table(
    "positions",
    own,
    Column("run", _Id, _run(), primary_key=True),
    Column("writer", Text, primary_key=True),
    # Up to where the writer's bytes have been taken in.
    Column("end", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
tail = Table(
    "tail",
    own,
    # Points as they came, one row a batch, until they are folded into chunks.
    Column("id", _Id, primary_key=True),
    Column("run", _Id, _run(), nullable=False, index=True),
    Column("points", Integer, nullable=False),
    # As float64; absent for what was written before these were.
    Column("low_step", Double),
    Column("high_step", Double),
    Column("data", LargeBinary, nullable=False),
)
chunks = Table(
    "chunks",
    own,
    # Points of one series, ordered and compressed. Steps as float64.
    Column("id", _Id, primary_key=True),
    Column("run", _Id, _run(), nullable=False),
    Column("key", Text, nullable=False),
    Column("model_id", Text, nullable=False),
    Column("dataset_name", Text, nullable=False),
    Column("dataset_digest", Text, nullable=False),
    # How often its points have been merged; the greatest number for one that takes no more.
    Column("level", SmallInteger, nullable=False),
    Column("points", Integer, nullable=False),
    Column("low_step", Double, nullable=False),
    Column("high_step", Double, nullable=False),
    Column("low_time", BigInteger, nullable=False),
    Column("high_time", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    # A few of its points that have its shape.
    Column("sketch", LargeBinary),
    # All of them summed up for each axis; absent for few points.
    Column("step_cells", LargeBinary),
    Column("time_cells", LargeBinary),
    Index("chunks_by_key", "run", "key"),
    Index("chunks_by_level", "run", "level"),
)
registry_head = Table(
    "registry_head",
    own,
    # One row, which whoever changes the registry holds.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    Column("time", BigInteger, nullable=False),
)
disposals = Table(
    "disposals",
    own,
    # Directories of runs that were removed: until its row is gone, there may be files left in it.
    Column("uri", Text, primary_key=True),
    sqlite_with_rowid=False,
)
