"""What all runs that go to one server share: the connection, whom it leads to, and the server's own ids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autotrack.exceptions import AutotrackException
from autotrack.sinks.uploads.outbox import Outbox
from autotrack.wire.connection import Connection, Refused, Unavailable

INFO = "/api/3.0/mlflow/server-info"
RUN_TAG = "autotrack.run_id"
"""The tag by which a run is found on a server that chose its id."""


class Waits(AutotrackException):
    """One run cannot go on at the moment; others can."""

    def __init__(self, message: str, *, soon: bool = False) -> None:
        super().__init__(message, "INVALID_STATE")
        self.soon = soon
        """Whether it passes by itself in a moment."""


class Link:
    """For one thread."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.connection = Connection(outbox.server)
        self.parent: Callable[[str], str] = lambda run_id: run_id
        """From a run's id here to the one that it has there."""
        self._info: dict[str, Any] | None = None
        self._experiments: dict[str, str] = {}

    @property
    def info(self) -> dict[str, Any]:
        """What the server says of itself; asked once."""
        if self._info is None:
            self._info = about(self.connection)
        return self._info

    @property
    def native(self) -> bool:
        """Whether it is a server of autotrack's, which takes a journal's own facts and the ids of its runs."""
        return "autotrack" in self.info

    @property
    def in_parts(self) -> bool:
        """Whether large files may be sent in parts."""
        return self.native or bool(self.info.get("multipart_uploads_enabled"))

    def experiment(self, name: str) -> str:
        """The id that the server has for an experiment; made there if it is new."""
        if name not in self._experiments:
            self._experiments[name] = resolved(self.connection, name)
        return self._experiments[name]

    def forget(self) -> None:
        """Ask for the ids of experiments again: the server may have got others."""
        self._experiments.clear()


def about(connection: Connection) -> dict[str, Any]:
    """What a server says of itself; nothing for one that is too old to."""
    try:
        found = connection.call("GET", INFO)
    except Refused as error:
        if error.status not in (404, 405, 501):
            raise
        found = {}
    connection.compress = "gzip" in (found.get("request_encodings") or ())
    return found


def resolved(connection: Connection, name: str) -> str:
    """The id of the experiment of a name; made if it is new, also if another program makes it at the same moment."""
    for _ in range(2):
        try:
            found = connection.call("GET", "experiments/get-by-name", {"experiment_name": name})["experiment"]
        except Refused as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
        else:
            if found.get("lifecycle_stage") == "deleted":
                raise Waits(
                    f"experiment {name!r} is deleted on {connection.address.uri} and takes no runs until it is restored"
                )
            return str(found["experiment_id"])
        try:
            return str(connection.call("POST", "experiments/create", {"name": name})["experiment_id"])
        except Refused as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
    raise Unavailable(f"{connection.address.uri} says of experiment {name!r} that it exists, and that it does not")
