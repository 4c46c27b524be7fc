"""Logging: what the program itself wants in the record of the active run."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

from autotrack import current, guard, settings
from autotrack.active import ActiveRun, active
from autotrack.fluent.asking import client
from autotrack.run import open_runs
from autotrack.sinks.open import usable_sink
from autotrack.values import text


def log_metric(
    key: str, value: Any, step: int | float | None = None, synchronous: bool | None = None,  # noqa: ARG001 - MLflow's name; every call is on disk when it returns
    timestamp: int | None = None, run_id: str | None = None, model_id: str | None = None, dataset: Any = None,
) -> None:  # fmt: skip
    """Add a point to a curve of the active run; one is started if there is none.

    ``value`` is any number, NaN and infinities included; ``step`` any number, in any order, 0 if left out;
    ``timestamp`` is in ms.
    """
    run = current.current()
    if run is not None and run_id is None and timestamp is None and model_id is None and dataset is None:
        run.metric(key, value, step)
    else:
        _target(run_id).log_metric(key, value, step, timestamp=timestamp, model_id=model_id, dataset=dataset)


def log_metrics(
    metrics: Mapping[str, Any], step: int | float | None = None, synchronous: bool | None = None,  # noqa: ARG001 - MLflow's name; every call is on disk when it returns
    run_id: str | None = None, timestamp: int | None = None, model_id: str | None = None, dataset: Any = None,
) -> None:  # fmt: skip
    """Add a point to each of several curves of the active run, in one write."""
    _target(run_id).log_metrics(metrics, step, timestamp=timestamp, model_id=model_id, dataset=dataset)


def log_param(key: str, value: Any, synchronous: bool | None = None) -> Any:  # noqa: ARG001 - MLflow's name; every call is on disk when it returns
    """Record a parameter of the active run; returns the value."""
    return active().log_param(key, value)


def log_params(params: Mapping[str, Any], synchronous: bool | None = None, run_id: str | None = None) -> None:  # noqa: ARG001 - MLflow's name; every call is on disk when it returns
    """Record parameters of the active run, of any number and length."""
    _target(run_id).log_params(params)


def set_tag(key: str, value: Any, synchronous: bool | None = None) -> None:  # noqa: ARG001 - MLflow's name; every call is on disk when it returns
    """Set a tag of the active run."""
    active().set_tag(key, value)


def set_tags(tags: Mapping[str, Any], synchronous: bool | None = None) -> None:  # noqa: ARG001 - MLflow's name; every call is on disk when it returns
    """Set tags of the active run."""
    active().set_tags(tags)


def delete_tag(key: str) -> None:
    """Remove a tag of the active run."""
    active().set_tag(key, None)


def log_artifact(local_path: str | Path, artifact_path: str | None = None, run_id: str | None = None) -> None:
    """Keep a copy of a file."""
    _target(run_id).log_artifact(local_path, artifact_path)


def log_artifacts(local_dir: str | Path, artifact_path: str | None = None, run_id: str | None = None) -> None:
    """Keep a copy of what a directory holds."""
    _target(run_id).log_artifacts(local_dir, artifact_path)


def log_text(text: str, artifact_file: str, run_id: str | None = None) -> None:
    """Keep a text as a file."""
    _target(run_id).log_text(text, artifact_file)


def log_dict(dictionary: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Keep a dictionary or list as a JSON file, or YAML by the file's ending."""
    _target(run_id).log_dict(dictionary, artifact_file)


def log_figure(figure: Any, artifact_file: str, *, save_kwargs: Mapping[str, Any] | None = None) -> None:
    """Keep a matplotlib or plotly figure; the ending of the file's name chooses the format."""
    active().log_figure(figure, artifact_file, save_kwargs=save_kwargs)


def log_image(
    image: Any, artifact_file: str | None = None, key: str | None = None, step: int | None = None,
    timestamp: int | None = None, synchronous: bool | None = False,  # noqa: ARG001 - MLflow's name; every call is on disk when it returns
) -> None:  # fmt: skip
    """Keep an image, from PIL or numpy: as one file, or with ``key`` as one of a series by step."""
    active().log_image(image, artifact_file, key=key, step=step, timestamp=timestamp)


def log_table(data: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Keep rows as a JSON table; a second call with the same file appends."""
    _target(run_id).log_table(data, artifact_file)


def log_stream(stream: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Keep what a binary stream still holds as a file."""
    _target(run_id).log_stream(stream, artifact_file)


def log_input(
    dataset: Any = None, context: str | None = None, tags: Mapping[str, str] | None = None, model: Any = None  # noqa: ARG001 - MLflow's name, which means something on Databricks alone
) -> None:  # fmt: skip
    """Record a data set, made by :mod:`autotrack.data`, as an input of the active run; ``context`` is its role."""
    if dataset is not None:
        active().log_input(dataset, context, tags)


def log_inputs(
    datasets: Sequence[Any] | None = None, contexts: Sequence[str | None] | None = None,
    tags_list: Sequence[Mapping[str, str] | None] | None = None, models: Any = None,  # noqa: ARG001 - as in log_input
) -> None:  # fmt: skip
    """Record several data sets, each with its role and its tags."""
    run = active()
    with guard.guard("recording data set"):
        for dataset, context, tags in zip_longest(datasets or (), contexts or (), tags_list or ()):
            if dataset is not None:
                run.log_input(dataset, context, tags)


def flush_async_logging() -> None:
    """Wait until a server has what this process has recorded, for ``AUTOTRACK_QUERY_TIMEOUT`` at most; in a local store
    nothing is left to do, as what a call returned from is on disk."""
    uploads = sys.modules.get("autotrack.sinks.uploads.uploader")
    if uploads is not None:
        uploads.flush(settings.current().query_timeout)


def flush_artifact_async_logging() -> None:
    """The same: files are waited for as well."""
    flush_async_logging()


def _target(run_id: str | None) -> Any:
    if run_id is None:
        return active()
    run_id = text(run_id)
    return ActiveRun(open_runs[run_id]) if run_id in open_runs else _Closed(run_id)


class _Closed:
    """The logging verbs on a run that this process has not open: they go through a client, and fail as quietly as
    those on an open one."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id

    def log_metric(self, key: str, value: Any, step: int | float | None, **where: Any) -> None:
        self.log_metrics({key: value}, step, **where)

    def log_metrics(
        self, metrics: Mapping[str, Any], step: int | float | None, *, timestamp: int | None, model_id: str | None,
        dataset: Any,
    ) -> None:  # fmt: skip
        of_data = {} if dataset is None else {"dataset_name": dataset.name, "dataset_digest": dataset.digest}
        for key, value in metrics.items():
            self._do("log_metric", key, value, timestamp, step, model_id=model_id, **of_data)

    def log_params(self, params: Mapping[str, Any]) -> None:
        for key, value in params.items():
            self._do("log_param", key, value)

    def __getattr__(self, verb: str) -> Any:
        return partial(self._do, verb)

    def _do(self, verb: str, *args: Any, **named: Any) -> None:
        if settings.disabled():
            return
        try:
            asked, run_id = self._way()
            getattr(asked, verb)(run_id, *args, **named)
        except Exception as error:
            if guard.strict():
                raise
            guard.failed("recording by run id", error, f"recording in run {self._run_id!r:.100}")

    def _way(self) -> tuple[Any, str]:
        """Whom to ask, and by which id: for a run of this process that goes to a server its journal here, which is
        sent there, so that nothing waits."""
        sink = usable_sink()
        to = getattr(sink, "uploader", None)
        own = None if to is None else to.own(self._run_id)
        if to is None or own is None:
            return client(), self._run_id
        to.watch(own)
        from autotrack.client import Client  # heavy: SQLAlchemy, for those who log to a run that is over

        return Client(to.outbox.store), own
