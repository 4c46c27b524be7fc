"""What the routes stand on: one store, its files, and who asks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from autotrack.client import Client
from autotrack.entities import Experiment, LoggedModel, Run
from autotrack.event import Event
from autotrack.exceptions import AutotrackException
from autotrack.server.documents import kept_documents
from autotrack.store import Questions
from autotrack.store.changes import param_conflict
from autotrack.store.made import Made
from autotrack.store.objects import Objects
from autotrack.store.registry.changes import Author
from autotrack.store.rows import Listed

T = TypeVar("T")

CALLER: ContextVar[Author | None] = ContextVar("caller", default=None)
"""Who asks: the name that he gave, which nobody has checked, and his address."""


class Verbs(Client):
    """The client's verbs, on behalf of whoever asks the server."""

    def _author(self) -> Author:
        """See :class:`~autotrack.client.registry.Registering`."""
        return CALLER.get() or Author("")

    def ready(self, run_id: str, params: Mapping[str, str]) -> None:
        """Raise if a run does not take what is to be recorded. A database decides that for itself."""
        if self.store.directory is None:
            return
        if not params:
            self._check_active(run_id)
            return
        known = self._active(run_id).data.params
        for key, value in params.items():
            if known.get(key, value) != value:
                raise param_conflict(run_id, key, known[key], value)


@dataclass(frozen=True)
class Service:
    """A store with its files. ``read_only`` is one of others, that is looked at."""

    store: Questions
    objects: Objects
    version: str
    read_only: bool = False
    direct: bool = False
    """Whether files may go to the object store past this server, by URLs that it signs."""
    documents: Made[msgspec.Raw] = field(default_factory=kept_documents)
    """Those of runs."""
    verbs: Verbs = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "verbs", Verbs.on(self.store))

    def run(self, run_id: str) -> Run:
        """A run, deleted or not."""
        return self._found(run_id, self.store.run)

    def listed_run(self, run_id: str) -> Listed:
        """The same, to make JSON of."""
        return self._found(run_id, self.store.listed_run)

    @staticmethod
    def _found(run_id: str, read: Callable[[str], T]) -> T:
        try:
            return read(run_id)
        except AutotrackException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            raise AutotrackException.missing(f"Run with id={run_id[:300]} not found") from None

    def active_run(self, run_id: str) -> Run:
        """A run that takes changes; an error for one that is deleted or unknown."""
        found = self.run(run_id)
        if found.info.lifecycle_stage != "active":
            raise AutotrackException.invalid(
                f"The run {run_id} must be in the 'active' state. Current state is {found.info.lifecycle_stage}."
            )
        return found

    def record(self, run_id: str, *changes: Event, time_ms: int | None = None) -> None:
        """Record changes of a run that follow all that is known of it; ``time_ms`` is when, if not now."""
        if time_ms is None:
            now = time.time_ns() // 1_000_000
            first = max(now, self.store.last_event_time(run_id) + 1)
            self.store.editor.batch(run_id, [(first + number, event) for number, event in enumerate(changes)])
        else:
            self.store.editor.batch(run_id, [(time_ms, event) for event in changes])

    def experiment(self, experiment_id: str) -> Experiment:
        """An experiment, deleted or not."""
        found = self.store.experiment(experiment_id)
        if found is None:
            raise AutotrackException.missing(f"No Experiment with id={experiment_id[:300]} exists")
        return found

    def model(self, model_id: str) -> LoggedModel:
        """A logged model that is not deleted."""
        found = self.store.model(model_id)
        if found.lifecycle_stage == "deleted":
            raise AutotrackException.missing(f"Logged model with ID '{model_id[:300]}' not found.")
        return found

    def server_info(self) -> dict[str, Any]:
        """What a client asks before it decides how to send files."""
        return {
            "store_type": "SqlStore",
            "workspaces_enabled": False,
            "trace_archival_enabled": False,
            "features_enabled": {"gateway": False},
            "multipart_downloads_enabled": self.direct,
            "multipart_uploads_enabled": self.direct,
            "presigned_upload_run_id_supported": False,
            "presigned_upload_model_id_supported": False,
            "request_encodings": ["gzip"],
            # What autotrack's uploader sends exactly once, journals cannot take: there this is one of MLflow's servers.
            **({"autotrack": self.version} if self.store.directory is None else {}),
        }
