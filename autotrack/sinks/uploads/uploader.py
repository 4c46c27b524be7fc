"""The thread that sends what this process records to a server, and never makes it wait.

One thread for each server and store. It starts to work a little after the first run was opened, so that a program's
start is its own; until then nothing that a request needs is imported.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from autotrack import guard
from autotrack.exceptions import AutotrackException
from autotrack.journal.reader import run_files
from autotrack.sinks.uploads.outbox import Outbox
from autotrack.wire.address import CHANCE

if TYPE_CHECKING:
    from autotrack.sinks.uploads.crew import Crew

START_SECONDS = 1.0
"""After a run was opened, before anything is sent."""
TICK_SECONDS = 1.0
"""Between two looks at the journals of open runs."""
LONGEST_PAUSE = 60.0
_TRIES_AT_THE_END = 3
"""Requests that may fail once the program is over."""


class Uploader:
    """Sends the runs of an outbox. Every method may be called from any thread, and returns at once unless it says
    that it waits."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self._own: dict[str, None] = {}
        self._reset()

    def _reset(self) -> None:
        self._thread: threading.Thread | None = None
        self._crew: Crew | None = None
        self._lock = threading.RLock()  # a signal handler may open a run in the midst of it
        self._round = threading.Condition(threading.RLock())
        self._wake = threading.Event()
        self._outage: AutotrackException | None = None
        self._failures = 0
        self._warned = False
        self._stopped = False

    def watch(self, run_id: str) -> None:
        """Have a run sent, from now on until it has ended and arrived."""
        self.outbox.add(run_id)
        with self._lock:
            self._own[run_id] = None
            if self._crew is not None:
                self._crew.expect(run_id)
            self._start()

    def _start(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._work, name="autotrack-uploader", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter is ending; the next program sends it
                return
            self._thread = thread

    def created(self, run_id: str, seconds: float) -> str:
        """The id that the server has given to a run. Waits; raises if that takes longer than these seconds."""
        self._await(lambda crew: crew.remote_id(run_id) is not None, seconds, f"made run {run_id}")
        assert self._crew is not None
        return self._crew.remote_id(run_id) or run_id

    def own(self, run_id: str) -> str | None:
        """The id here of a run of this process, by either of its ids; ``None`` for another's."""
        if run_id in self._own:
            return run_id
        crew = self._crew
        return None if crew is None else next((one for one in list(self._own) if crew.remote_id(one) == run_id), None)

    def flush(self, seconds: float, run_ids: Iterable[str] | None = None, *, files: bool = True) -> None:
        """Wait until the server has all that this process has recorded so far in its runs, or in some of them; raises
        if that takes longer than these seconds."""
        wanted = self._written(self._own if run_ids is None else [one for one in run_ids if one in self._own])
        if wanted:
            self._await(
                lambda crew: crew.over(wanted) if files else crew.arrived(wanted, files=False),
                seconds, "taken all that was recorded",
            )  # fmt: skip

    def finish(self, seconds: float) -> None:
        """Wait until all has arrived, as a program that ends does: for these seconds at most, and no longer than the
        server answers."""
        wanted = self._written(self._own)
        if not wanted or self._thread is None:
            return
        failures = self._failures
        known = self._outage is not None
        most = 1 if known else _TRIES_AT_THE_END

        def over(crew: Crew | None) -> bool:
            if self._failures - failures >= most:
                return True
            for run_id in [one for one in wanted if crew is not None and crew.held(one)]:
                del wanted[run_id]  # of which has been told why it waits
            # What threads go on recording after the end is for the next program: it would never be over.
            going_on = crew is not None and crew.arrived(wanted, files=True) and self._written(wanted) != wanted
            return going_on or (crew is not None and crew.over(wanted))

        if not self._wait(over, seconds, pause=0.2) or self._failures > failures:
            self._tell(f"what was recorded has not arrived whole at {self.outbox.server.uri}")

    def _written(self, run_ids: Iterable[str]) -> dict[str, dict[str, int]]:
        """For each run the sizes of the files that this process has written there."""
        mine, found = f"-{os.getpid()}-", {}
        for run_id in list(run_ids):
            files = run_files(self.outbox.run(run_id))
            if files is not None:
                sizes = found[run_id] = {name: size for name, size in files.sizes.items() if mine in name}
                if self._crew is not None and not self._crew.arrived({run_id: sizes}, files=True):
                    self.watch(run_id)  # it may have been sent whole before something was added to it
        return found

    def _await(self, done: Callable[[Crew], bool], seconds: float, what: str) -> None:
        if not self._wait(lambda crew: crew is not None and done(crew), seconds, pause=1.0):
            why = f": {self._outage.message}" if self._outage is not None else ""
            raise AutotrackException(
                f"{self.outbox.server.uri} has not {what} within {seconds:g} s{why}. The record is safe in "
                f"{self.outbox.store}; `autotrack sync` sends it",
                "TEMPORARILY_UNAVAILABLE",
            )

    def _wait(self, done: Callable[[Crew | None], bool], seconds: float, pause: float) -> bool:
        end = time.monotonic() + seconds
        with self._lock:
            self._start()
        self._wake.set()
        with self._round:
            while not done(self._crew):
                left = end - time.monotonic()
                if left <= 0:
                    return False
                # Not after each round: in an outage every one fails at once, and a server would be asked without end.
                if not self._round.wait(min(left, pause)):
                    self._wake.set()
        return True

    def _work(self) -> None:
        self._wake.wait(START_SECONDS)
        try:
            with _importing:
                from autotrack.sinks.uploads.crew import (
                    Crew,  # requests and what it needs: here, not in the program's way
                )

            crew = Crew(self.outbox, self._wake.set)
            with self._lock:
                for run_id in self._own:
                    crew.expect(run_id)
                self._crew = crew
        except ImportError as error:
            self._tell(f"{error}: `pip install 'autotrack-ml[remote]'` to have the record sent")
            return
        except Exception as error:  # noqa: BLE001 - said, and the record waits in its journal
            guard.failed("sending to the server", error)
            return
        while not self._stopped:
            pause = self._look(crew)
            with self._round:
                self._round.notify_all()
            self._wake.wait(pause)
            self._wake.clear()
        crew.close()

    def stop(self) -> None:
        """Leave what is unsent to others."""
        self._stopped = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(5.0)

    def forked(self) -> None:
        """Begin anew in a child, which has none of its parent's threads; the parent sends its own runs."""
        self._own = {}
        self._reset()

    def _look(self, crew: Crew) -> float:
        """Send what there is; gives how long to wait for more."""
        try:
            more = crew.work()
        except AutotrackException as error:
            self._outage = error
            self._failures += 1
            self._tell(error.message)
            wait: float = min(0.5 * 2 ** min(self._failures, 10), LONGEST_PAUSE) * CHANCE.uniform(0.5, 1.0)
            return max(wait, getattr(error, "after", None) or 0.0)
        except Exception as error:  # noqa: BLE001 - said, and the record waits in its journal
            guard.failed("sending to the server", error)
            self._failures += 1
            return LONGEST_PAUSE
        if self._outage is not None:
            self._outage, self._failures, self._warned = None, 0, False
        return 0.0 if more else TICK_SECONDS

    def _tell(self, message: str) -> None:
        if not self._warned:  # once an outage
            self._warned = True
            guard.warn(
                f"outage {self.outbox.server.uri} {time.monotonic_ns()}",
                f"{message}. The record is kept in {self.outbox.store}; this or the next program sends it, or "
                "`autotrack sync`",
            )


_importing = threading.Lock()
_uploaders: dict[tuple[str, str], Uploader] = {}


def uploader(outbox: Outbox) -> Uploader:
    """The uploader of an outbox, the same one each time in this process."""
    key = str(outbox.store), outbox.server.uri
    if key not in _uploaders:
        _uploaders[key] = Uploader(outbox)
    return _uploaders[key]


def finish(seconds: float) -> None:
    """Wait for what this process has recorded to arrive, for so many seconds in all."""
    end = time.monotonic() + seconds
    for one in list(_uploaders.values()):
        one.finish(max(end - time.monotonic(), 0.0))


def flush(seconds: float) -> None:
    """Wait until the servers have all that this process has recorded; raises if that takes longer."""
    for one in list(_uploaders.values()):
        one.flush(seconds)


def flush_to(server: str, seconds: float, run_id: str | None = None, *, files: bool = True) -> None:
    """The same for one server, and for one run if its id is given, by either of its ids."""
    for one in list(_uploaders.values()):
        if one.outbox.server.uri == server:
            own = None if run_id is None else one.own(run_id)
            if run_id is None or own is not None:
                one.flush(seconds, None if own is None else [own], files=files)


def is_own(server: str, run_id: str) -> bool:
    """Whether this process records a run to a server."""
    return any(one.outbox.server.uri == server and one.own(run_id) is not None for one in list(_uploaders.values()))


def forget() -> None:
    """Leave what is unsent to others, as between two tests."""
    for one in _uploaders.values():
        one.stop()
    _uploaders.clear()


_forking = threading.local()


def _before_fork() -> None:
    # A module that is being imported at this moment could never be imported in the child.
    _forking.held = _importing.acquire(timeout=2.0)


def _after_fork() -> None:
    if _forking.held:
        _importing.release()


def _in_child() -> None:
    global _importing
    _importing = threading.Lock()
    for one in _uploaders.values():
        one.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_in_child)
