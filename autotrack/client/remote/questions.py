"""The verbs that ask a server for runs, experiments and models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autotrack.client.answers import COLUMNS
from autotrack.client.remote.asking import Asking
from autotrack.entities import Experiment, LoggedModel, Metric, PagedList, Run, ViewType
from autotrack.exceptions import AutotrackException
from autotrack.sinks.uploads.models import MODEL_TAG
from autotrack.store.columns import Columns
from autotrack.store.search.parse import parse_field
from autotrack.store.search.tree import Field, Kind, Reading
from autotrack.store.search.vocabulary import RUNS
from autotrack.values import text
from autotrack.wire.connection import Refused
from autotrack.wire.messages import EXPERIMENT, LOGGED_MODEL, METRIC, RUN
from autotrack.wire.values import pairs

MOST_RUNS, MOST_MODELS, MOST_POINTS = 50_000, 50, 25_000
"""What a server gives in one answer."""


class RemoteQuestions(Asking):
    """Runs, experiments and logged models."""

    def get_run(self, run_id: str) -> Run:
        """A run, deleted or not, by the server's id or by the one that it has where it was recorded."""
        return RUN.read(self._run(run_id))

    def get_last_metrics(self, run_id: str) -> list[Metric]:
        """The last point of each metric of a run."""
        return [METRIC.read(one) for one in self._run(run_id)["data"].get("metrics", ())]

    def _run(self, run_id: str) -> Mapping[str, Any]:
        def ask(known: str) -> Mapping[str, Any]:
            found: Mapping[str, Any] = self._ask("GET", "runs/get", {"run_id": known}, run_id=run_id)["run"]
            return found

        return self._on_run(run_id, ask)

    def search_runs(
        self, experiment_ids: Sequence[str], filter_string: str | None = "",
        run_view_type: int = ViewType.ACTIVE_ONLY, max_results: int = 1000, order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Run]:  # fmt: skip
        """One page of the runs that match, the newest first unless ordered otherwise."""
        ids = [experiment_ids] if isinstance(experiment_ids, str) else list(experiment_ids)
        known = [there for one in ids if (there := self._experiment_id(one)) is not None]
        if not known:
            return PagedList()
        message = {
            "experiment_ids": known,
            "filter": filter_string or "",
            "run_view_type": _view(run_view_type),
            "max_results": min(max_results, MOST_RUNS),
            "order_by": list(order_by or ()),
        }
        found = self._ask("POST", "runs/search", _with(message, page_token=page_token))
        return PagedList([RUN.read(one) for one in found.get("runs", ())], found.get("next_page_token") or None)

    def run_columns(
        self, experiment_ids: Sequence[str], columns: Sequence[str], filter_string: str | None = "",
        order_by: Sequence[str] | None = None, max_results: int = 1000, page_token: str | None = None,
    ) -> Columns:  # fmt: skip
        """Any fields of one page of active runs; from a server of MLflow's those that its runs come with."""
        ids = [there for one in experiment_ids if (there := self._experiment_id(one)) is not None]
        if not ids:
            return Columns((), {name: [] for name in columns})
        message = {
            "experiment_ids": ids, "columns": list(columns), "filter": filter_string or None,
            "order_by": list(order_by or ()), "max_results": min(max_results, MOST_RUNS), "page_token": page_token,
        }  # fmt: skip
        try:
            return COLUMNS.read(self._own("POST", "runs/columns", message, again=True)["columns"])
        except AutotrackException as error:
            fields = [parse_field(name, RUNS) for name in columns]
            if error.error_code != "NOT_IMPLEMENTED" or not all(map(_comes_with_runs, fields)):
                raise
        page = self.search_runs(ids, filter_string, ViewType.ACTIVE_ONLY, max_results, order_by, page_token)
        values = {name: [_value(run, field) for run in page] for name, field in zip(columns, fields, strict=True)}
        return Columns(tuple(run.info.run_id for run in page), values, page.token)

    def get_metric_history(self, run_id: str, key: str) -> list[Metric]:
        """Every point of a metric by time; empty for one that the run never logged."""
        return self._on_run(run_id, lambda known: self._history(run_id, known, key))

    def _history(self, run_id: str, known: str, key: str) -> list[Metric]:
        points: list[Metric] = []
        token: str | None = None
        while True:
            message = {"run_id": known, "metric_key": key, "max_results": MOST_POINTS}
            found = self._ask("GET", "metrics/get-history", _with(message, page_token=token), run_id=run_id)
            points += [METRIC.read(one) for one in found.get("metrics", ())]
            token = found.get("next_page_token") or None
            if token is None:
                return points

    def get_experiment(self, experiment_id: str) -> Experiment:
        """An experiment, deleted or not."""
        known = self._experiment_id(experiment_id)
        if known is None:
            raise AutotrackException.missing(f"there is no experiment {experiment_id} on {self.tracking_uri} yet")
        return EXPERIMENT.read(self._ask("GET", "experiments/get", {"experiment_id": known})["experiment"])

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """An experiment, deleted or not; ``None`` where there is none of that name."""
        try:
            found = self._ask("GET", "experiments/get-by-name", {"experiment_name": name})
        except Refused as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None
        return EXPERIMENT.read(found["experiment"])

    def search_experiments(
        self, view_type: int = ViewType.ACTIVE_ONLY, max_results: int | None = 1000,
        filter_string: str | None = None, order_by: Sequence[str] | None = None, page_token: str | None = None,
    ) -> PagedList[Experiment]:  # fmt: skip
        """One page of the experiments that match, the newest first unless ordered otherwise."""
        message = {
            "view_type": _view(view_type),
            "max_results": min(1000 if max_results is None else max_results, MOST_RUNS),
            "order_by": list(order_by or ()),
        }
        found = self._ask("POST", "experiments/search", _with(message, filter=filter_string, page_token=page_token))
        known = [EXPERIMENT.read(one) for one in found.get("experiments", ())]
        return PagedList(known, found.get("next_page_token") or None)

    def create_experiment(
        self, name: str, artifact_location: str | None = None, tags: Mapping[str, Any] | None = None,
        trace_location: Any = None,  # noqa: ARG002 - MLflow's name for where traces go, which are not recorded
    ) -> str:  # fmt: skip
        """Make an experiment and give its id; a name that is taken is an error."""
        given = pairs({str(key): text(value) for key, value in (tags or {}).items()})
        message = _with({"name": name}, artifact_location=artifact_location, tags=given or None)
        return str(self._ask("POST", "experiments/create", message, again=False)["experiment_id"])

    def rename_experiment(self, experiment_id: str, new_name: str) -> None:
        """Give an experiment another name."""
        self._on_experiment("update", experiment_id, new_name=new_name)

    def delete_experiment(self, experiment_id: str) -> None:
        """Mark an experiment as deleted, and with it its runs."""
        self._on_experiment("delete", experiment_id)

    def restore_experiment(self, experiment_id: str) -> None:
        """Bring a deleted experiment back."""
        self._on_experiment("restore", experiment_id)

    def set_experiment_tag(self, experiment_id: str, key: str, value: Any) -> None:
        """Set a tag of an experiment."""
        self._on_experiment("set-experiment-tag", experiment_id, key=str(key), value=text(value))

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Take a tag off an experiment."""
        self._on_experiment("delete-experiment-tag", experiment_id, key=str(key))

    def _on_experiment(self, verb: str, experiment_id: str, **message: str) -> None:
        self._ask("POST", f"experiments/{verb}", {"experiment_id": self._made_experiment(experiment_id), **message})

    def get_logged_model(self, model_id: str) -> LoggedModel:
        """A model that a run logged, by the server's id or by the one that it has where it was logged."""
        try:
            return LOGGED_MODEL.read(self._ask("GET", f"logged-models/{model_id}")["model"])
        except Refused as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            ids = [one.experiment_id for one in self.search_experiments(ViewType.ALL)]
            found = self.search_logged_models(ids, f"tags.`{MODEL_TAG}` = '{model_id}'", max_results=1) if ids else []
            if not found:
                raise
            return found[0]

    def search_logged_models(
        self, experiment_ids: Sequence[str], filter_string: str | None = None,
        datasets: Sequence[Mapping[str, Any]] | None = None, max_results: int | None = None,
        order_by: Sequence[Mapping[str, Any]] | None = None, page_token: str | None = None,
    ) -> PagedList[LoggedModel]:  # fmt: skip
        """One page of the logged models that match, the newest first unless ordered otherwise."""
        known = [there for one in experiment_ids if (there := self._experiment_id(one)) is not None]
        if not known:
            return PagedList()
        message = {
            "experiment_ids": known,
            "max_results": min(MOST_MODELS if max_results is None else max_results, MOST_MODELS),
            "datasets": [dict(one) for one in datasets or ()],
            "order_by": [dict(one) for one in order_by or ()],
        }
        more = {"filter": filter_string or None, "page_token": page_token}
        found = self._ask("POST", "logged-models/search", _with(message, **more), files=True)
        models = [LOGGED_MODEL.read(one) for one in found.get("models", ())]
        return PagedList(models, found.get("next_page_token") or None)


def _comes_with_runs(field: Field) -> bool:
    return field.kind in (Kind.METRIC, Kind.PARAM, Kind.TAG) and field.reading is Reading.LAST


def _value(run: Run, field: Field) -> Any:
    """A field of a run as the server gives runs."""
    data: dict[Kind, Mapping[str, Any]] = {
        Kind.METRIC: run.data.metrics, Kind.PARAM: run.data.params, Kind.TAG: run.data.tags,
    }  # fmt: skip
    return data[field.kind].get(field.key)


def _view(view: int) -> str:
    return ViewType(view).name


def _with(message: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {**message, **{name: value for name, value in more.items() if value is not None}}
