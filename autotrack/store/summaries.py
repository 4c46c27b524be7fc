"""What each metric of a run did over its whole life."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select

from autotrack.entities import Metric
from autotrack.journal.summary import Summary
from autotrack.store import tables
from autotrack.store.rows import last_point, metric
from autotrack.store.write import stored_summary


class Told(NamedTuple):
    """The last point of a metric, and the summary of all its points."""

    last: Metric
    summary: Summary


def summaries(connection: Connection, run: int) -> list[Told]:
    """Those of a run, by its row number."""
    own = tables.metrics.c
    facts = select(tables.metrics).where(own.run == run).order_by(own.key)
    return [Told(metric(tuple(last_point(row))), stored_summary(row)) for row in connection.execute(facts)]
