"""What the verbs of a client stand on."""

from __future__ import annotations

import time

from autotrack.entities import Experiment, Run
from autotrack.event import Event
from autotrack.exceptions import AutotrackException
from autotrack.store import Questions

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

    def _active(self, run_id: str) -> Run:
        run = self.get_run(run_id)
        if run.info.lifecycle_stage != "active":
            raise AutotrackException.invalid(
                f"run {run_id} is deleted and takes no changes; restore_run({run_id!r}) brings it back"
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
        self._seen_active.clear()
        after = self.store.last_event_time(run_id)
        for event in events:
            self.store.editor.event(run_id, event, after=after)
