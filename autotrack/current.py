"""Which run a program is in: starting, finding and ending the active run."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
import weakref
from collections.abc import Mapping
from contextvars import ContextVar
from itertools import pairwise
from pathlib import Path
from typing import Any

from autotrack import guard, program, settings
from autotrack.context import process as context
from autotrack.event import Ended, ExperimentCreated, Joined, RunCreated
from autotrack.exceptions import AutotrackException
from autotrack.journal.format import experiment_id, new_run_id
from autotrack.journal.process import this_process
from autotrack.outcome import outcome
from autotrack.resumed import Resumed, Revisions, resumed, segment
from autotrack.run import Run, open_runs
from autotrack.sinks.base import Sink, Stream
from autotrack.sinks.null import NullStream
from autotrack.sinks.open import tracking_uri, usable_sink

_stack: ContextVar[tuple[Run, ...]] = ContextVar("autotrack_runs", default=())
_experiment: tuple[str, str] | None = None
_lock = threading.RLock()
_told = False
_joined: dict[str, Run] = {}
_homes: weakref.WeakKeyDictionary[Run, tuple[int, weakref.ref[Any] | None]] = weakref.WeakKeyDictionary()
"""The thread and the task in which a run was started."""
_not_kept: weakref.WeakValueDictionary[str, Run] = weakref.WeakValueDictionary()
last: Run | None = None
"""The run that this process opened last."""


def current() -> Run | None:
    """The innermost open run of this context.

    A context without one, such as a new thread or the next cell of a notebook, uses the process's open run when
    there is exactly one line of them (a run, a nested run of it, …); among several it cannot know.
    """
    for run in reversed(_stack.get()):
        if not run.ended:
            return run
    return _only(list(open_runs.values()))


def users_run() -> Run | None:
    """The innermost open run of this context that the program itself started, found as by :func:`current`."""
    for run in reversed(_stack.get()):
        if not run.ended and not run.managed:
            return run
    return _only([run for run in list(open_runs.values()) if not run.managed])


def host() -> Run | None:
    """The run that a training which begins now belongs to: :func:`users_run`, or one that an integration opened in
    this context for what is trained there."""
    for run in reversed(_stack.get()):
        if not run.ended and (run.hosts or not run.managed):
            return run
    return users_run()


def _only(runs: list[Run]) -> Run | None:
    if not runs:
        return _join_from_environment()
    for outer, inner in pairwise(runs):
        if inner.parent is not outer:
            return None
    return runs[-1]


def forbid_ambiguity() -> None:
    """Raise if the process has several open runs and none of them belongs to this context."""
    if open_runs and current() is None:
        raise AutotrackException(
            f"{len(open_runs)} runs are open in this process and none was started in this thread or task; log through "
            "the run that is meant: run = autotrack.start_run(); run.log_metric(...)",
            "INVALID_STATE",
        )


def not_kept(run_id: str) -> Run | None:
    """A run of this process that somebody still holds and that is not recorded, by its id."""
    return _not_kept.get(run_id)


def last_words() -> Run | None:
    """Once the program is ending, the run that it has left open, or had last: what it still logs is an addition there,
    rather than a run that nobody would end."""
    return (left_open[-1] if left_open else last) if _leaving else None


def own() -> Run | None:
    """The innermost open run that this very context started."""
    return next((run for run in reversed(_stack.get()) if not run.ended), None)


def left_by_a_task() -> Run | None:
    """In a notebook the open run that was started last in this thread, by a cell that awaits: its task is over, and no
    context is left whose own it would be."""
    if "ipykernel" not in sys.modules:
        return None
    here = threading.get_ident()
    for run in reversed(list(open_runs.values())):
        thread, task = _homes.get(run, (0, None))
        if thread == here and task is not None and not run.managed and ((alive := task()) is None or alive.done()):
            return run
    return None


def enter(run: Run, above: tuple[Run, ...] = ()) -> None:
    """Make a run the active one of this context, below those that :func:`leave` found above it before."""
    _stack.set((*(r for r in _stack.get() if r not in above), run, *above))


def leave(run: Run) -> tuple[Run, ...]:
    """Take a run off this context; what the program itself has started above it meanwhile stays, and is returned."""
    stack = _stack.get()
    if run not in stack:
        return ()
    place = len(stack) - 1 - stack[::-1].index(run)
    _stack.set(stack[:place] + stack[place + 1 :])
    return stack[place + 1 :]


def start(
    name: str | None = None,
    *,
    run_id: str | None = None,
    experiment: tuple[str, str] | None = None,
    parent: Run | None = None,
    parent_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    activate: bool = True,
    managed: bool = False,
    began: int | None = None,
) -> Run:
    """Open a run and, with ``activate``, make it the active one of this context. ``managed``: for an integration.

    ``experiment`` is ``(id, name)``; ``began`` is when it began, in ms since 1970, now if left out. With ``run_id``
    the existing run goes on; an unknown id is an error. A medium
    that refuses costs one warning, and the run is one that keeps nothing.
    """
    global last
    sink = _sink()
    named = name is not None
    known: Resumed | None = None
    first: RunCreated | Joined
    if run_id is not None:
        known = _existing(sink, run_id)
        experiment = known.experiment
        renamed, name = named and name != known.name, name or known.name
        first = Joined(this_process())
    else:
        experiment, name, renamed = experiment or current_experiment(), name or program.script_name(), False
        run_id = new_run_id()
        above = parent.run_id if parent else parent_id
        first = RunCreated(*experiment, name, above, program.user(), this_process())
    try:
        run = Run(
            run_id, experiment, name, _stream(sink, run_id, first, began), parent=parent, managed=managed,
            named=named or isinstance(first, Joined),
        )  # fmt: skip
        run.started = run.started if began is None else began
        _ensure_exit_hook()
        open_runs[run_id] = last = run
        if not run.kept:
            _not_kept[run_id] = run
        if isinstance(first, Joined):
            _joined[run_id] = run
        if activate:
            _homes[run] = threading.get_ident(), _task()
            _stack.set((*(r for r in _stack.get() if not r.ended), run))
        if isinstance(first, RunCreated):
            above_tag = {} if parent is None else {"mlflow.parentRunId": parent.run_id}
            run.tags({**program.source_tags(), **above_tag, **context.join(run), **(tags or {})})
        elif known is not None:
            run.before = Revisions(known.params)
            if given := {**segment(known), **context.join(run, resumed=True), **(tags or {})}:
                run.tags(given)
        if renamed:
            run.rename(name)
    except BaseException:  # Ctrl-C, before anybody has the run in hand
        _abandon(sink, run_id, first)
        raise
    return run


def _existing(sink: Sink | None, run_id: str) -> Resumed:
    """The run that this process goes on with, as far as it is known here."""
    if sink is None or not sink.has(run_id):
        where = sink.uri if sink else tracking_uri()
        raise AutotrackException.missing(f"there is no run {run_id} in {where}; `autotrack runs` lists those that are")
    directory: Path | None = getattr(sink, "directory", None)
    known = resumed(directory / "runs" / run_id) if directory is not None else None
    if known is None:
        return Resumed(current_experiment(), program.script_name())
    if known.deleted:
        raise AutotrackException.invalid(
            f"run {run_id} is deleted and takes no changes; autotrack.restore_run({run_id!r}) brings it back"
        )
    return known


def _stream(sink: Sink | None, run_id: str, first: RunCreated | Joined, began: int | None) -> Stream:
    if sink is not None:
        with guard.guard("opening a run"):
            try:
                stream = sink.open(run_id, first, began)
            except OSError as error:
                guard.warn("opening a run", f"{sink.uri} cannot be written ({error}); this run is not recorded")
            else:
                _tell(sink)
                return stream
    return NullStream()


def _task() -> weakref.ref[Any] | None:
    asyncio = sys.modules.get("asyncio")
    try:
        task = asyncio.current_task() if asyncio is not None else None
    except RuntimeError:  # no loop runs here
        return None
    return weakref.ref(task) if task is not None else None


def _abandon(sink: Sink | None, run_id: str, first: RunCreated | Joined) -> None:
    if run_id in open_runs:
        open_runs[run_id].end("KILLED")
    elif sink is not None and sink.has(run_id):  # however far it came
        with guard.guard(guard.MEDIUM):
            stream = sink.open(run_id, first)
            stream.event(Ended("KILLED"))
            stream.close()


def current_experiment() -> tuple[str, str]:
    """``(id, name)`` of the experiment that new runs belong to: what was set, else the project's name."""
    if _experiment is not None:
        return _experiment
    name = settings.current().experiment or program.project_name()
    return experiment_id(name), name


def chosen_experiment() -> tuple[str, str] | None:
    """``(id, name)`` of the experiment that :func:`choose_experiment` has set."""
    return _experiment


def choose_experiment(experiment: tuple[str, str] | None) -> None:
    """Put the runs that this process starts from now on into an experiment, given as ``(id, name)``."""
    global _experiment
    _experiment = experiment


def announce_experiment(experiment: tuple[str, str]) -> bool:
    """Make an experiment known although it has no run yet; whether there is a place that could know it."""
    sink = _sink()
    if sink is not None:
        sink.experiment(ExperimentCreated(*experiment))
    return sink is not None


def reset() -> None:
    """Forget everything that this process knows of runs, as between two tests."""
    global _experiment, _leaving, _told, last
    for run in list(open_runs.values()):
        run.end()
    open_runs.clear()
    _joined.clear()
    _stack.set(())
    _experiment, _leaving, _told, last = None, False, False, None
    left_open.clear()
    context.reset()


def _sink() -> Sink | None:
    return None if settings.disabled() else usable_sink()


def run_of_the_environment() -> str | None:
    """The id of the run that the environment names, if it can be gone on with and this process has not ended it."""
    run_id = settings.current().run_id
    if not run_id or settings.disabled():
        return None
    if (run := _joined.get(run_id)) is not None:
        return None if run.ended else run_id
    try:
        _existing(_sink(), run_id)
    except AutotrackException as error:
        guard.warn(f"run {run_id}", f"{error}. Runs of their own are recorded")
        return None
    return run_id


def _join_from_environment() -> Run | None:
    with _lock:
        run_id = run_of_the_environment()
        if run_id is None:
            return None
        return _joined.get(run_id) or start(run_id=run_id, activate=False)


def _tell(sink: Sink) -> None:
    global _told
    if not _told and getattr(sink, "directory", None) is not None and _is_first():
        _told = True
        guard.say(f"autotrack: recording to {sink.uri}")


def _is_first() -> bool:
    """Whether this is no worker of a program that tells it already."""
    if "AUTOTRACK_TOLD" in os.environ or this_process().rank != 0:
        return False
    multiprocessing = sys.modules.get("multiprocessing.process")
    return multiprocessing is None or multiprocessing.parent_process() is None


def _ensure_exit_hook() -> None:
    global _hooked, _child
    if not _hooked:
        _hooked = True
        atexit.register(_at_exit)
    util = sys.modules.get("multiprocessing.util")
    if util is not None and not _child and sys.modules["multiprocessing.process"].parent_process() is not None:
        _child = True
        util.Finalize(None, _at_childs_exit, exitpriority=100)  # a forked one ends without the callbacks of `atexit`


_hooked = _child = False
_leaving = False
left_open: list[Run] = []
"""The runs that were still open when the program ended without an exception; the exit code may tell more."""


def _at_exit() -> None:
    error = _uncaught()
    close_all(error)
    _see_off()
    if isinstance(error, KeyboardInterrupt):
        # The interpreter is to end by the signal, so that a shell stops its script. It remembers that until it next
        # runs a source text, as imports do (namedtuple); a text that is interrupted makes it remember again.
        with contextlib.suppress(KeyboardInterrupt):
            exec("raise KeyboardInterrupt")  # noqa: S102 - the text stands here


def _at_childs_exit() -> None:
    close_all(sys.exc_info()[1])  # what its function raises is on its way when this is called
    _see_off()


def _see_off() -> None:
    """Give what is on its way to a server the time to arrive."""
    uploads = sys.modules.get("autotrack.sinks.uploads.uploader")
    if uploads is not None:
        with guard.guard("sending to the server"):
            uploads.finish(settings.current().exit_timeout)


def close_all(error: BaseException | None) -> None:
    """End the open runs of a program that ends, of this exception if there is one."""
    global _leaving
    _leaving = True
    status, kept = outcome(error)
    for run in reversed(list(open_runs.values())):
        run.end(status, kept, exit_code=None if kept is not None else "unknown")
        if kept is None:
            left_open.append(run)
    context.leave()


def _uncaught() -> BaseException | None:
    """The exception that is ending the program. The interpreter leaves it here before it prints the traceback; in an
    interactive session it may be long past."""
    if hasattr(sys, "ps1") or "IPython" in sys.modules:
        return None
    error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    return error if isinstance(error, BaseException) else None


def _after_fork() -> None:
    # A thread that does not exist here may have held it; and what is to be called at the end, a child starts without.
    global _lock, _child
    _lock = threading.RLock()
    _child = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
