"""A run's journal as it goes to a server of autotrack's: the events themselves, and each stretch of a file once."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from autotrack.entities import Metric
from autotrack.event import Exact, ModelLogged, RunCreated, Series, encode
from autotrack.journal.reader import Line
from autotrack.journal.tail import Place, Points
from autotrack.sinks.uploads.link import RUN_TAG
from autotrack.sinks.uploads.mlflow import MOST_METRICS, Mlflow
from autotrack.wire.messages import METRIC

LIFE_SECONDS = 15.0
"""After which a server is told that a run goes on of which there is nothing to send."""
MOST_BYTES = 512 * 1024
"""Of events in one request; a single one may be longer."""
_OWN = (RunCreated, Series, Exact)
"""What travels otherwise: in the request that makes the run, and with the points."""


class Native(Mlflow):
    """One run's requests, with its own id. The server adds a stretch of a file in one transaction with the place where
    it ends, so a request that comes again adds nothing."""

    _said = 0.0
    """When the server last heard of the run."""

    def create(self, created: Line, event: RunCreated) -> None:
        """Make the run; one that is there already is the answer."""
        self.receipt.experiment_id = self.link.experiment(event.experiment)
        message = {**self._creation(created, event), "run_id": self.run_id}
        message["tags"] = [one for one in message["tags"] if one["key"] != RUN_TAG]
        self._made(self._call("POST", "runs/create", message)["run"]["info"])

    def again(self, places: Sequence[Place]) -> Sequence[Place]:
        """Send the stretches again of which it is not known whether they have arrived, as they were; the rest."""
        receipt, rest = self.receipt, list(places)
        for file, end in receipt.offered.items():
            some = [place for place in rest if place.file == file and place.end <= end]
            if some and end > receipt.sent.get(file, 0):
                self._send_events(some)
                rest = [place for place in rest if place.file != file or place.end > end]
        return rest

    def sign_of_life(self) -> None:
        """Say that the run goes on, though nothing is logged: a stretch of no length."""
        file = min(self.receipt.sent, default=None)
        if file is not None and time.monotonic() - self._said >= LIFE_SECONDS:
            self._said = time.monotonic()
            end = self.receipt.sent[file]
            position = {"writer": file, "offset": end, "end": end}
            self._call("POST", "runs/log-batch", {"run_id": self.receipt.run_id, "position": position})

    def events(self, places: Sequence[Place]) -> None:
        """Send events in their order, and acknowledge them in the receipt as they arrive."""
        some: list[Place] = []
        size = 0
        for place in places:
            length = place.end - place.line.offset
            if some and (some[-1].file != place.file or size + length > MOST_BYTES):
                self._send_events(some)
                some, size = [], 0
            some.append(place)
            size += length
        self._send_events(some)

    def _send_events(self, places: Sequence[Place]) -> None:
        if not places:
            return
        lines = [one.line for one in places if not isinstance(one.line.event, _OWN)]
        events = [json.loads(encode(line.event, line.time)) for line in lines]
        file = places[0].file
        self._stretch("events", events, file, self.receipt.sent.get(file, 0), places[-1].end)
        self._acknowledge(places)

    def points(self, points: Points) -> None:
        """Send points, and acknowledge them."""
        columns, metrics = points.columns, []
        for row in range(len(columns)):
            series = self.tail.series.get((points.writer, columns.ids[row]))
            if series is None:
                continue
            exact = self.tail.text(points, row)
            value = columns.values[row] if exact is None else int(exact)
            where = (series.model, series.dataset, series.digest)
            metrics.append(METRIC.write(Metric(series.key, value, columns.times[row], columns.steps[row], *where)))
        assert len(metrics) <= MOST_METRICS, "a stretch of points is one request, as its place can be noted only once"
        self._stretch("metrics", metrics, points.file, points.start, points.end)
        self.receipt.sent[points.file] = points.end
        self.keep()

    def _stretch(self, name: str, items: list[dict[str, Any]], file: str, start: int, end: int) -> None:
        def send(some: Sequence[dict[str, Any]]) -> None:
            message: dict[str, Any] = {"run_id": self.receipt.run_id, name: list(some)}
            if len(some) == len(items):  # else the server has refused a part, and the rest goes without its place
                message["position"] = {"writer": file, "offset": start, "end": end}
                if self.receipt.offered.get(file) != end:
                    self.receipt.offered[file] = end
                    self.keep()
            self._said = time.monotonic()
            self._call("POST", "runs/log-batch", message)

        self._offer(items, send, lambda one: f"{name} {one.get('key') or one.get('e')}")

    def model_root(self, event: ModelLogged) -> tuple[str, str]:
        """A model lies among the run's files."""
        return self.receipt.artifact_uri, event.path

    def model_stored(self, event: ModelLogged) -> None:
        """The event itself has said so; what follows is its registration, if it was logged for that."""
        self.models.register(event, event.model_id)

    def settle(self, status: str, when: int | None) -> None:
        """Tell that the run was killed; whether one is lost the server knows itself."""
        if status == "KILLED":
            super().settle(status, when)
        self.receipt.told = "" if status == "RUNNING" else status
        self.keep()
