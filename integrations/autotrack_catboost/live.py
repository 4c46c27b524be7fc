"""The curves of a training that is going on, from what CatBoost notes of it.

CatBoost hands its exact values over when it has finished, so that a process that is killed before loses them. While it
trains it notes each iteration, with ten digits, in a file; a thread looks there once in a while and writes what is new
as ``live/<curve>``. The training does not wait for it: CatBoost trains without Python's lock. And should the process be
killed, another one takes the curves from that file.
"""

from __future__ import annotations

import json
import threading
from typing import Any

from autotrack.hooks import Run, Testament
from autotrack_catboost.history import Curves, Notes, write_noted

SOON = 0.05
"""Seconds before it is seen to that the curve outlives the process. A training that takes less pays nothing for it."""
PAUSE = 1.0
"""Seconds before the first look. A training that takes less leaves no such curves, nor does it need them."""
SHORT = 0.1
"""Seconds between two looks while there is something new each time: under half a percent of a processor."""
LONGER = 1.25
"""By how much a look that found nothing puts off the next one, up to the pause before the first: where an iteration
takes seconds, looking more often would show no more of it."""
MOST = 4 * 1024 * 1024
"""Bytes that one look reads."""
PREFIX = "live/"

_followed: set[str] = set()
"""The files that are being followed: what two trainings of a process write into one file is of neither."""


class Live:
    """Follows one training until it is told to stop."""

    def __init__(self, run: Run, notes: Notes) -> None:
        self._run = run
        self._notes = notes
        self._curves: Curves | None = None
        self._offset = 0
        self._last = -1
        self._file = str(notes.file)
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._testament = Testament(run, write_noted, notes.file, started=notes.started)

    def begin(self) -> None:
        """Look from now on."""
        if self._file not in _followed:
            _followed.add(self._file)
            # A daemon, so that nobody waits for it who leaves without an end of the training.
            self._thread = threading.Thread(target=self._follow, name="autotrack-catboost", daemon=True)
            self._thread.start()

    def end(self) -> None:
        """The training is over; it has been looked at for the last time when this returns."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            _followed.discard(self._file)

    def written(self) -> None:
        """The curves of the training are in the record."""
        self._testament.revoke()

    def _follow(self) -> None:
        if self._over.wait(SOON):
            return
        self._testament.keep()
        pause = PAUSE
        while not self._over.wait(pause):
            before = self._offset
            if not self._look():
                return
            pause = min(SHORT, PAUSE) if self._offset > before else min(pause * LONGER, PAUSE)

    def _look(self) -> bool:
        """Write what is new; false where the file is no longer this training's."""
        if not self._notes.fresh():
            return True  # CatBoost has not begun to write
        with self._notes.file.open("rb") as file:
            if file.seek(0, 2) < self._offset:
                return False
            file.seek(self._offset)
            whole, newline, _ = file.read(MOST).rpartition(b"\n")
        # The end of the file, which CatBoost writes over with the next iteration, has no end of a line.
        for line in whole.split(b"\n"):
            if not self._take(line.rstrip(b",")):
                return False
        self._offset += len(whole) + len(newline)
        return True

    def _take(self, line: bytes) -> bool:
        if line.startswith(b'"meta":'):
            self._curves = Curves(json.loads(line.removeprefix(b'"meta":')))
        elif line.startswith(b"{") and line.endswith(b"}") and self._curves is not None:
            note: dict[str, Any] = json.loads(line)
            step, values = note["iteration"], self._curves.of(note)
            if step <= self._last:
                return False
            self._last = step
            live = {PREFIX + key: value for key, value in values.items()}
            self._run.metrics(live, step, time_ms=self._notes.time_ms(note))
        return True
