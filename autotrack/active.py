"""A run as the fluent functions hand it to a program: MLflow's ``ActiveRun``, with the logging verbs on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from autotrack import content, current, guard
from autotrack.event import DatasetUsed
from autotrack.outcome import outcome
from autotrack.run import Run
from autotrack.values import text


class ActiveRun:
    """An open run. Leaving a ``with`` block ends it: FINISHED, or FAILED by the exception that passes through.

    The ``log_*`` methods record in this very run, whichever is the active one, from any thread or task.
    """

    def __init__(self, run: Run, server_id: str | None = None) -> None:
        self.run = run
        self._server_id = server_id

    @property
    def run_id(self) -> str:
        """The run's id, 32 hexadecimal digits; the server's, where the program has waited for that."""
        return self._server_id or self.run.run_id

    @property
    def info(self) -> Any:
        """:class:`~autotrack.entities.RunInfo` as known in this process, without asking the store."""
        from autotrack.entities import RunInfo  # only for those who ask

        return RunInfo(
            run_id=self.run_id,
            experiment_id=self.run.experiment_id,
            run_name=self.run.name,
            user_id="",
            status=self.run.status,
            start_time=self.run.started,
            end_time=None,
            lifecycle_stage="active",
            artifact_uri=str(self.run.files),
        )

    @property
    def data(self) -> Any:
        """What the store knows of the run now."""
        return self.record().data

    @property
    def inputs(self) -> Any:
        """The data sets that were logged."""
        return self.record().inputs

    @property
    def outputs(self) -> Any:
        """The models that were logged."""
        return self.record().outputs

    def to_dictionary(self) -> dict[str, Any]:
        """Everything that the store knows of the run now, as nested dictionaries of plain values."""
        known: dict[str, Any] = self.record().to_dictionary()
        return known

    def record(self) -> Any:
        """:class:`~autotrack.entities.Run` as the store knows it now; of a run that is not kept, its info alone."""
        if not self.run.kept:
            from autotrack.entities import Run as Record  # only for those who ask

            return Record(self.info)
        from autotrack.client import Client  # heavy: SQLAlchemy, for those who ask the store

        return Client().get_run(self.run.run_id)

    def log_metric(self, key: str, value: Any, step: int | float | None = None, **where: Any) -> None:
        """Add a point to a curve; ``timestamp`` in ms, ``model_id`` and ``dataset`` are optional."""
        with guard.guard("recording metric"):
            self.run.metric(key, value, step, **_where(where))

    def log_metrics(self, metrics: Mapping[str, Any], step: int | float | None = None, **where: Any) -> None:
        """Add a point to each of several curves."""
        with guard.guard("recording metrics"):
            self.run.metrics(metrics, step, **_where(where))

    def log_param(self, key: str, value: Any) -> Any:
        """Record a parameter; returns the value."""
        with guard.guard("recording parameters"):
            self.run.params({key: value})
        return value

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record parameters."""
        self.run.params(params)

    def set_tag(self, key: str, value: Any) -> None:
        """Set a tag."""
        with guard.guard("recording tags"):
            self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set tags; ``mlflow.runName`` renames the run."""
        with guard.guard("recording tags"):
            if (name := tags.get("mlflow.runName")) is not None:
                self.run.rename(text(name))
            self.run.tags(tags)

    def log_artifact(self, local_path: str | Path, artifact_path: str | None = None) -> None:
        """Keep a copy of a file, or of a directory under its own name, below ``artifact_path``."""
        with guard.guard("recording artifact"):
            source = Path(local_path)
            if source.is_dir():
                name = source.name or source.absolute().name
                artifact_path = f"{artifact_path}/{name}" if artifact_path else name
            self.run.artifact(source, artifact_path)

    def log_artifacts(self, local_dir: str | Path, artifact_path: str | None = None) -> None:
        """Keep a copy of what a directory holds, below ``artifact_path``."""
        self.run.artifact(local_dir, artifact_path)

    def log_stream(self, stream: Any, artifact_file: str) -> None:
        """Keep what a binary stream still holds as a file."""
        with guard.guard("recording artifact"):
            self.run.text(stream.read(), artifact_file)

    def log_text(self, text: str, artifact_file: str) -> None:
        """Keep a text as a file."""
        self.run.text(text, artifact_file)

    def log_dict(self, dictionary: Any, artifact_file: str) -> None:
        """Keep a dictionary or list as a JSON file, or YAML by the file's ending."""
        self._made(artifact_file, lambda: content.document(dictionary, artifact_file))

    def log_figure(self, figure: Any, artifact_file: str, *, save_kwargs: Mapping[str, Any] | None = None) -> None:
        """Keep a matplotlib or plotly figure."""
        self._made(artifact_file, lambda: content.figure_bytes(figure, artifact_file, save_kwargs))

    def log_image(
        self, image: Any, artifact_file: str | None = None, *, key: str | None = None, step: int | None = None,
        timestamp: int | None = None,
    ) -> None:  # fmt: skip
        """Keep an image: as one file, or with ``key`` as one of a series by step."""
        with guard.guard("recording artifact"):
            path = artifact_file or content.image_path(key or "image", step, timestamp)
            self.run.text(content.image_bytes(image, path), path)
            if artifact_file is None:
                self.run.tags({"mlflow.loggedImages": True})

    def log_table(self, data: Any, artifact_file: str) -> None:
        """Keep rows as a JSON table; a second call with the same file appends."""

        def merged() -> str:
            file = self.run.files / artifact_file
            return content.table(data, file.read_text() if file.is_file() else None)

        self._made(artifact_file, merged)

    def log_input(self, dataset: Any, context: str | None = None, tags: Mapping[str, str] | None = None) -> None:
        """Record a data set, made by :mod:`autotrack.data`, as an input; ``context`` is its role."""
        with guard.guard("recording data set"):
            self.run.dataset(_used(dataset, context, tags))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run.end(*outcome(error))

    def __repr__(self) -> str:
        return f"<ActiveRun {self.run.name!r} {self.run.run_id}>"

    def _made(self, path: str, make: Callable[[], str | bytes]) -> None:
        with guard.guard("recording artifact"):
            self.run.text(make(), path)


def active() -> ActiveRun:
    """The run of this context; one is started if there is none, and among several it is an error."""
    run = current.current()
    if run is None:
        current.forbid_ambiguity()
        run = current.last_words() or current.start()
    return ActiveRun(run)


def _where(given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if given.get("timestamp") is not None:
        found["time_ms"] = int(given["timestamp"])
    if given.get("model_id") is not None:
        found["model_id"] = text(given["model_id"])
    if given.get("dataset") is not None:
        found.update(dataset=text(given["dataset"].name), digest=text(given["dataset"].digest))
    return found


def _used(dataset: Any, context: str | None, tags: Mapping[str, str] | None) -> DatasetUsed:
    if isinstance(dataset, DatasetUsed):
        return dataset
    facts = dataset.to_dict()
    return DatasetUsed(
        name=facts["name"],
        digest=facts["digest"],
        source_type=facts.get("source_type") or "local",
        source=facts.get("source") or "",
        schema=facts.get("schema") or "",
        profile=facts.get("profile") or "",
        context=context or "",
        tags=dict(tags or {}),
    )
