"""A run's journal as requests that every MLflow server understands.

Each request may arrive twice and changes nothing the second time: the protocol keeps one of several equal points, takes
a parameter again that has the same value, and a run or a model is made again only after a search for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any, TypeVar

from autotrack.entities import Metric
from autotrack.event import (
    DatasetUsed,
    Ended,
    Event,
    Joined,
    LifeStage,
    ModelLogged,
    Params,
    Renamed,
    RunCreated,
    Tags,
)
from autotrack.journal.reader import Line
from autotrack.journal.tail import Place, Points, Tail
from autotrack.sinks.uploads.differences import DIFFERENCES
from autotrack.sinks.uploads.link import RUN_TAG, Link, Waits
from autotrack.sinks.uploads.models import Models
from autotrack.sinks.uploads.names import LONG_TAG_CHARACTERS, PARAM_CHARACTERS, TAG_CHARACTERS, shortened, spelled
from autotrack.sinks.uploads.outbox import Receipt
from autotrack.sinks.uploads.search import found
from autotrack.wire.connection import Refused
from autotrack.wire.messages import METRIC
from autotrack.wire.values import pairs

T = TypeVar("T")

MOST_REFUSALS = 3
MOST_METRICS, MOST_OTHERS = 1000, 100
"""Metrics, and parameters or tags, in one request."""
NAME_TAG, USER_TAG, PARENT_TAG, CONTEXT_TAG = (
    "mlflow.runName",
    "mlflow.user",
    "mlflow.parentRunId",
    "mlflow.data.context",
)
MODEL_TAG, DIGEST_TAG = "autotrack.model_id", "autotrack.digest"
ERROR_TAG = "autotrack.error"
_ALONE = (Tags, DatasetUsed, ModelLogged, Joined, Ended, LifeStage, Renamed)
"""What is sent in a request of its own."""


class Mlflow:
    """One run's requests. ``keep`` writes the receipt down."""

    def __init__(self, link: Link, run_id: str, receipt: Receipt, tail: Tail, keep: Callable[[], None]) -> None:
        self.link, self.run_id, self.receipt, self.tail, self.keep = link, run_id, receipt, tail, keep
        self._call = link.connection.call
        self.models = Models(link, receipt, keep)
        self._refusals: Counter[str] = Counter()

    def create(self, created: Line, event: RunCreated) -> None:
        """Make the run, unless it is there already."""
        receipt = self.receipt
        receipt.experiment_id = self.link.experiment(event.experiment)
        info = self._search() if receipt.asked else None
        if info is None:
            receipt.asked = True
            self.keep()
            info = self._call("POST", "runs/create", self._creation(created, event))["run"]["info"]
        self._made(info)

    def _made(self, info: dict[str, Any]) -> None:
        self.receipt.run_id = str(info.get("run_id") or info["run_uuid"])
        self.receipt.experiment_id = str(info["experiment_id"])
        self.receipt.artifact_uri = str(info.get("artifact_uri") or "")
        self.keep()

    def _creation(self, created: Line, event: RunCreated) -> dict[str, Any]:
        tags = {RUN_TAG: self.run_id, USER_TAG: event.user}
        if event.parent:
            tags[PARENT_TAG] = self.link.parent(event.parent)
        return {
            "experiment_id": self.receipt.experiment_id,
            "user_id": event.user,
            "run_name": event.name,
            "start_time": created.time,
            "tags": pairs({key: value for key, value in tags.items() if value}),
        }

    def _search(self) -> dict[str, Any] | None:
        message = {
            "experiment_ids": [self.receipt.experiment_id],
            "filter": f"tags.`{RUN_TAG}` = '{self.run_id}'",
            "run_view_type": "ALL",
            "max_results": 1,
        }
        runs = self._call("POST", "runs/search", message).get("runs")
        return dict(runs[0]["info"]) if runs else None

    def join(self) -> None:
        """Find the run that was created elsewhere: by another machine, or by another program under the server's id."""
        run = found(self.link.connection, self.run_id)
        if run is None:
            raise Waits(f"run {self.run_id} is not on {self.link.connection.address.uri} yet")
        self._made(run["info"])

    def again(self, places: Sequence[Place]) -> Sequence[Place]:
        """Send what was sent already and may not have arrived, where that has to be the same; gives the rest."""
        return places

    def sign_of_life(self) -> None:
        """Say that the run goes on, where a server wants to know."""

    def events(self, places: Sequence[Place]) -> None:
        """Send events in their order, and acknowledge them in the receipt as they arrive."""
        params: dict[str, str] = {}
        tags: dict[str, str] = {}
        held: list[Place] = []
        for place in places:
            event = place.line.event
            if isinstance(event, Params):
                for key, value in event.values.items():
                    name = self._key("params", str(key), event.values)
                    params.setdefault(name, self._param(str(key), str(value)))
            elif isinstance(event, Tags) and None not in event.values.values():
                for key, given in event.values.items():
                    tags[self._key("tags", key, event.values)] = self._tag(key, str(given))
            elif isinstance(event, _ALONE):
                self._batch(params, tags, held)
                self._event(place.line, event)
                self._acknowledge([place])
                continue
            held.append(place)
            if len(params) >= MOST_OTHERS or len(tags) >= MOST_OTHERS:
                self._batch(params, tags, held)
        self._batch(params, tags, held)

    def _batch(self, params: dict[str, str], tags: dict[str, str], places: list[Place]) -> None:
        kinds: list[tuple[str, str, str]] = [("params", key, value) for key, value in params.items()]
        kinds += [("tags", key, value) for key, value in tags.items()]
        for some in _cut(kinds, MOST_OTHERS):
            self._offer(some, self._send_batch, lambda one: f"{one[0]} {one[1]}")
        self._acknowledge(places)
        params.clear()
        tags.clear()
        places.clear()

    def _send_batch(self, some: Sequence[tuple[str, str, str]]) -> None:
        message: dict[str, Any] = {"run_id": self.receipt.run_id}
        for kind, key, value in some:
            message.setdefault(kind, []).append({"key": key, "value": value})
        self._call("POST", "runs/log-batch", message)

    def _acknowledge(self, places: Iterable[Place]) -> None:
        changed = {place.file: place.end for place in places}
        if changed:
            self.receipt.sent |= changed
            self.keep()

    def _event(self, line: Line, event: Event) -> None:
        run = {"run_id": self.receipt.run_id}
        match event:
            case Tags(values=values):
                for key, value in values.items():
                    if value is not None:
                        self._call(
                            "POST",
                            "runs/set-tag",
                            {**run, "key": self._key("tags", key), "value": self._tag(key, value)},
                        )
                    else:
                        self._missing("POST", "runs/delete-tag", {**run, "key": self._key("tags", key)})
            case Renamed(name=name):
                self._call("POST", "runs/update", {**run, "run_name": str(name)})
            case Joined() if not self.tail.ended:
                self._call("POST", "runs/update", {**run, "status": "RUNNING"})
            case Ended(status=status, error=error):
                if error:
                    self._call("POST", "runs/set-tag", {**run, "key": ERROR_TAG, "value": str(error)[-TAG_CHARACTERS:]})
                self._call("POST", "runs/update", {**run, "status": status, "end_time": line.time})
            case LifeStage(stage=stage):
                self._missing("POST", "runs/delete" if stage == "deleted" else "runs/restore", run)
            case DatasetUsed():
                self._offer([event], lambda some: self._inputs(some[0]), lambda one: f"data set {one.name}")
            case ModelLogged():
                self._offer([event], lambda some: self.models.make(some[0]), lambda one: f"model {one.name}")

    def _missing(self, method: str, path: str, message: dict[str, Any]) -> None:
        """Do away with what may be gone already."""
        try:
            self._call(method, path, message)
        except Refused as error:
            if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise

    def _inputs(self, event: DatasetUsed) -> None:
        first = self.receipt.inputs.setdefault(f"{event.digest} {event.name}", event.context)
        if first != event.context:
            self._differs(
                f"the data set {event.name}, read for more than one thing: an input for {first or 'any'} alone"
            )
            return
        tags = {**event.tags, **({CONTEXT_TAG: event.context} if event.context else {})}
        dataset = {
            "name": event.name[:500],
            "digest": event.digest[:36],
            "source_type": event.source_type or "local",
            "source": event.source,
            "schema": event.schema or None,
            "profile": event.profile or None,
        }
        known = {name: value for name, value in dataset.items() if value is not None}
        self._call(
            "POST", "runs/log-inputs",
            {"run_id": self.receipt.run_id, "datasets": [{"tags": pairs(tags), "dataset": known}]},
        )  # fmt: skip

    def model_root(self, event: ModelLogged) -> tuple[str, str]:
        """The artifact root that a model's files go to, and the directory there."""
        return self.models.root(event)

    def model_stored(self, event: ModelLogged) -> None:
        """Say that a model's files are there."""
        self.models.stored(event)

    def points(self, points: Points) -> None:
        """Send points, and acknowledge them."""
        metrics = [document for row in range(len(points.columns)) if (document := self._metric(points, row))]
        for some in _cut(metrics, MOST_METRICS):
            self._offer(
                some,
                lambda part: self._call(
                    "POST", "runs/log-batch", {"run_id": self.receipt.run_id, "metrics": list(part)}
                ),
                lambda one: f"metrics {one['key']}",
            )
        self.receipt.sent[points.file] = points.end
        self.keep()

    def _send_points(self, some: Sequence[dict[str, Any]]) -> None:
        self._call("POST", "runs/log-batch", {"run_id": self.receipt.run_id, "metrics": list(some)})

    def _metric(self, points: Points, row: int) -> dict[str, Any] | None:
        columns = points.columns
        series = self.tail.series.get((points.writer, columns.ids[row]))
        if series is None:
            return None
        value, step, when = columns.values[row], columns.steps[row], columns.times[row]
        if value - value != 0 and value == value:
            self._differs("infinite values: MLflow's servers keep them as ±1.797e308")
        if type(step) is not int:
            self._differs("steps that are no whole numbers: sent rounded towards zero")
        if self.tail.text(points, row) is not None:
            self._differs("integers beyond 2^53: sent as the nearest float64")
        model = self.receipt.models.get(series.model or "", {}).get("id")
        return METRIC.write(
            Metric(
                self._key("metrics", series.key, self.tail.keys), value, max(when, 0), _whole(step), model,
                series.dataset if series.digest else None, series.digest if series.dataset else None,
            )
        )  # fmt: skip

    def _differs(self, what: str) -> None:
        if what not in self.receipt.differs:
            self.receipt.differs.append(what)

    def _key(self, kind: str, key: str, beside: Container[str] = ()) -> str:
        """The key under which the server takes this one, which is recorded with others ``beside`` it."""
        return spelled(key, self.receipt.names.setdefault(kind, {}), beside)

    def _param(self, key: str, value: str) -> str:
        return self._value("params", key, value, PARAM_CHARACTERS)

    def _tag(self, key: str, value: str) -> str:
        if key == PARENT_TAG:
            return self.link.parent(value)
        return self._value("tags", key, value, LONG_TAG_CHARACTERS)

    def _value(self, kind: str, key: str, value: str, most: int) -> str:
        if len(value) > most:
            self._differs(f"the {kind[:-1]} {key}, of {len(value)} characters: sent shortened")
        return shortened(value, most, DIFFERENCES)

    def _offer(self, some: Sequence[T], send: Callable[[Sequence[T]], object], name: Callable[[T], str]) -> None:
        """Send all of it; where the server refuses something, all but that, which is noted. What it has refused a few
        times is not offered again."""
        if self._refusals:
            some = [one for one in some if self._refusals[name(one)] < MOST_REFUSALS]
        if not some:
            return
        try:
            send(some)
        except Refused as error:
            if not error.wrong:
                raise
            if len(some) > 1:
                half = len(some) // 2
                self._offer(some[:half], send, name)
                self._offer(some[half:], send, name)
                return
            self._check_active()
            self._refusals[name(some[0])] += 1
            self.receipt.refused[name(some[0])[:300]] = error.message[:300]

    def _check_active(self) -> None:
        """Raise if what is refused is the run, which is deleted there."""
        info = self._call("GET", "runs/get", {"run_id": self.receipt.run_id})["run"]["info"]
        if info.get("lifecycle_stage") == "deleted":
            raise Waits(
                f"run {self.receipt.run_id} is deleted on {self.link.connection.address.uri} and takes nothing until "
                "it is restored"
            )

    def settle(self, status: str, when: int | None) -> None:
        """Tell an end that nobody wrote; ``LOST`` is taken back as soon as there is a sign of life."""
        run = {"run_id": self.receipt.run_id}
        if status == "LOST":
            self._call("POST", "runs/set-tag", {**run, "key": "autotrack.status", "value": "LOST"})
        elif self.receipt.told == "LOST":
            self._missing("POST", "runs/delete-tag", {**run, "key": "autotrack.status"})
        known = "FAILED" if status == "LOST" else status
        self._call("POST", "runs/update", {**run, "status": known, **({"end_time": when} if when else {})})
        self.receipt.told = "" if status == "RUNNING" else status
        self.keep()


def _whole(step: int | float) -> int:
    if type(step) is int:
        return step
    return int(step) if abs(step) < 2**63 else 0


def _cut(items: Sequence[T], most: int) -> Iterable[Sequence[T]]:
    for at in range(0, len(items), most):
        yield items[at : at + most]
