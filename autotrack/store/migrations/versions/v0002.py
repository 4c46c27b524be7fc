"""Where the files of removed runs lie until they are removed, too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "disposals",
        sa.Column("uri", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("uri"),
        sqlite_with_rowid=False,
    )
