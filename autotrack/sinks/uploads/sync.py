"""Sending what a store holds for its servers, in the caller's own thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from autotrack.journal.reader import run_files, valid_run_id
from autotrack.sinks.uploads.crew import Crew
from autotrack.sinks.uploads.link import Waits
from autotrack.sinks.uploads.outbox import Outbox
from autotrack.wire.address import CHANCE
from autotrack.wire.connection import Unavailable

SENT, RUNNING, ELSEWHERE, HELD = "sent", "running", "elsewhere", "held"
"""All of a run has arrived; so far as it goes, as it still runs; another process is sending it; it cannot go on."""
_LONGEST_PAUSE = 10.0


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of one run."""

    run_id: str
    server_run_id: str | None
    state: str
    reason: str = ""


def unsent(store: Path, outbox: Outbox) -> Iterator[str]:
    """The runs of a store of which a server lacks something, oldest first."""
    runs = store / "runs"
    found = [(one.stat().st_mtime_ns, one.name) for one in runs.iterdir()] if runs.is_dir() else []
    for _, run_id in sorted(found):
        files = run_files(runs / run_id) if valid_run_id(run_id) else None
        if files and files.events and not outbox.receipt(run_id).has(files.sizes, files=True):
            yield run_id


def sync(outbox: Outbox, patience: float, told: Callable[[Sent], object]) -> None:
    """Send every run that waits in an outbox; ``told`` hears of each. An outage is borne for ``patience`` seconds, then
    raised; what has arrived until then need not be sent again."""
    wake = threading.Event()
    crew = Crew(outbox, wake.set)
    try:
        for run_id in outbox.waiting():
            told(_send(crew, run_id, wake, patience))
    finally:
        crew.close()


def _send(crew: Crew, run_id: str, wake: threading.Event, patience: float) -> Sent:
    end, pause = time.monotonic() + patience, 0.1
    while True:
        try:
            run, more = crew.work_on(run_id)
        except Unavailable as error:
            wait = error.after if error.after is not None else pause * CHANCE.uniform(0.5, 1.5)
            if time.monotonic() + wait >= end:
                raise
            time.sleep(wait)
            pause = min(2 * pause, _LONGEST_PAUSE)
            continue
        except Waits as error:
            if error.soon and time.monotonic() + pause < end:
                time.sleep(pause)
                continue
            return Sent(run_id, crew.remote_id(run_id), HELD, error.message)
        end, pause = time.monotonic() + patience, 0.1
        if run.finished:
            return Sent(run_id, run.receipt.run_id, SENT)
        if not run.mine:
            return Sent(run_id, run.receipt.run_id, ELSEWHERE)
        if run.busy:
            wake.wait(1.0)
            wake.clear()
        elif not more:
            return Sent(run_id, run.receipt.run_id, RUNNING)
