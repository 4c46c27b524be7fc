"""Curves summed up for any zoom; where the files of removed runs lie until they are removed, too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add columns, which chunks from before go without, and a table."""
    op.add_column("chunks", sa.Column("step_cells", sa.LargeBinary(), nullable=True))
    op.add_column("chunks", sa.Column("time_cells", sa.LargeBinary(), nullable=True))
    op.create_table(
        "disposals",
        sa.Column("uri", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("uri"),
        sqlite_with_rowid=False,
    )
