"""Giving each run of this process the context that the process has.

The first run has it collected: a thread says what only this process knows to a helper, which finds out the rest and
writes the files. Runs that begin later get the same files, which then take their space once; runs below another one,
and those beyond :data:`OWN` files, name the run that has them instead: ten thousand runs cost ten thousand tags.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
import time
import weakref
from functools import partial
from pathlib import Path
from typing import Any

from autotrack import guard, settings
from autotrack.capture import launch, notebook, said
from autotrack.context import detached, files, inputs, observer, protocol
from autotrack.journal.process import this_process
from autotrack.run import Run

OWN = 500
"""So many files are given to runs that begin after the first one."""
WAIT = 0.2
"""Seconds that a program which ends may wait for its context."""


class Context:
    """What this process is, as far as it is known, and the runs that are to have it."""

    def __init__(self, run: Run) -> None:
        self.home = run
        self.directory = run.files / files.NAME
        self.ready = False
        """Whether the files are there."""
        self._main = launch.main()
        self._waiting = [run]
        self._left = OWN
        self._many = 0
        self._tags: dict[str, str] = {}
        self._launch: dict[str, Any] = {}
        self._packages: list[dict[str, Any]] = []
        self._seen = (0, 0)
        self._over = self._asked = False
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._pipes: tuple[int, ...] = ()
        self._thread = threading.Thread(target=self._work, name="autotrack-context", daemon=True)

    def begin(self) -> None:
        """Have the context collected; returns at once."""
        self._thread.start()

    def join(self, run: Run) -> dict[str, str]:
        """The tags of a run that begins while the process has this context."""
        with self._lock:
            if run.parent is not None or self._left < self._many or self._over:
                return {files.TAG: _home_of(run.parent, self.home), **self._tags}
            self._left -= self._many
            _owners[run] = run.run_id
            run.before_end.append(partial(self.refresh, run))
            if not self.ready:
                self._left -= 1
                self._waiting.append(run)
                return {}
        self._give(run)
        return self._tags

    def refresh(self, run: Run) -> None:
        """Bring a run's files up to date with what the process has imported and executed meanwhile."""
        seen = _state()
        if not self.ready or seen == self._seen:
            return
        self._seen = seen
        if not self._packages and (self.directory / files.PACKAGES).is_file():
            self._packages = json.loads((self.directory / files.PACKAGES).read_text("utf-8"))
        names, _ = launch.modules(self._main)
        facts = {**self._launch, "libraries": launch.libraries(), "imported": files.imported(self._packages, names)}
        target = run.files / files.NAME
        run.placed(f"{files.NAME}/{files.LAUNCH}", files.put(target / files.LAUNCH, files.document(facts)))
        if (size := self._put_cells(target)) is not None:
            run.placed(f"{files.NAME}/{files.CELLS}", size)

    def leave(self) -> None:
        """The program ends: wait a moment for what is on its way, and leave the rest to the helper."""
        if self._pid != os.getpid():
            return
        self._thread.join(WAIT)
        with self._lock:
            if self.ready or self._over:
                self.refresh(self.home)
                return
            self._over = True
            if not self._asked:
                facts = files.document(self._launch or launch.launch(self._main))
                self.home.placed(f"{files.NAME}/{files.LAUNCH}", files.put(self.directory / files.LAUNCH, facts))
                return
            names, _ = launch.modules(self._main)
            words: dict[str, Any] = {
                "runs": [str(run.files.parent) for run in self._waiting],
                "launch": {**self._launch, "libraries": launch.libraries()},
                "modules": names,
            }
            self._put_cells(self.directory)
            # The pipes stay open: the thread may be reading, and a number that is free again may be another file's.
            detached.tell(self._pipes[0], json.dumps(words).encode() + b"\n")

    def forget(self) -> None:
        """In a forked process: the thread and the helper are the parent's."""
        self._lock = threading.RLock()
        self._over = self._over or not self.ready
        self._waiting = []
        self._close()

    def _work(self) -> None:
        with guard.guard("context"):
            time.sleep(_GRACE)
            # A helper that dies is to be heard of from the call, not by a signal that ends the program.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE})
            self._launch = launch.launch(self._main)
            self._seen = _state()
            names, sources = launch.modules(self._main)
            question = {
                "directory": str(self.directory),
                "place": self._main.place,
                "sources": sources,
                "path": [str(place) for place in sys.path if place],
                "modules": names,
                "launch": self._launch,
            }
            heard = False
            if _is_first() and self._start():
                self._asked = _ask(self._pipes[0], json.dumps(question).encode() + b"\n")
                heard = self._asked and _heard(self._pipes[1])
            elif _is_first():
                from autotrack.context import helper  # much, and needed only where it cannot do this beside us

                helper.collect(question)
                heard = True
            with self._lock:
                if not self._over:
                    if not heard:
                        files.put(self.directory / files.LAUNCH, files.document(self._launch))
                    self._settle()
                    if self._pipes:
                        detached.tell(self._pipes[0], protocol.TAKEN)
                self._close()

    def _start(self) -> bool:
        pipes = detached.connected(protocol.SOURCE)
        self._pipes = pipes or ()
        return pipes is not None

    def _settle(self) -> None:
        """The files are there: note them down in the runs that wait for them."""
        if (self.directory / files.CODE).is_file():
            facts = json.loads((self.directory / files.CODE).read_text("utf-8"))
            self._tags = protocol.dirty_tag(facts)
        self._put_cells(self.directory)
        self.ready = True
        for run in self._waiting:
            self._give(run)
            if self._tags:
                run.tags(self._tags)
        self._waiting = []

    def _put_cells(self, directory: Path) -> int | None:
        cells = notebook.executed()
        if cells is None:
            return None
        return files.put(directory / files.CELLS, notebook.script(cells).encode("utf-8", "surrogateescape"))

    def _give(self, run: Run) -> None:
        with guard.guard(guard.MEDIUM):
            if run is self.home:
                names = files.listed(self.directory)
                self._many = len(names)
            else:
                names = files.give(self.directory, run.artifact_directory() / files.NAME)
            for name, size in names:
                run.placed(name, size)

    def _close(self) -> None:
        for fd in self._pipes:
            detached.close(fd)
        self._pipes = ()


_GRACE = 0.002
"""Seconds in which whoever has started a run goes on, before this thread wants the interpreter too."""
_contexts: dict[str, Context] = {}
"""The contexts of this process by the place of the runs, as a program may record into several stores."""
_owners: weakref.WeakKeyDictionary[Run, str] = weakref.WeakKeyDictionary()
"""The runs that have the files, or are to have them, with their ids."""
RUN = "AUTOTRACK_CONTEXT_RUN"
"""The variable by which a worker process learns which run has the context of the program that it works for."""


def join(run: Run, *, resumed: bool = False) -> dict[str, str]:
    """See to the context of a run that has just begun; the tags that it gets at once. Of the processes that go on with
    a run, the first gives it its context, unless it has one."""
    if not run.kept or not settings.context():
        return {}
    tags: dict[str, str] = {}
    with guard.guard("context"):
        tags = said.seeds()
        if run.parent is None:
            run.before_end.append(partial(_say, run, tags))
            inputs.begin(run)
            if _is_first() and not _is_worker():
                observer.begin(run, resumed=resumed)
        return {**tags, **_joined(run, resumed=resumed)}
    return tags


def _joined(run: Run, *, resumed: bool) -> dict[str, str]:
    if resumed and not _claim(run):
        return {}
    if given := os.environ.get(RUN):
        return {files.TAG: given}
    place = str(run.files.parent.parent)
    known = _contexts.get(place)
    if known is not None:
        return known.join(run)
    if not _is_worker():
        known = _contexts[place] = Context(run)
        _owners[run] = run.run_id
        run.before_end.append(partial(known.refresh, run))
        known.begin()
    return {}


def inherited() -> dict[str, str]:
    """The variable that tells a worker process which run has the context of this one."""
    given = os.environ.get(RUN) or next((context.home.run_id for context in _contexts.values()), None)
    return {RUN: given} if given else {}


def leave() -> None:
    """The program ends, and its runs have."""
    until = time.monotonic() + WAIT
    for context in _contexts.values():
        with guard.guard("context"):
            context.leave()
    with guard.guard("inputs"):
        inputs.leave(until - time.monotonic())


def reset() -> None:
    """Forget everything, as between two tests."""
    leave()
    _contexts.clear()
    said.forget()
    inputs.reset()
    observer.reset()


def _say(run: Run, seeds: dict[str, str]) -> None:
    """What the program has said of itself by the end of a run; what it has recorded there itself goes before."""
    run.defaults(said.arguments())
    if (now := said.seeds()) != seeds:
        run.tags(now)


def _claim(run: Run) -> bool:
    try:
        (run.artifact_directory() / files.NAME).mkdir(mode=0o700)
    except FileExistsError:
        return False
    return True


def _home_of(parent: Run | None, home: Run) -> str:
    while parent is not None:
        if parent in _owners:
            return _owners[parent]
        parent = parent.parent
    return home.run_id


def _state() -> tuple[int, int]:
    """What tells whether there is news to be found."""
    return len(sys.modules), len(notebook.executed() or ())


def _is_worker() -> bool:
    """Whether this process does a part of another one's work, which may fork as many as it likes."""
    multiprocessing = sys.modules.get("multiprocessing.process")
    return multiprocessing is not None and multiprocessing.parent_process() is not None


def _is_first() -> bool:
    """Whether this is no rank beside others of the same code."""
    return this_process().rank == 0


def _ask(fd: int, question: bytes) -> bool:
    """Whether the helper has taken the whole question."""
    view = memoryview(question)
    try:
        while view:
            view = view[os.write(fd, view) :]
    except OSError:
        return False
    return True


def _heard(fd: int) -> bool:
    """Whether the helper has written the files."""
    waiting = select.poll()
    waiting.register(fd, select.POLLIN)
    try:
        answered = bool(waiting.poll(protocol.life() * 1000)) and detached.is_ours(fd)
        return answered and os.read(fd, 64) == protocol.DONE
    except OSError:  # a program that becomes a daemon closes whatever is open
        return False


def _after_fork() -> None:
    for context in _contexts.values():
        context.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
