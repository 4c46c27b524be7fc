"""Which steps a piece of a run's tail reaches from and to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add columns, which pieces from before go without."""
    op.add_column("tail", sa.Column("low_step", sa.Double(), nullable=True))
    op.add_column("tail", sa.Column("high_step", sa.Double(), nullable=True))
