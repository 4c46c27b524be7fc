"""What can be asked of any store, whether journals or a database are its truth."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection

from autotrack.entities import Experiment, LoggedModel, Metric, PagedList, Run, ViewType
from autotrack.exceptions import AutotrackException
from autotrack.store import experiments, keys, models, rows, runs
from autotrack.store.buckets import Asked, Buckets
from autotrack.store.changes import Changes
from autotrack.store.columns import Columns, columns
from autotrack.store.context import Context
from autotrack.store.garbage import choice as garbage
from autotrack.store.garbage.policy import Policy
from autotrack.store.made import Made
from autotrack.store.metrics import History, Place
from autotrack.store.registry import Registry
from autotrack.store.registry.rows import SCOPE
from autotrack.store.rows import Listed
from autotrack.store.summaries import Told, summaries

T = TypeVar("T")


class Fault(NamedTuple):
    """Something in a journal that could not be read: the run (or the list), the file, the place and the reason."""

    scope: str
    file: str
    offset: int
    reason: str


class Questions(ABC):
    """Answers questions; every answer includes what was written before it was asked. Called from any thread.

    ``editor`` takes changes, ``registry`` has the registered models.
    """

    context: Context
    editor: Changes
    registry: Registry

    @property
    def directory(self) -> Path | None:
        """Where the runs and their files are; ``None`` for a database, whose files are elsewhere."""
        return None

    @abstractmethod
    def close(self) -> None:
        """Let the files and connections go; the next question opens them again."""

    def faults(self) -> list[Fault]:
        """What could not be read; a database refuses it before it is written."""
        return []

    def run(self, run_id: str) -> Run:
        """A run; an unknown one is an error."""
        return self._found(run_id, self._whole)[0]

    def listed_run(self, run_id: str) -> Listed:
        """The same, for those who make JSON of it."""
        return self._found(run_id, self._listed)[0]

    def _found(self, run_id: str, read: Callable[[Connection, Sequence[int]], T]) -> T:
        def ask(connection: Connection) -> T | None:
            number = rows.run_number(connection, run_id)
            return None if number is None else read(connection, [number])

        found = self._ask(ask, run_id)
        if found is None and self._find(run_id):
            found = self._ask(ask, run_id)
        if found is None:
            raise AutotrackException.missing(
                f"Run with id={run_id} not found in {self.context.name}; `autotrack runs` lists those that are"
            )
        return found

    def rows(self, search: runs.Search) -> tuple[list[rows.Row], str | None]:
        """One page of runs as plain rows, without inputs and outputs, and the token of the next page."""

        def ask(connection: Connection) -> tuple[list[rows.Row], str | None]:
            found = runs.find_runs(connection, self.context, search)
            return rows.run_rows(connection, self.context, found.keys), found.token

        return self._ask(ask)

    def search_runs(self, search: runs.Search) -> PagedList[Run]:
        """One page of runs."""

        def ask(connection: Connection) -> PagedList[Run]:
            found = runs.find_runs(connection, self.context, search)
            return PagedList(self._whole(connection, found.keys), found.token)

        return self._ask(ask)

    def made_of_runs(self, search: runs.Search, made: Made[T]) -> PagedList[T]:
        """One page of what is made of runs, which is kept of those that do not change."""
        # Only of these it is known that their experiment is not deleted, which is part of what a run is.
        marked = search.view == ViewType.ACTIVE_ONLY
        found = (
            self._ask_once(lambda connection: runs.find_at_once(connection, self.context, search)) if marked else None
        )
        if found is not None:
            later = made.of(found, lambda numbers: self._ask(lambda connection: self._listed(connection, numbers)))
            if later is not None:
                return PagedList(later, found.token)

        def ask(connection: Connection) -> PagedList[T]:
            found = runs.find_runs(connection, self.context, search, marked=marked)
            return PagedList(made.of_same(found, partial(self._listed, connection)), found.token)

        return self._ask(ask)

    def _whole(self, connection: Connection, numbers: Sequence[int]) -> list[Run]:
        return rows.whole_runs(connection, rows.run_rows(connection, self.context, numbers))

    def _listed(self, connection: Connection, numbers: Sequence[int]) -> list[Listed]:
        return rows.listed_runs(connection, self.context, numbers)

    def columns(self, search: runs.Search, names: Sequence[str]) -> Columns:
        """Any fields of one page of runs, spelt as in a filter."""
        return self._ask(lambda connection: columns(connection, self.context, search, names))

    def count(self, experiment_ids: Sequence[str] | None = None, view: int = ViewType.ACTIVE_ONLY) -> int:
        """How many runs there are."""
        return self.count_found(runs.Search(experiment_ids, view=view))

    def count_found(self, search: runs.Search) -> int:
        """How many runs a search finds on all of its pages."""
        return self._ask(lambda connection: runs.count_runs(connection, self.context, search))

    def keys(
        self, experiment_ids: Sequence[str] | None = None, newest: int | None = None, where: str = ""
    ) -> list[keys.Key]:
        """Every key of the runs of experiments; with ``newest`` those of so many of the newest runs that a filter
        finds, counted."""
        return self._ask(lambda connection: keys.keys(connection, self.context, experiment_ids, newest, where))

    def field_values(self, experiment_ids: Sequence[str] | None, field: str, limit: int) -> list[str]:
        """The texts that a field has in the newest runs of experiments, the most frequent first."""
        return self._ask(lambda connection: keys.values(connection, self.context, experiment_ids, field, limit))

    def choice(self, policy: Policy) -> garbage.Choice:
        """Which runs a policy means, and which of them have to stay."""
        return self._ask(lambda connection: garbage.choose(connection, self.context, policy))

    def registered(self, candidates: Iterable[garbage.Candidate]) -> Mapping[str, str]:
        """The ids of those runs of which the registry has versions, with the versions."""
        return self._ask(lambda connection: garbage.registered(connection, candidates), SCOPE)

    @abstractmethod
    def history(
        self,
        run_id: str,
        key: str,
        start_step: float | None = None,
        end_step: float | None = None,
        points: int | None = None,
    ) -> History:
        """The points of a metric; empty for one that the run never logged, an error for an unknown run.

        ``start_step`` and ``end_step`` are the first and the last step that are wanted. With ``points`` a longer
        curve is thinned to about that many: first and last, and the least and the greatest of each stretch.
        """

    @abstractmethod
    def buckets(self, run_id: str, key: str, asked: Asked) -> Buckets:
        """A curve at a zoom: the exact extremes of each of a few buckets, along the steps or along the time."""

    @abstractmethod
    def history_page(
        self, run_id: str, key: str, limit: int, after: Place | None = None
    ) -> tuple[History, Place | None]:
        """So many points of a curve by time, from its beginning or from where another page ended; and where this one
        ends, ``None`` for the last."""

    def last_metrics(self, run_id: str) -> list[Metric]:
        """The last point of each metric of a run."""
        return [rows.metric(point) for point in self.listed_run(run_id).points]

    def metric_summaries(self, run_id: str) -> list[Told]:
        """The last point of each metric of a run, with what all its points come to."""
        return self._found(run_id, lambda connection, numbers: summaries(connection, numbers[0]))

    def datasets(self, experiment_ids: Sequence[str], limit: int) -> list[tuple[str, str, str, str]]:
        """Experiment id, name, digest and context of each data set that runs have read; up to ``limit`` of them."""
        return self._ask(lambda connection: runs.datasets(connection, experiment_ids, limit))

    @abstractmethod
    def last_event_time(self, scope: str) -> int:
        """What the time of a change of a run, or of ``"experiments"``, has to be later than; 0 for nothing."""

    def experiment(self, experiment_id: str) -> Experiment | None:
        """An experiment by its id."""
        found = self._ask(lambda c: experiments.experiment_rows(c, self.context, [str(experiment_id)]))
        return found[0] if found else None

    def experiment_named(self, name: str) -> Experiment | None:
        """An experiment by its name; an active one before a deleted one."""
        found = self._ask(lambda c: experiments.experiment_rows(c, self.context, experiments.ids_named(c, name)[:1]))
        return found[0] if found else None

    def search_experiments(
        self,
        view: int = ViewType.ACTIVE_ONLY,
        filter_string: str | None = None,
        order_by: Sequence[str] | None = None,
        limit: int = 1000,
        token: str | None = None,
    ) -> PagedList[Experiment]:
        """One page of experiments, the newest first unless ordered otherwise."""

        def ask(connection: Connection) -> PagedList[Experiment]:
            found = experiments.find_experiments(connection, view, filter_string, order_by, limit, token)
            return PagedList(experiments.experiment_rows(connection, self.context, found.keys), found.token)

        return self._ask(ask)

    def activity(self, experiment_ids: Sequence[str] | None = None) -> list[tuple[str, int, int]]:
        """Of each experiment that has runs its id, how many, and when the last one began, in ms since 1970."""
        return self._ask(lambda connection: experiments.activity(connection, experiment_ids))

    def model(self, model_id: str) -> LoggedModel:
        """A logged model; an unknown one is an error."""
        found = self._ask(lambda connection: models.model_rows(connection, self.context, [model_id]))
        if not found:
            raise AutotrackException.missing(
                f"Logged model with ID '{model_id}' not found: there is no logged model of this id in "
                f"{self.context.name}; `autotrack show` lists those of a run"
            )
        return found[0]

    def search_models(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None = None,
        datasets: Sequence[Mapping[str, Any]] | None = None,
        order_by: Sequence[Mapping[str, Any]] | None = None,
        limit: int = 100,
        token: str | None = None,
    ) -> PagedList[LoggedModel]:
        """One page of logged models, the newest first unless ordered otherwise."""

        def ask(connection: Connection) -> PagedList[LoggedModel]:
            found = models.find_models(connection, experiment_ids, filter_string, datasets, order_by, limit, token)
            return PagedList(models.model_rows(connection, self.context, found.keys), found.token)

        return self._ask(ask)

    @abstractmethod
    def _ask(self, question: Callable[[Connection], T], run_id: str | None = None) -> T:
        """The answer to a question, about a single run if that is named."""

    def _ask_once(self, question: Callable[[Connection], T]) -> T | None:  # noqa: ARG002 - for those who can
        """The answer to a question of a single statement, which can do without a transaction; ``None`` where it would
        take one anyhow."""
        return None

    def _find(self, run_id: str) -> bool:  # noqa: ARG002 - for those who keep lists
        """Look for a run that the rows do not know of; gives whether it is worth asking again."""
        return False
