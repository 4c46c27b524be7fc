"""What the verbs of a client stand on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from autotrack.entities import Experiment, LoggedModel, PagedList, Run
from autotrack.event import Event
from autotrack.exceptions import AutotrackException
from autotrack.journal.writer import Point
from autotrack.store import Questions
from autotrack.store.changes import Exact

_TRUSTED_SECONDS = 1.0
"""How long a run that was found active is written to without another look."""


class Base:
    """A store, and the ways to change a run of it."""

    _seen_active: dict[str, float]

    @property
    def store(self) -> Questions:
        """The store behind this client."""
        raise NotImplementedError

    def get_run(self, run_id: str) -> Run:
        """A run, deleted or not."""
        raise NotImplementedError

    def get_experiment(self, experiment_id: str) -> Experiment:
        """An experiment, deleted or not."""
        raise NotImplementedError

    def get_logged_model(self, model_id: str) -> LoggedModel:
        """A model that a run logged."""
        raise NotImplementedError

    def search_runs(self, *given: Any, **named: Any) -> PagedList[Run]:
        """One page of the runs that match."""
        raise NotImplementedError

    def search_experiments(self, *given: Any, **named: Any) -> PagedList[Experiment]:
        """One page of the experiments that match."""
        raise NotImplementedError

    def _active(self, run_id: str) -> Run:
        run = self.get_run(run_id)
        if run.info.lifecycle_stage != "active":
            raise AutotrackException.invalid(
                f"The run {run_id} must be in the 'active' state. Current state is deleted; "
                f"restore_run({run_id!r}) brings it back"
            )
        return run

    def _check_active(self, run_id: str) -> None:
        """The same at less cost for verbs that are called in a row."""
        now = time.monotonic()
        if now - self._seen_active.get(run_id, -_TRUSTED_SECONDS) >= _TRUSTED_SECONDS:
            self._active(run_id)
            self._seen_active.clear()
            self._seen_active[run_id] = now

    def _change(self, run_id: str, *events: Event) -> None:
        """Record changes of a run that follow all that is known of it."""
        if events:
            self._batch(run_id, events)

    def _batch(
        self, run_id: str, events: Sequence[Event], points: Sequence[Point] = (), exact: Sequence[Exact] = ()
    ) -> None:
        """The same with metric points."""
        self._seen_active.clear()
        first = max(time.time_ns() // 1_000_000, self.store.last_event_time(run_id) + 1) if events else 0
        stamped = [(first + number, event) for number, event in enumerate(events)]
        self.store.editor.batch(run_id, stamped, points, exact)
