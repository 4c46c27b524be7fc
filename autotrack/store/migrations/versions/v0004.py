"""Texts in the order of their code points whatever the locale, and indexes that answer without the rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add columns, and make indexes anew."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    for table in ("params", "tags"):
        op.drop_index(f"{table}_by_value", table)
    if postgresql:
        _collate()
    op.drop_index("params_by_number", "params")
    op.create_index("params_by_number", "params", ["key", "number", "run"])
    for table in ("params", "tags"):
        text = sa.Text(collation="C") if postgresql else sa.Text()
        op.add_column(table, sa.Column("beginning", text, sa.Computed("substr(value, 1, 100)", persisted=postgresql)))
        op.create_index(f"{table}_by_value", table, ["key", "beginning", "run"])
        if postgresql:
            op.execute(f"CREATE STATISTICS {table}_values (mcv) ON key, beginning FROM {table}")


def _collate() -> None:
    known = sa.inspect(op.get_bind())
    for table in known.get_table_names():
        texts = [one["name"] for one in known.get_columns(table) if isinstance(one["type"], sa.Text)]
        changes = ", ".join(f'ALTER COLUMN "{name}" TYPE text COLLATE "C"' for name in texts)
        if changes and table != "autotrack_version":
            op.execute(f'ALTER TABLE "{table}" {changes}')
