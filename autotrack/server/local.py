"""A local store as a server shows it: its files are asked of the server, never of this machine."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import ColumnElement, literal

from autotrack.store import Store, tables
from autotrack.store.context import ARTIFACTS, LocalContext
from autotrack.store.registry import FileRegistry

SCHEME = "mlflow-artifacts:/"


class ServedContext(LocalContext):
    """That of a directory behind a server. Experiments have no say in where files lie."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.name = "this server's store"

    def experiment_uri(self, experiment_id: str, location: str) -> str:  # noqa: ARG002 - all files are asked of the server
        """See :class:`Context`."""
        return SCHEME + experiment_id

    def run_uri(self, run_id: str, experiment_id: str, location: str | None) -> str:  # noqa: ARG002 - as above
        """See :class:`Context`."""
        return f"{SCHEME}{experiment_id}/{run_id}{ARTIFACTS}"

    def run_uri_column(self) -> ColumnElement[str]:
        """See :class:`Context`."""
        run = tables.runs.c
        return literal(SCHEME) + run.experiment_id + literal("/") + run.run_id + literal(ARTIFACTS)

    def file_uri(self, location: str) -> str:
        """See :class:`Context`; the first part of a path is an experiment's, and which one does not matter here."""
        inside = location and ":" not in location.split("/", maxsplit=1)[0]
        return SCHEME + location if inside else location

    def location(self, uri: str) -> str:
        """See :class:`Context`."""
        return "runs/" + uri.removeprefix(SCHEME).partition("/")[2] if uri.startswith(SCHEME) else uri


class ServedStore(Store):
    """The store of a directory behind a server."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.context = ServedContext(directory)
        self.registry = FileRegistry(directory, self.context, self._ask_registry)
