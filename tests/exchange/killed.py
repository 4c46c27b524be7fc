"""A program whose imports are killed, one after the other: ``killed.py BUNDLE PLACE MOMENT...``.

Moments are requests to a server, or what happens before and after each step of an import into a directory. After each,
a line of JSON says what is there, and whether the import was killed at all.
"""

import json
import os
import signal
import sys
from itertools import count
from pathlib import Path

from exchanged import bring

from autotrack.client import Client
from autotrack.exchange import journal, place
from autotrack.wire.connection import Connection

STEPS = ((journal, "write", 2), (place.Local, "keep", 2), (place.Local, "list", 2), (Connection, "call", 1))
"""Each with whether it counts before as well as after."""


def imported(bundle: str, to: str, moment: int) -> bool:
    """Import in a process of its own, which is killed at a moment; whether it was."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    moments = count(1)

    def passed() -> None:
        if next(moments) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    for owner, name, times in STEPS:
        setattr(owner, name, stepped(getattr(owner, name), passed, before=times > 1))
    bring(bundle, to)
    os._exit(0)


def stepped(real, passed, *, before):
    """A function that tells when it is called."""

    def call(*given, **named):
        if before:
            passed()
        done = real(*given, **named)
        passed()
        return done

    return call


def there(to: str) -> dict:
    """What each run holds: the names of its files, or its tags and how many points it has."""
    if not to.startswith("http"):
        runs = sorted((Path(to) / "runs").glob("*"))
        return {run.name: sorted(one.relative_to(run).as_posix() for one in run.rglob("*")) for run in runs}
    client = Client(to)
    runs = client.search_runs([one.experiment_id for one in client.search_experiments()])
    return {
        run.info.run_id: [
            run.data.tags,
            {key: len(client.get_metric_history(run.info.run_id, key)) for key in run.data.metrics},
        ]
        for run in runs
    }


if __name__ == "__main__":
    for number in sys.argv[3:]:
        was = imported(sys.argv[1], sys.argv[2], int(number))
        sys.stdout.write(json.dumps({"killed": was, "runs": there(sys.argv[2])}) + "\n")
        sys.stdout.flush()
