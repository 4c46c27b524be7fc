"""The sign of life of this process's open runs: one daemon thread, started with the first run."""

from __future__ import annotations

import os
import threading
import time

from autotrack import guard
from autotrack.journal.writer import open_writers

INTERVAL = 10.0
"""Seconds between two beats; a run silent for six of them may be lost."""

_thread: threading.Thread | None = None
_lock = threading.RLock()


def start() -> None:
    """Make sure that the thread runs."""
    global _thread
    if _thread is not None:
        return
    with _lock:
        if _thread is None:
            _thread = threading.Thread(target=_beat, name="autotrack-heartbeat", daemon=True)
            _thread.start()


def _beat() -> None:
    while True:
        time.sleep(INTERVAL)
        now = time.time_ns() // 1_000_000
        for writer in open_writers():
            try:
                writer.beat(now)
            except OSError as error:
                guard.warn(guard.MEDIUM, f"no sign of life could be written ({error})")


def _after_fork() -> None:
    global _thread, _lock
    _thread, _lock = None, threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
