"""A run: what one training leaves behind."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from autotrack import files, guard, redact
from autotrack.event import ArtifactStored, DatasetUsed, Ended, Event, ModelLogged, Params, Renamed, Tags
from autotrack.exceptions import AutotrackException, Unrecorded
from autotrack.journal.format import EXACT, LATE, raw_step, step_of
from autotrack.journal.process import alive, this_process
from autotrack.journal.writer import Key, Point
from autotrack.outcome import outcome, traceback_tail
from autotrack.resumed import Revisions
from autotrack.sinks.base import Stream
from autotrack.sinks.null import NullStream
from autotrack.values import number, text, texts

LONG = 6000
"""Characters of a parameter or tag that are kept in the record itself; the whole of a longer one becomes a file."""

_now = time.time_ns


class Run:
    """Takes down what belongs to one training.

    No method here raises for what it is given to record: a value that cannot be read costs that value, a medium
    that refuses costs what it refused, each with one warning.
    """

    def __init__(
        self,
        run_id: str,
        experiment: tuple[str, str],
        name: str,
        stream: Stream,
        *,
        parent: Run | None = None,
        named: bool = True,
        managed: bool = False,
    ) -> None:
        self.run_id = run_id
        self.experiment = experiment
        """``(id, name)``"""
        self.name = name
        self.parent = parent
        self.ended = False
        self.status = "RUNNING"
        self.started = time.time_ns() // 1_000_000
        """In ms since 1970."""
        self.managed = managed
        """Whether an integration opened it, rather than the program."""
        self.hosts = False
        """Whether what is trained in its context is recorded in it or below it, although an integration opened it."""
        self.before_end: list[Callable[[], object]] = []
        """Called once, without arguments, when the run is about to end: what a training that no call spans has left
        to record."""
        self.before: Revisions | None = None
        """The parameters that an earlier program has given it."""
        self.kept = not isinstance(stream, NullStream)
        """Whether anything of it is kept; nothing is where nothing can be written, or recording is disabled."""
        self._stream = stream
        self._pid = os.getpid()
        self._process = this_process()
        self._fits = count()
        self._named = named
        self._given: set[str] = set()
        self._settled = False
        self._lock = threading.RLock()  # a signal handler may end what it interrupts

    @property
    def experiment_id(self) -> str:
        """The id of the run's experiment."""
        return self.experiment[0]

    def metric(
        self,
        key: str,
        value: Any,
        step: int | float | None = None,
        *,
        time_ms: int | None = None,
        model_id: str | None = None,
        dataset: str | None = None,
        digest: str | None = None,
        late: bool = False,
    ) -> None:
        """Add one point to a curve. ``value`` is any number, NaN and infinities included; ``step`` any number, 0 if
        left out. After the run has ended the point is kept as an addition, marked late."""
        try:
            flags = 0
            exact = None
            if type(value) is not float:
                value, exact = number(value)
                if exact is not None:
                    flags = EXACT
            if type(step) is not int or not -0x8000000000000000 <= step <= 0x7FFFFFFFFFFFFFFF:
                step, flag = _step(step)
                flags |= flag
            when = _now() // 1_000_000 if time_ms is None else time_ms
            full: Key = key
            if model_id is not None or dataset is not None or type(key) is not str:
                full = (text(key), model_id, dataset, digest)
            if late or self.ended:
                flags |= LATE
            self._stream.point(full, flags, step, when, value)
            if exact is not None:
                self._stream.exact(full, step_of(step, flags), when, exact)
            if self.ended:
                self._stream.close()
        except Exception as error:  # noqa: BLE001 - whatever fails here must not reach the training
            self._refused("metric", error, key)

    def metrics(
        self,
        values: Mapping[str, Any],
        step: int | float | None = None,
        *,
        time_ms: int | None = None,
        model_id: str | None = None,
        dataset: str | None = None,
        digest: str | None = None,
    ) -> None:
        """Add one point to each of several curves, in one write."""
        try:
            raw, step_flag = _step(step)
            when = _now() // 1_000_000 if time_ms is None else time_ms
            late = LATE if self.ended else 0
            flags = step_flag | late
            alone = model_id is None and dataset is None
            points: list[Point] = []
            for key, value in values.items():
                if alone and type(value) is float and type(key) is str:
                    points.append((key, flags, raw, when, value))  # nearly always so, and called every round
                    continue
                try:
                    near, exact = number(value)
                except Exception as error:  # noqa: BLE001 - it costs this value
                    self._refused("metric", error, key)
                    continue
                full: Key = key if alone and type(key) is str else (text(key), model_id, dataset, digest)
                points.append((full, flags | (EXACT if exact is not None else 0), raw, when, near))
                if exact is not None:
                    self._stream.exact(full, step_of(raw, step_flag), when, exact)
            if points:
                self._stream.points(points)
            if late:
                self._stream.close()
        except Exception as error:  # noqa: BLE001 - whatever fails here must not reach the training
            self._refused("metrics", error)

    def curve(self, key: str, points: Iterable[tuple[int, float, int]]) -> None:
        """Add ``(step, value, time in ms)`` to one curve, in one write."""
        try:
            flags = LATE if self.ended else 0
            self._stream.points([(key, flags, step, when, value) for step, value, when in points])
            if flags:
                self._stream.close()
        except Exception as error:  # noqa: BLE001 - whatever fails here must not reach the training
            self._refused("metric", error, key)

    def params(self, values: Mapping[str, Any]) -> None:
        """Record parameters by their text. A long text is kept whole as a file and shortened here."""
        try:
            found = texts(values)
            for key, value in found.items():
                if len(value) > LONG:
                    found[key] = self._long(f"params/{key}", redact.pair(key, value))
            if self.before is not None and (revised := self.before.revised(found)):
                self._event(Tags(revised))
            self._event(Params(found))
            self._given.update(found)
        except Exception as error:  # noqa: BLE001 - whatever fails here must not reach the training
            self._refused("parameters", error)

    def defaults(self, values: Mapping[str, Any]) -> None:
        """Record those of these parameters that nobody has recorded here under their names."""
        if left := {key: value for key, value in values.items() if key not in self._given}:
            self.params(left)

    def tags(self, values: Mapping[str, Any]) -> None:
        """Set tags; ``None`` deletes one."""
        try:
            given = texts({key: value for key, value in values.items() if value is not None})
            for key, value in given.items():
                if len(value) > LONG and not key.startswith("mlflow."):
                    given[key] = self._long(f"tags/{key}", redact.pair(key, value))
            gone = {text(key): None for key, value in values.items() if value is None}
            self._event(Tags({**given, **gone}))
        except Exception as error:  # noqa: BLE001 - whatever fails here must not reach the training
            self._refused("tags", error)

    def dataset(self, dataset: DatasetUsed) -> None:
        """Record a data set as an input."""
        self._guarded("data set", dataset)

    def model(self, model: ModelLogged) -> None:
        """Record a model whose directory is complete below ``artifact_directory()``."""
        self._guarded("model", model)

    def placed(self, path: str, size: int) -> None:
        """Record a file that is complete below ``artifact_directory()`` already."""
        self._guarded("artifact", ArtifactStored(path, size))

    def rename(self, name: str) -> None:
        """Give the run another name."""
        self.name, self._named = name, True
        self._guarded("name", Renamed(name))

    def trained(self, what: str) -> None:
        """Name a run that has no name of its own after what is trained in it."""
        if not self._named:
            self.rename(what)

    @property
    def files(self) -> Path:
        """Where the run's files are to lie, whether or not there is one yet."""
        return self._stream.artifacts

    def artifact_directory(self) -> Path:
        """Where the run's files lie; made when it is first asked for.

        Raises ``OSError`` when the medium refuses, and :class:`~autotrack.exceptions.Unrecorded` for a run of which
        nothing is kept.
        """
        if not self.kept:
            raise Unrecorded(f"{self!r} has no files, because it is not recorded")
        # Not its parents: a store that was deleted under the program is not to rise again in parts.
        self._stream.artifacts.mkdir(exist_ok=True, mode=0o700)
        return self._stream.artifacts

    def text(self, content: str | bytes, path: str) -> None:
        """Keep a text or bytes as a file of the run."""
        try:
            data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
            self._file(path, lambda file: file.write_bytes(data))
        except Exception as error:  # noqa: BLE001 - whatever fails here must not reach the training
            self._refused("artifact", error, path)

    def artifact(self, source: str | Path, directory: str | None = None) -> None:
        """Keep a copy of a file, or of a directory with all below it, under ``directory`` among the run's files.

        A store that lies in the directory is left out. What cannot be read costs that file.
        """
        try:
            if source == "":  # which Path takes for the working directory
                raise AutotrackException.invalid("the path of a file is empty")
            for file, inner in files.below(Path(source)):
                try:
                    self._file(f"{text(directory)}/{inner}" if directory else inner, partial(shutil.copyfile, file))
                except Exception as error:  # noqa: BLE001 - it costs this file
                    self._refused("artifact", error, file)
        except Exception as error:  # noqa: BLE001 - whatever fails here must not reach the training
            self._refused("artifact", error, source)

    def end(
        self, status: str = "FINISHED", error: BaseException | None = None, *, exit_code: str | None = None,
        time_ms: int | None = None,
    ) -> None:  # fmt: skip
        """Close the run. ``error`` gives the tail of its traceback to the record; ``time_ms`` is when it ended, now if
        left out."""
        last, self.before_end = self.before_end, []
        if self._pid == os.getpid():
            for call in last:
                with guard.guard("ending a run"):
                    call()
        try:
            self._settle(status, error, exit_code, time_ms)
        except BaseException:  # Ctrl-C in the midst of it: the end is written all the same, then it goes on its way
            self._settle(status, error, exit_code, time_ms)
            raise

    def _settle(self, status: str, error: BaseException | None, exit_code: str | None, time_ms: int | None) -> None:
        # A forked child that leaves does not end its parent's run; one that outlived the parent does if it says so.
        if self._pid != os.getpid() and (exit_code is not None or alive(self._process) is not False):
            self.ended = True
            open_runs.pop(self.run_id, None)
            self._let_go()
            return
        with self._lock:
            if self._settled:
                return
            self.ended, self.status = True, status
            open_runs.pop(self.run_id, None)
            try:
                if exit_code is not None:
                    self._stream.event(Tags({"autotrack.exit_code": exit_code}))
                self._stream.event(Ended(status, traceback_tail(error), exit_code), time_ms)
            except Exception as problem:  # noqa: BLE001 - whatever fails here must not reach the training
                self._refused("end", problem)
            self._settled = True
            self._let_go()

    def _let_go(self) -> None:
        with guard.guard(guard.MEDIUM):
            self._stream.close()

    def claim(self) -> bool:
        """Whether the caller is the first training of this run; a second one gets a run of its own below."""
        return next(self._fits) == 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(*outcome(error))

    def __repr__(self) -> str:
        return f"<Run {self.name!r} {self.run_id}{' ended' if self.ended else ''}>"

    def _event(self, event: Event) -> None:
        self._stream.event(event)
        if self.ended:
            self._stream.close()

    def _guarded(self, what: str, event: Event) -> None:
        try:
            self._event(event)
        except Exception as error:  # noqa: BLE001 - whatever fails here must not reach the training
            self._refused(what, error)

    def _file(self, path: str, write: Callable[[Path], object]) -> None:
        """Make one of the run's files: complete or absent, then its event."""
        path = files.relative(path)
        if not self.kept:
            return
        target = self.artifact_directory() / path
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = target.with_name(f".{target.name[:40]}-{os.urandom(4).hex()}")
        try:
            write(temporary)
            size = temporary.stat().st_size
            temporary.replace(target)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        self._event(ArtifactStored(path, size))

    def _long(self, path: str, value: str) -> str:
        """Keep a long text as a file; what stands in its place. Where there can be no file it stays whole."""
        if len(value) <= LONG:
            return value
        file = files.relative(f"{files.plain(path)}-{hash_of(value)}.txt")
        if not self.kept:
            return value
        try:
            self._file(file, lambda target: target.write_bytes(value.encode("utf-8", "surrogatepass")))
        except OSError as error:
            self._refused("artifact", error, file)
            return value
        return f"{value[: LONG - 200]}… [{len(value)} characters, whole in artifact {file}]"

    def _refused(self, what: str, error: Exception, which: object = None) -> None:
        if guard.strict() and not isinstance(error, OSError):
            raise error
        # What the medium refuses is said once, whatever it befell.
        site = guard.MEDIUM if isinstance(error, OSError) else f"recording {what}"
        guard.failed(site, error, f"recording {what}" + ("" if which is None else f" {text(which)!r:.100}"))


open_runs: dict[str, Run] = {}
"""The runs that this process has open, oldest first."""


def hash_of(value: str) -> str:
    """Eight digits that tell two texts apart."""
    from hashlib import sha256  # loads OpenSSL; only long values need it

    return sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _step(step: int | float | None) -> tuple[int, int]:
    if step is None:
        return 0, 0
    if type(step) is int or type(step) is float:
        if type(step) is float and step.is_integer() and abs(step) < 2**63:
            return int(step), 0
        return raw_step(step)
    near, exact = number(step)
    return raw_step(int(exact) if exact else (int(near) if near.is_integer() else near))
