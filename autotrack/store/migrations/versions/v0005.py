"""Whether a run has changed since it was read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add a column; on PostgreSQL a row that is written again has room beside itself."""
    op.add_column("intake", sa.Column("revision", sa.BigInteger(), nullable=False, server_default="0"))
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE intake SET (fillfactor = 50)")
