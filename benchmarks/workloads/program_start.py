"""A program of one run, from its start to its end, in a git repository with a change that is not committed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.tracker import Tracker
from benchmarks.workload import Measured, Row, seconds

TURNS, FILES = 5, 2000
ROWS = (
    Row("bare", "the program without a tracker", compared=False),
    Row("added", "added by a run with nothing in it, with what each records of a program by default"),
)
PROGRAM = """
from benchmarks import trackers
used = trackers.find({name!r})()
used.open()
used.close()
"""


def measure(tracker: type[Tracker]) -> Measured:
    """The whole process, import and exit included; the recorded and the bare one in turn."""
    name = tracker.__module__.rpartition(".")[2]
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as directory:
        _repository(Path(directory))
        (Path(directory) / "train.py").write_text(PROGRAM.format(name=name))
        (Path(directory) / "bare.py").write_text("pass\n")

        def program(file: str) -> float:
            command = [sys.executable, file]
            return seconds(lambda: subprocess.run(command, cwd=directory, check=True, stdout=subprocess.DEVNULL))

        program("train.py")  # makes the store and every cache
        pairs = [(program("bare.py"), program("train.py")) for _ in range(TURNS)]
    bare, whole = (median(column) for column in zip(*pairs, strict=True))
    return Measured({"bare": bare, "added": whole - bare})


def _repository(directory: Path) -> None:
    for number in range(FILES):
        (directory / f"module{number}.py").write_text(f"x = {number}\n")
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    for words in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "a state"]):
        subprocess.run(["git", *words], cwd=directory, check=True)
    (directory / "module0.py").write_text("x = -1\n")
