"""What a store or a server holds, as records to take elsewhere. The server may be MLflow's."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from autotrack.client import Client
from autotrack.client.place import resolved
from autotrack.entities import Experiment, LoggedModel, Metric, Run, ViewType, every
from autotrack.exceptions import AutotrackException
from autotrack.exchange.mlflow.artifacts import listed
from autotrack.exchange.mlflow.points import with_models
from autotrack.exchange.record import File, Record, copied
from autotrack.exchange.versions import portable, told_by
from autotrack.store import Questions, open_store
from autotrack.store.fold import PARENT_TAG
from autotrack.store.registry.changes import Entry
from autotrack.wire.address import address, is_server
from autotrack.wire.connection import Connection, Refused
from autotrack.wire.roots import root

_UNFINISHED = re.compile(r"\..+-[0-9a-f]{8}")
"""The name of a file that is still being written."""
_MANY = 1000


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a place is taken: all of it, or some experiments and runs by their ids and registered models by their
    names. With ``deleted`` what was marked as deleted, too."""

    everything: bool = True
    experiments: Sequence[str] = ()
    runs: Sequence[str] = ()
    models: Sequence[str] = ()
    deleted: bool = False


@dataclass(slots=True)
class Recorded:
    """A store or a server that is read by the verbs of its client."""

    uri: str | None
    choice: Choice = field(default_factory=Choice)
    own: bool = False
    """Whether the place is there only to be read once: its files may be given away instead of being copied."""
    notes: list[str] = field(default_factory=list)
    client: Client = field(init=False)
    _known: dict[str, Experiment] = field(init=False, default_factory=dict)
    _models: dict[str, dict[str, list[LoggedModel]]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.client = Client(self.uri)
        if not is_server(self.client.tracking_uri):
            self.client.search_experiments(max_results=1)  # reads what there is, and says what cannot be read

    @property
    def store(self) -> Questions | None:
        """The store on this machine; ``None`` for a server."""
        return None if is_server(self.client.tracking_uri) else open_store(resolved(self.client.tracking_uri)[1])

    def experiments(self) -> Iterator[Experiment]:
        """See :class:`~autotrack.exchange.record.Source`."""
        view = ViewType.ALL if self.choice.deleted else ViewType.ACTIVE_ONLY
        wanted: set[str] | None = None
        if not self.choice.everything:
            wanted = {*self.choice.experiments, *(self._run(one).info.experiment_id for one in self.runs())}
        found = every(lambda token: self.client.search_experiments(view, _MANY, page_token=token))
        for one in sorted(found, key=lambda one: one.experiment_id):
            if wanted is None or one.experiment_id in wanted:
                self._known[one.experiment_id] = one
                yield one

    def runs(self) -> list[str]:
        """See :class:`~autotrack.exchange.record.Source`."""
        ids = set(self.choice.runs)
        chosen = list(self.choice.experiments)
        if self.choice.everything:
            view = ViewType.ALL if self.choice.deleted else ViewType.ACTIVE_ONLY
            found = every(lambda token: self.client.search_experiments(view, _MANY, page_token=token))
            chosen = [one.experiment_id for one in found]
        for one in chosen:
            ids |= {run.info.run_id for run in self._in(one, "")}
            ids |= {run_id for run_id, models in self._made_in(one).items() if _hidden(run_id, models)}
        for one in self.choice.runs:
            ids |= self._below(one)
        return sorted(ids)

    def run(self, run_id: str) -> Record:
        """See :class:`~autotrack.exchange.record.Source`."""
        run = self._run(run_id)
        info = run.info
        if info.experiment_id not in self._known:
            self._known[info.experiment_id] = self.client.get_experiment(info.experiment_id)
        known = {one.model_id: one for one in self._made_in(info.experiment_id).get(run_id, ())}
        for output in run.outputs.model_outputs:
            one = None if output.model_id in known else self._model(output.model_id)
            if one is not None and one.source_run_id == run_id:
                known[one.model_id] = one
        models = [self._placed(known[key], run) for key in sorted(known)]
        if info.status in ("RUNNING", "LOST"):  # which is how it looks from where it is recorded
            run = replace(run, info=replace(info, status="RUNNING", end_time=None))
        return Record(
            run, self._known[info.experiment_id].name, [placed for placed, _ in models],
            lambda: self._curves(run),
            lambda: self._files(run, [(placed, origin) for placed, origin in models if origin]),
        )  # fmt: skip

    def faults(self) -> list[str]:
        """What cannot be read of a store on this machine."""
        return [] if self.store is None else [f"{one.scope}/{one.file}: {one.reason}" for one in self.store.faults()]

    def histories(self) -> Iterator[list[Entry]]:
        """See :class:`~autotrack.exchange.record.Source`."""
        names = sorted(self.choice.models)
        if self.choice.everything:
            found = every(lambda token: self.client.search_registered_models(max_results=_MANY, page_token=token))
            names = sorted(one.name for one in found)
        store = self.store
        for name in names:
            history = told_by(self.client, name) if store is None else store.registry.own_history(name)
            yield [portable(entry, "") for entry in history]

    def _curves(self, run: Run) -> Iterator[list[Metric]]:
        """All points. A server of MLflow's tells of those that describe a model with the models."""
        of_models: dict[str, list[Metric]] = {}
        if self.store is None:
            linked = {one.model_id for one in run.inputs.model_inputs}
            linked |= {one.model_id for one in run.outputs.model_outputs}
            for one in filter(None, map(self._model, sorted(linked))):
                for point in one.metrics:
                    if point.run_id == run.info.run_id:
                        of_models.setdefault(point.key, []).append(point)
        for key in sorted(run.data.metrics):
            yield with_models(self.client.get_metric_history(run.info.run_id, key), of_models.get(key, ()))

    def _run(self, run_id: str) -> Run:
        return self.client.get_run(run_id)

    def _in(self, experiment_id: str, condition: str) -> Iterable[Run]:
        view = ViewType.ALL if self.choice.deleted else ViewType.ACTIVE_ONLY
        return every(lambda token: self.client.search_runs([experiment_id], condition, view, _MANY, page_token=token))

    def _below(self, run_id: str) -> set[str]:
        """The runs nested in a run, in those, and so on."""
        found: set[str] = set()
        waiting = [run_id]
        experiment = self._run(run_id).info.experiment_id
        while waiting:
            condition = f"tags.`{PARENT_TAG}` = '{waiting.pop()}'"
            new = {run.info.run_id for run in self._in(experiment, condition)} - found
            found |= new
            waiting += sorted(new)
        return found

    def _made_in(self, experiment_id: str) -> dict[str, list[LoggedModel]]:
        """The models of an experiment by the run that made them."""
        if experiment_id not in self._models:
            made: dict[str, list[LoggedModel]] = {}
            try:
                for one in every(
                    lambda token: self.client.search_logged_models([experiment_id], max_results=50, page_token=token)
                ):
                    # On a server a model that no run made has a run that nobody sees, with its own id.
                    made.setdefault(one.source_run_id or one.model_id.removeprefix("m-"), []).append(one)
            except Refused as error:
                if error.status not in (404, 405, 501):  # a server of MLflow 2 has no such models
                    raise
            self._models[experiment_id] = made
        return self._models[experiment_id]

    def _model(self, model_id: str) -> LoggedModel | None:
        try:
            return self.client.get_logged_model(model_id)
        except AutotrackException as error:
            if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "ENDPOINT_NOT_FOUND"):
                raise
            return None

    def _placed(self, model: LoggedModel, run: Run) -> tuple[LoggedModel, str]:
        """A model with its directory among the run's files, and where that is if it is elsewhere."""
        inside = inner(model.artifact_location, run.info.artifact_uri or "")
        if inside is not None:
            return replace(model, artifact_location=inside), ""
        files = next(iter(self._listed(model.artifact_location, "")), None)
        return replace(model, artifact_location=f"models/{model.model_id}" if files else ""), model.artifact_location

    def _files(self, run: Run, elsewhere: Sequence[tuple[LoggedModel, str]]) -> Iterator[File]:
        yield from self._listed(run.info.artifact_uri or "", "")
        for model, origin in elsewhere:
            if model.artifact_location:
                yield from self._listed(origin, f"{model.artifact_location}/")

    def _listed(self, uri: str, before: str) -> Iterator[File]:
        """The files at an artifact root, with paths that begin with ``before``."""
        store = self.store
        if store is not None and store.directory is not None:
            place = Path(store.context.location(uri).replace("/", os.sep))
            yield from _on_disk(store.directory / place, before, own=self.own)
        elif uri:
            yield from listed(root(uri, Connection(address(self.client.tracking_uri))), "", before)


def inner(location: str, artifacts: str) -> str | None:
    """The path of a place below a run's artifacts; ``None`` for one that is elsewhere."""
    base = artifacts.rstrip("/")
    return location.removeprefix(f"{base}/").strip("/") if base and location.startswith(f"{base}/") else None


def _hidden(run_id: str, models: Sequence[LoggedModel]) -> bool:
    return any(run_id == one.model_id.removeprefix("m-") for one in models)


def _on_disk(directory: Path, before: str, *, own: bool) -> Iterator[File]:
    for place, folders, names in os.walk(directory):
        folders.sort()
        for name in sorted(names):
            file = Path(place, name)
            if not _UNFINISHED.fullmatch(name) and file.is_file() and not file.is_symlink():
                one = copied(file, before + file.relative_to(directory).as_posix())
                yield replace(one, bring=partial(_linked, file)) if own else one


def _linked(file: Path, target: Path) -> None:
    try:
        os.link(file, target)
    except OSError:  # another file system, or one that has no links
        shutil.copyfile(file, target)
