"""What the processes beside a program have in common: each is nobody's, and may write for a program that is gone."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autotrack.sinks.local import LocalStream


def stand_alone() -> None:
    """Be nobody's: no terminal, no group, no open file but the two pipes, no signal held back."""
    if os.getsid(0) != os.getpid():
        os.setsid()
    os.closerange(3, 1 << 16)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    os.chdir("/")


@contextmanager
def in_place_of(home: Path) -> Iterator[LocalStream]:
    """A way into the run in a directory of a local store, whose program is gone and so will not write there."""
    from autotrack.journal.lists import Opened  # these are much, and needed only where a program has died
    from autotrack.sinks.local import LocalStream  # as above
    from autotrack.sinks.uploads.outbox import added_to  # as above

    stream = LocalStream(home)
    try:
        yield stream
    finally:
        stream.close()
    # So that an indexer that has seen the end looks once more, and what was sent already is completed.
    Opened(home.parent.parent).add(home.name)
    added_to(home)
