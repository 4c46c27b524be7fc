"""What an answer needs besides the rows: where files lie, and what the time makes of a run that has not ended."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, literal

from autotrack.store import tables

ARTIFACTS = "/artifacts"


class Context(ABC):
    """The surroundings of one store's rows. ``name`` is what messages call the store."""

    name: str

    @abstractmethod
    def experiment_uri(self, experiment_id: str, location: str) -> str:
        """Where an experiment's files lie; ``location`` is what its creator chose, or empty."""

    @abstractmethod
    def run_uri(self, run_id: str, experiment_id: str, location: str | None) -> str:
        """Where a run's files lie; ``location`` is its experiment's."""

    @abstractmethod
    def run_uri_column(self) -> ColumnElement[str]:
        """The same as SQL over the table of runs."""

    @abstractmethod
    def file_uri(self, location: str) -> str:
        """Where the files of a model version lie; ``location`` is as the registry has it."""

    @abstractmethod
    def location(self, uri: str) -> str:
        """As the registry has it: what :meth:`file_uri` was given."""

    def holds(self, location: str) -> bool:  # noqa: ARG002 - for those who can look
        """Whether a file is there, by its place in the store; true for what cannot be looked at from here."""
        return True

    def model_uri(self, row: Any) -> str:
        """Where the files of a logged model lie, by its row and its run's."""
        run = self.run_uri(row.run_id, row.experiment_id, row.location_above)
        return f"{run}/{row.path}" if row.path else f"{run.removesuffix(ARTIFACTS)}/models/{row.model_id}"

    def lost_at_column(self) -> ColumnElement[int | None]:
        """When a run that did not end gave its last sign of life, if it is lost; as SQL over the table of runs."""
        return literal(None, BigInteger())

    def mark_column(self) -> ColumnElement[int | None]:
        """A number that is another one after each change of a run, and once it is lost; NULL where nothing says so."""
        return literal(None, BigInteger())

    def status_column(self) -> ColumnElement[str]:
        """The state of a run, in the same way."""
        return tables.runs.c.status

    def end_time_column(self) -> ColumnElement[int | None]:
        """When it ended; a lost one ended with its last sign of life, as far as anybody knows."""
        return tables.runs.c.end_time


class LocalContext(Context):
    """That of a directory."""

    def __init__(self, directory: Path) -> None:
        self.name = str(directory)
        self._directory = directory

    @cached_property
    def _runs(self) -> str:
        return (self._directory / "runs").as_uri()

    def experiment_uri(self, experiment_id: str, location: str) -> str:  # noqa: ARG002 - all experiments share a place
        """See :class:`Context`."""
        return location or self._runs

    def run_uri(self, run_id: str, experiment_id: str, location: str | None) -> str:  # noqa: ARG002 - as above
        """See :class:`Context`."""
        return f"{self._runs}/{run_id}{ARTIFACTS}"

    def run_uri_column(self) -> ColumnElement[str]:
        """See :class:`Context`."""
        return literal(f"{self._runs}/") + tables.runs.c.run_id + literal(ARTIFACTS)

    def file_uri(self, location: str) -> str:
        """What lies in the store is noted by its place there, so that a store may be moved."""
        inside = location and ":" not in location.split("/", maxsplit=1)[0]
        return (self._directory / location).as_uri() if inside else location

    def location(self, uri: str) -> str:
        """See :class:`Context`."""
        return uri.removeprefix(self._directory.as_uri() + "/")

    def holds(self, location: str) -> bool:
        """See :class:`Context`."""
        return (self._directory / location).is_file()
