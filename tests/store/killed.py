"""A program that is killed in a collection, at one moment after the other: ``killed.py KIND DIRECTORY FIRST EVERY``.

Moments are what changes files, and the statements of a database. After each, another process finishes. What is wrong is
raised; the number of moments tried is printed.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

from places import place
from sqlalchemy import Engine, event

CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "shutil.rmtree"}


def main(kind: str, root: Path, first: int, every: int) -> int:
    """Gives how many moments were tried."""
    (root / "first").mkdir()
    with place(kind, root / "first") as home:
        kept = [home.run(), home.run()]
        gone = [home.run(), home.run()]
        for run_id in gone:
            home.client.delete_run(run_id)
    tried, ended = 0, -signal.SIGKILL
    while ended == -signal.SIGKILL:
        copy = root / str(tried)
        shutil.copytree(root / "first", copy, symlinks=True)
        ended = in_child(partial(collect, kind, copy, first + tried * every))
        assert in_child(partial(finish, kind, copy, kept)) == 0
        shutil.rmtree(copy)
        tried += 1
    assert ended == 0
    return tried


def collect(kind: str, root: Path, at: int) -> None:
    """Collect, and be killed before so many moments have passed."""
    moments = count()

    def moment() -> None:
        if next(moments) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    with place(kind, root) as home:
        home.runs()  # there is an index, which the others find as this process leaves it
        sys.addaudithook(lambda name, arguments: moment() if changes(name, arguments) else None)
        if kind != "directory":
            event.listen(Engine, "before_cursor_execute", lambda *_: moment())
            event.listen(Engine, "commit", lambda _: moment())
        home.collect()


def changes(name: str, arguments: tuple[object, ...]) -> bool:
    """Whether an event is about a change of a file; those of the index are SQLite's own."""
    return name in CHANGES or (name == "open" and isinstance(arguments[2], int) and bool(arguments[2] & os.O_CREAT))


def finish(kind: str, root: Path, kept: list[str]) -> None:
    """What was not to go is there, before and after another collection; nothing else is after it."""
    with place(kind, root) as home:
        assert all(map(home.whole, kept))
        assert home.collect().left == {}
        assert home.owners() == home.runs() == set(kept), (home.files(), kept)
        assert all(map(home.whole, kept))


def in_child(action: Callable[[], None]) -> int:
    """How a process that does this ends."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            action()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    sys.stdout.write(f"{main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))}\n")
