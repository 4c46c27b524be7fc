"""The thread that looks, every few seconds, at what the machine does and at what the program has written.

It costs less than a thousandth of a processor: the longer a look takes, the later comes the next one.
"""

from __future__ import annotations

import os
import threading
import time
from functools import partial

from autotrack import guard, settings
from autotrack.capture.load import Meter
from autotrack.context.console import Console
from autotrack.run import Run

PAUSE = 2.0
"""Seconds between two looks at the output."""
SHARE = 1000
"""For each second that a look takes, so many pass before the next."""


class _Load:
    """The measurements of this process, for all of its runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._meter: Meter | None = None
        self._steps: dict[Run, int] = {}
        self._cost = 0.0
        self._last = time.monotonic()
        self._missing = False

    def begin(self, run: Run) -> None:
        """A run is to have measurements."""
        self._steps[run] = 0

    def end(self, run: Run) -> None:
        """The run ends: it gets a last measurement, if the one before is so long ago that it costs no more than
        others do."""
        if time.monotonic() - self._last > max(1.0, SHARE * self._cost):
            self._measure()
        self._steps.pop(run, None)

    def look(self) -> None:
        """Measure, if it is time to."""
        if self._missing or not self._steps:
            return
        if self._meter is None:
            try:
                self._meter, self._last = Meter(), time.monotonic()
            except ImportError:
                self._missing = True
        elif time.monotonic() - self._last >= max(settings.system_metrics_interval(), SHARE * self._cost):
            self._measure()

    def _measure(self) -> None:
        if self._meter is None or not self._lock.acquire(blocking=False):
            return
        try:
            begin = time.thread_time()
            values = self._meter.read()
            for run, step in list(self._steps.items()):
                run.metrics(values, step)
                self._steps[run] = step + 1
            self._cost, self._last = time.thread_time() - begin, time.monotonic()
        finally:
            self._lock.release()


class _Observer:
    def __init__(self) -> None:
        self.load = _Load()
        self.consoles: dict[Run, Console] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="autotrack-observer", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def _watch(self) -> None:
        pause = PAUSE / 4  # what is over by then is not measured
        while not self._stop.wait(pause):
            begin = time.thread_time()
            with guard.guard("system metrics"):
                self.load.look()
            for console in list(self.consoles.values()):
                with guard.guard(guard.MEDIUM):
                    console.keep()
            pause = max(PAUSE, SHARE * (time.thread_time() - begin))


_observer = _Observer()


def begin(run: Run, *, resumed: bool = False) -> None:
    """Look at the machine and at the output from now on, as the settings want it, until the run ends."""
    if settings.console():
        console = _observer.consoles[run] = Console(run, resumed=resumed)
        run.before_end.append(partial(_close, run, console))
    if settings.system_metrics():
        _observer.load.begin(run)
        run.before_end.append(partial(_observer.load.end, run))
    _observer.start()


def reset() -> None:
    """Forget everything, as between two tests."""
    global _observer
    _observer.stop()
    _observer = _Observer()


def _close(run: Run, console: Console) -> None:
    _observer.consoles.pop(run, None)
    console.close()


def _after_fork() -> None:
    global _observer
    _observer = _Observer()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
