"""The verbs that change a run on a server."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from autotrack.client.remote.asking import Asking
from autotrack.entities import DatasetInput, Metric, Param, Run, RunTag
from autotrack.event import Event, Tags
from autotrack.journal.format import new_run_id
from autotrack.settings import current
from autotrack.sinks.uploads.link import RUN_TAG
from autotrack.sinks.uploads.search import found
from autotrack.values import number, text
from autotrack.wire.connection import patiently
from autotrack.wire.messages import DATASET_INPUT, METRIC, RUN
from autotrack.wire.values import pairs

MOST_METRICS, MOST_OTHERS = 1000, 100


class RemoteRecords(Asking):
    """Runs: creating, logging to, ending, deleting."""

    def create_run(
        self, experiment_id: str, start_time: int | None = None, tags: Mapping[str, Any] | None = None,
        run_name: str | None = None, *, run_id: str | None = None,
    ) -> Run:  # fmt: skip
        """Make a run that this process does not activate; ``start_time`` in ms, by default now. ``run_id`` is the id
        that it is to have, or on a server of MLflow's, which chooses it, its tag ``autotrack.run_id``."""
        own = run_id or new_run_id()
        there = self._made_experiment(experiment_id)
        given = {str(key): text(value) for key, value in (tags or {}).items()}
        message = {
            "experiment_id": there,
            "start_time": _now() if start_time is None else int(start_time),
            "tags": pairs({**given, RUN_TAG: own}),
            "run_id": own,
            **({"run_name": run_name} if run_name else {}),
        }
        asked = False

        def make(seconds: float) -> Mapping[str, Any]:
            nonlocal asked
            known = found(self._connection, own) if asked else None  # it may have been made without our hearing of it
            asked = True
            if known is not None:
                return known
            made: Mapping[str, Any] = self._connection.call("POST", "runs/create", message, seconds=seconds)["run"]
            return made

        return RUN.read(patiently(make, current().query_timeout))

    def log_metric(
        self, run_id: str, key: str, value: Any, timestamp: int | None = None, step: int | float | None = None,
        synchronous: bool | None = None,  # noqa: ARG002 - MLflow's signature; a call always returns when all is safe
        dataset_name: str | None = None, dataset_digest: str | None = None, model_id: str | None = None,
    ) -> None:  # fmt: skip
        """Add one point to a curve; ``timestamp`` in ms, by default now."""
        when = _now() if timestamp is None else timestamp
        self.log_batch(run_id, [Metric(key, value, when, step or 0, model_id, dataset_name, dataset_digest)])

    def log_param(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> Any:  # noqa: ARG002 - MLflow's signature
        """Record a parameter; another value than the one it has is an error."""
        self._tell(run_id, "log-parameter", key=str(key), value=text(value))
        return value

    def set_tag(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> None:  # noqa: ARG002 - MLflow's signature
        """Set a tag; ``mlflow.runName`` renames the run."""
        self._tell(run_id, "set-tag", key=str(key), value=text(value))

    def delete_tag(self, run_id: str, key: str) -> None:
        """Take a tag off a run."""
        self._tell(run_id, "delete-tag", key=str(key))

    def log_batch(
        self, run_id: str, metrics: Sequence[Metric] = (), params: Sequence[Param] = (), tags: Sequence[RunTag] = (),
        synchronous: bool | None = None,  # noqa: ARG002 - MLflow's signature
    ) -> None:  # fmt: skip
        """Record many things, as many requests as the protocol's limits make of them."""
        parts: dict[str, list[Any]] = {
            "metrics": [METRIC.write(_plain(one)) for one in metrics],
            "params": [{"key": str(one.key), "value": text(one.value)} for one in params],
            "tags": [{"key": str(one.key), "value": text(one.value)} for one in tags],
        }
        while any(parts.values()):
            most = {"metrics": MOST_METRICS - 2 * MOST_OTHERS, "params": MOST_OTHERS, "tags": MOST_OTHERS}
            if not parts["params"] and not parts["tags"]:
                most["metrics"] = MOST_METRICS
            self._tell(run_id, "log-batch", **{name: some[: most[name]] for name, some in parts.items() if some})
            parts = {name: some[most[name] :] for name, some in parts.items()}

    def log_inputs(
        self, run_id: str, datasets: Sequence[DatasetInput] | None = None, models: Sequence[Any] | None = None
    ) -> None:
        """Record data sets and models that a run read."""
        used = [{"model_id": one.model_id} for one in models or ()]
        self._tell(run_id, "log-inputs", datasets=[DATASET_INPUT.write(one) for one in datasets or ()], models=used)

    def set_terminated(self, run_id: str, status: str | None = None, end_time: int | None = None) -> None:
        """End a run, FINISHED unless said otherwise; ``end_time`` in ms, by default now."""
        when = _now() if end_time is None else int(end_time)
        self._tell(run_id, "update", status=status or "FINISHED", end_time=when)

    def update_run(self, run_id: str, status: str | None = None, name: str | None = None) -> None:
        """Change a run's state or name; RUNNING opens an ended run again."""
        given = {"status": status, "run_name": name}
        self._tell(run_id, "update", **{key: value for key, value in given.items() if value is not None})

    def delete_run(self, run_id: str) -> None:
        """Mark a run as deleted; nothing is removed."""
        self._tell(run_id, "delete")

    def restore_run(self, run_id: str) -> None:
        """Bring a deleted run back."""
        self._tell(run_id, "restore")

    def _change(self, run_id: str, *events: Event) -> None:
        """For the verbs that a client of a store has, too: changes of tags, which are all that these make."""
        tags = [
            RunTag(key, value or "") for one in events if isinstance(one, Tags) for key, value in one.values.items()
        ]
        self.log_batch(run_id, tags=tags)

    def _tell(self, run_id: str, verb: str, **message: Any) -> None:
        self._on_run(
            run_id, lambda known: self._ask("POST", f"runs/{verb}", {"run_id": known, **message}, run_id=run_id)
        )


def _plain(metric: Metric) -> Metric:
    value, exact = number(metric.value)
    near, whole = number(metric.step)
    step = int(whole, 0) if whole is not None else int(near) if near.is_integer() else near
    return Metric(
        str(metric.key), value if exact is None else int(exact, 0), int(metric.timestamp), step, metric.model_id,
        metric.dataset_name, metric.dataset_digest,
    )  # fmt: skip


def _now() -> int:
    return time.time_ns() // 1_000_000
