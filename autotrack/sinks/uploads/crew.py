"""What the uploader's thread works with: the runs under way, those left over from before, and the threads for files."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping

from autotrack import guard
from autotrack.sinks.uploads.link import Link, Waits
from autotrack.sinks.uploads.outbox import Outbox
from autotrack.sinks.uploads.run import RunUpload
from autotrack.sinks.uploads.transfer import Transfers

POSTPONED_SECONDS = 60.0
"""Before a run is looked at again that could not go on."""


class Crew:
    """Used by the uploader's thread; ``expect``, ``remote_id`` and ``arrived`` by any."""

    def __init__(self, outbox: Outbox, wake: Callable[[], None]) -> None:
        self._link = Link(outbox)
        self._link.parent = self._parent
        self._transfers = Transfers(outbox.server, wake)
        self._expected: deque[str] = deque()
        self._runs: dict[str, RunUpload] = {}
        self._active: dict[str, RunUpload] = {}
        self._postponed: dict[str, float] = {}
        self._left: deque[str] | None = None

    def expect(self, run_id: str) -> None:
        """Have a run of this process sent, or looked at again."""
        self._expected.append(run_id)

    def remote_id(self, run_id: str) -> str | None:
        """The id that a run has on the server, as far as that is known."""
        run = self._runs.get(run_id)
        return run.receipt.run_id if run is not None else None

    def arrived(self, wanted: Mapping[str, Mapping[str, int]], *, files: bool) -> bool:
        """Whether the server has the runs as far as their files had these sizes."""
        return all(
            (run := self._runs.get(run_id)) is not None and run.arrived(sizes, files=files)
            for run_id, sizes in wanted.items()
        )

    def over(self, wanted: Mapping[str, Mapping[str, int]]) -> bool:
        """The same with all files, and with what is said of a run once it has ended."""
        return self.arrived(wanted, files=True) and not any(self._runs[one].ending for one in wanted)

    def held(self, run_id: str) -> bool:
        """Whether a run cannot go on at the moment."""
        return self._postponed.get(run_id, 0.0) > time.monotonic()

    def work(self) -> bool:
        """Send what there is; gives whether more is there already. Raises what the connection raises."""
        while self._expected:
            run_id = self._expected.popleft()
            self._postponed.pop(run_id, None)  # who asks for it does not want it put off
            self._begin(run_id)
        more = False
        for run_id, run in list(self._active.items()):
            if not self.held(run_id):
                more = self._step(run_id, run) or more
        return self._help() or more

    def work_on(self, run_id: str) -> tuple[RunUpload, bool]:
        """One step with one run, and whether there is more already; raises what the connection raises."""
        run = self._active.get(run_id) or self._begin(run_id)
        more = run.step()
        if run.finished:
            self._active.pop(run_id, None)
        return run, more

    def close(self) -> None:
        """Let other processes send what is left."""
        for run in self._active.values():
            run.let_go()

    def _begin(self, run_id: str) -> RunUpload:
        if run_id not in self._runs:
            self._runs[run_id] = RunUpload(self._link, run_id, self._transfers)
        run = self._active[run_id] = self._runs[run_id]
        run.finished = False
        return run

    def _step(self, run_id: str, run: RunUpload) -> bool:
        try:
            more = run.step()
        except Waits as error:
            if not error.soon:
                guard.warn(f"upload of {run_id}", f"{error.message}; until then the record is kept here")
                self._postponed[run_id] = time.monotonic() + POSTPONED_SECONDS
            run.let_go()
            return False
        if run.finished:
            del self._active[run_id]
        return more

    def _help(self) -> bool:
        """Take up a run that an earlier program has left, when there is nothing else to do."""
        if self._left is None:
            self._left = deque(one for one in self._link.outbox.waiting() if one not in self._runs)
        if not self._left or any(run.busy for run in self._active.values()):
            return False
        run_id = self._left.popleft()
        if run_id in self._runs:
            return bool(self._left)
        run = RunUpload(self._link, run_id, self._transfers)
        self._active[run_id] = self._runs[run_id] = run
        self._step(run_id, run)
        if not run.finished and not run.busy:  # another process has it, or is still writing to it
            run.let_go()
            self._active.pop(run_id, None)
        return bool(self._left)

    def _parent(self, run_id: str) -> str:
        """The id on the server of a run that others are nested in; it is made there before them."""
        if self._link.native or (run_id not in self._runs and not self._link.outbox.knows(run_id)):
            return run_id
        run = self._runs.get(run_id) or RunUpload(self._link, run_id, self._transfers)
        self._runs.setdefault(run_id, run)
        return run.create()
