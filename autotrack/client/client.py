"""A client of a store, with the verbs of MLflow's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

from autotrack.client.files import Files
from autotrack.client.lineage import Lineage
from autotrack.client.place import resolved
from autotrack.client.promotion import Promoting
from autotrack.client.records import Records
from autotrack.entities import Experiment, LoggedModel, Metric, PagedList, Run, ViewType
from autotrack.event import ExperimentCreated, ExperimentLife, ExperimentRenamed, ExperimentTags, Process
from autotrack.exceptions import AutotrackException
from autotrack.journal.format import experiment_id as id_of
from autotrack.journal.process import this_process
from autotrack.sinks.open import usable_uri
from autotrack.store import Questions, Search, open_store
from autotrack.store.columns import Columns
from autotrack.store.fold import PARENT_TAG
from autotrack.values import text
from autotrack.wire.address import is_server

of_servers: list[Callable[[], Any]] = []
"""Gives the class of clients that ask a server: one of this one's own, which it therefore cannot import."""


class Client(Records, Files, Promoting, Lineage):
    """Asks a store, and changes what it holds, by the verbs of MLflow's client.

    ``tracking_uri`` is a directory or a server, by default where runs are recorded to. Every answer includes what any
    process had recorded before the question. Unlike logging to the active run, each verb raises
    :class:`~autotrack.exceptions.AutotrackException` when it cannot do what it was asked for.
    """

    _open: Callable[[], Questions]

    def __new__(cls, tracking_uri: str | Path | None = None, *_: Any, **__: Any) -> Self:
        """A client of a server, where the URI names that."""
        there = cls is Client and is_server(str(tracking_uri or usable_uri() or ""))
        kind: Any = of_servers[0]() if there else cls
        made: Any = object.__new__(kind)
        return made  # type: ignore[no-any-return]  # of a class of its own

    def __init__(
        self, tracking_uri: str | Path | None = None, registry_uri: str | None = None,
        workspace_store_uri: str | None = None,  # noqa: ARG002 - MLflow's signature
    ) -> None:  # fmt: skip
        super().__init__(this_process())
        self.tracking_uri, directory = resolved(tracking_uri)
        if registry_uri and resolved(registry_uri)[1] != directory:
            raise AutotrackException.invalid(
                f"{registry_uri}: registered models are kept where runs are recorded, at {self.tracking_uri}; leave "
                "registry_uri out"
            )
        open_store(directory)
        self._open = partial(open_store, directory)

    @classmethod
    def on(cls, store: Questions, process: Process | None = None) -> Self:
        """A client of a store that is open already. ``process`` is who the runs that it makes belong to: their state
        follows from its life. Without one they run until somebody ends them."""
        client = object.__new__(cls)
        Records.__init__(client, process)
        client.tracking_uri = store.context.name
        client._open = lambda: store
        return client

    @property
    def store(self) -> Questions:
        """The store behind this client, for questions that have no verb here."""
        return self._open()

    def get_run(self, run_id: str) -> Run:
        """A run, deleted or not."""
        return self.store.run(run_id)

    def get_parent_run(self, run_id: str) -> Run | None:
        """The run that a nested run belongs to, ``None`` for one that is not nested."""
        parent = self.get_run(run_id).data.tags.get(PARENT_TAG)
        return self.get_run(parent) if parent else None

    def search_runs(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None = "",
        run_view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int = 1000,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Run]:
        """One page of the runs that match, the newest first unless ordered otherwise.

        ``filter_string`` is MLflow's grammar, such as ``metrics.accuracy > 0.9 AND params.model = 'svm'``, with OR,
        NOT, IN and parentheses besides; ``order_by`` such as ``["metrics.loss ASC"]``.
        """
        ids = [experiment_ids] if isinstance(experiment_ids, str) else list(experiment_ids)
        return self.store.search_runs(
            Search([str(one) for one in ids], filter_string, run_view_type, order_by, max_results, page_token)
        )

    def run_columns(
        self, experiment_ids: Sequence[str], columns: Sequence[str], filter_string: str | None = "",
        order_by: Sequence[str] | None = None, max_results: int = 1000, page_token: str | None = None,
    ) -> Columns:  # fmt: skip
        """Any fields of one page of active runs, spelt as in a filter: ``metrics.loss``, ``best(loss)``, ``params.lr``,
        ``duration``."""
        search = Search([str(one) for one in experiment_ids], filter_string, 1, order_by, max_results, page_token)
        return self.store.columns(search, columns)

    def get_metric_history(self, run_id: str, key: str) -> list[Metric]:
        """Every point of a metric by time; empty for one that the run never logged."""
        return self.store.history(run_id, key).metrics()

    def get_last_metrics(self, run_id: str) -> list[Metric]:
        """The last point of each metric of a run."""
        return self.store.last_metrics(run_id)

    def get_experiment(self, experiment_id: str) -> Experiment:
        """An experiment, deleted or not."""
        found = self.store.experiment(str(experiment_id))
        if found is None:
            raise AutotrackException.missing(
                f"there is no experiment with the id {experiment_id!r} in {self.tracking_uri}; "
                "search_experiments() lists those that are"
            )
        return found

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """An experiment, deleted or not; ``None`` where there is none of that name."""
        return self.store.experiment_named(name)

    def search_experiments(
        self,
        view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int | None = 1000,
        filter_string: str | None = None,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Experiment]:
        """One page of the experiments that match, the newest first unless ordered otherwise."""
        limit = 1000 if max_results is None else max_results
        return self.store.search_experiments(view_type, filter_string, order_by, limit, page_token)

    def create_experiment(
        self, name: str, artifact_location: str | None = None, tags: Mapping[str, Any] | None = None,
        trace_location: Any = None,  # noqa: ARG002 - MLflow's name for where traces go, which are not recorded
    ) -> str:  # fmt: skip
        """Make an experiment and give its id; a name that is taken is an error."""
        if not str(name).strip():
            raise AutotrackException.invalid(f"{name!r} is no name for an experiment; give it a text")
        if (found := self.store.experiment_named(name)) is not None:
            deleted = f"; it is deleted, restore_experiment({found.experiment_id!r}) brings it back"
            raise AutotrackException(
                f"Experiment {name!r} already exists, with the id {found.experiment_id}"
                + (deleted if found.lifecycle_stage == "deleted" else ""),
                "RESOURCE_ALREADY_EXISTS",
            )
        chosen, copy = id_of(name), 1
        while self.store.experiment(chosen) is not None:  # that of an experiment which had this name before
            copy += 1
            chosen = id_of(f"{name}\0{copy}")
        texts = {str(key): text(value) for key, value in (tags or {}).items()}
        self._experiment(ExperimentCreated(chosen, name, artifact_location or "", texts))
        return chosen

    def rename_experiment(self, experiment_id: str, new_name: str) -> None:
        """Give an experiment another name."""
        found = self._active_experiment(experiment_id)
        taken = self.store.experiment_named(new_name)
        if taken is not None and taken.experiment_id != found.experiment_id:
            raise AutotrackException(f"Experiment {new_name!r} already exists; choose another name", "BAD_REQUEST")
        self._experiment(ExperimentRenamed(found.experiment_id, new_name))

    def delete_experiment(self, experiment_id: str) -> None:
        """Mark an experiment as deleted, and with it its runs."""
        self._experiment(ExperimentLife(self._active_experiment(experiment_id).experiment_id, "deleted"))

    def restore_experiment(self, experiment_id: str) -> None:
        """Bring a deleted experiment back, with the runs that were not deleted on their own."""
        found = self.get_experiment(experiment_id)
        if found.lifecycle_stage != "deleted":
            raise AutotrackException.missing(f"experiment {found.name!r} is not deleted; there is nothing to restore")
        self._experiment(ExperimentLife(found.experiment_id, "active"))

    def set_experiment_tag(self, experiment_id: str, key: str, value: Any) -> None:
        """Set a tag of an experiment."""
        found = self._active_experiment(experiment_id)
        self._experiment(ExperimentTags(found.experiment_id, {str(key): text(value)}))

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Take a tag off an experiment."""
        found = self._active_experiment(experiment_id)
        if key not in found.tags:
            raise AutotrackException.missing(f"experiment {found.name!r} has no tag {key!r}")
        self._experiment(ExperimentTags(found.experiment_id, {key: None}))

    def get_logged_model(self, model_id: str) -> LoggedModel:
        """A model that a run logged."""
        return self.store.model(model_id)

    def search_logged_models(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None = None,
        datasets: Sequence[Mapping[str, Any]] | None = None,
        max_results: int | None = None,
        order_by: Sequence[Mapping[str, Any]] | None = None,
        page_token: str | None = None,
    ) -> PagedList[LoggedModel]:
        """One page of the logged models that match, the newest first unless ordered otherwise.

        ``datasets`` restricts conditions on metrics to ``[{"dataset_name": …, "dataset_digest": …}]``; ``order_by`` is
        ``[{"field_name": "metrics.accuracy", "ascending": False}]``.
        """
        limit = 100 if max_results is None else max_results
        return self.store.search_models(list(experiment_ids), filter_string, datasets, order_by, limit, page_token)

    def _active_experiment(self, experiment_id: str) -> Experiment:
        found = self.get_experiment(experiment_id)
        if found.lifecycle_stage != "active":
            raise AutotrackException.invalid(
                f"experiment {found.name!r} is deleted; restore_experiment({found.experiment_id!r}) brings it back"
            )
        return found

    def _experiment(self, event: ExperimentCreated | ExperimentRenamed | ExperimentTags | ExperimentLife) -> None:
        self.store.editor.experiment(event, after=self.store.last_event_time("experiments"))
