"""A program's directory, and what its runs have left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autotrack.journal.reader import events_name, read_events, run_files

RECORD = "import autotrack\nwith autotrack.start_run():\n    pass\n"
"""A program that leaves one run."""


@dataclass
class Project:
    """A directory with a program in it, and the store that its runs go to."""

    directory: Path
    store: Path

    def write(self, **files: str) -> Project:
        """Write files; "__" in a name stands for "/", and ".py" is added to one without a dot."""
        for name, text in files.items():
            path = self.directory / (name.replace("__", "/").replace("_dot_", ".") + ("" if "_dot_" in name else ".py"))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return self

    def git(self, *arguments: str) -> str:
        """git, as its user calls it."""
        done = subprocess.run(["git", *arguments], cwd=self.directory, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self) -> str:
        """Commit everything; the commit's id."""
        if not (self.directory / ".git").exists():
            self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "a state")
        return self.git("rev-parse", "HEAD")

    def run(self, *arguments: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run ``python`` with these arguments, by default the program ``train.py``."""
        done = subprocess.run(
            [sys.executable, *(arguments or ("train.py",))], cwd=self.directory, capture_output=True, text=True,
            env={**os.environ, "PYTEST_CURRENT_TEST": "", **environment}, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done

    def commit_with(self, *places: str) -> None:
        """Commit everything by the git that lies in one of these places, whatever stands first on the path."""
        git = next(place for place in places if Path(place).exists())
        for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "a state")):
            subprocess.run([git, *words], cwd=self.directory, check=True)

    def begin(self, *, close_fds: bool = True) -> subprocess.Popen[bytes]:
        """Start the program and go on."""
        return subprocess.Popen(
            [sys.executable, "train.py"], cwd=self.directory, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, close_fds=close_fds,
        )  # fmt: skip

    def ended(self) -> bool:
        """Wait until no helper is at work."""
        return bool(self.eventually(lambda: not self.helpers()))

    def helpers(self) -> list[int]:
        """The helpers of this project's programs that are at work: nobody's children, with the programs' variables."""
        mark = f"AUTOTRACK_TRACKING_URI={self.store}\0".encode()
        found = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
        return [pid for pid in found if _is_helper(pid, mark)]

    def runs(self) -> list[Recorded]:
        """What was recorded, oldest first, once nobody adds to it any more."""
        self.ended()
        found = [Recorded(path) for path in (self.store / "runs").iterdir()]
        return sorted(found, key=lambda run: run.events[0].time)

    def only(self) -> Recorded:
        """The one run."""
        (run,) = self.runs()
        return run

    def eventually(self, ready: Callable[[], Any]) -> Any:
        """What is found once it is there: the helper may outlive the program by some seconds."""
        until = time.monotonic() + 60
        while not (found := ready()):
            assert time.monotonic() < until, "it did not come"
            time.sleep(0.01)
        return found


def _is_helper(pid: int, mark: bytes) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()  # of the shell that starts it, the whole is one word
        return (
            b"autotrack.context" in words and b"\0-I\0" in words and mark in Path(f"/proc/{pid}/environ").read_bytes()
        )
    except OSError:
        return False


class Recorded:
    """A run as its journal and its files have it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.context = directory / "artifacts" / "context"
        files = run_files(directory)
        writers = files.events if files else ()
        lines = [line for writer in writers for line in read_events(directory / events_name(writer)).lines]
        self.events = sorted(lines, key=lambda line: line.order)

    @property
    def tags(self) -> dict[str, str]:
        """Its tags."""
        return {k: v for line in self.events if line.event.kind == "tags" for k, v in line.event.values.items()}

    @property
    def params(self) -> dict[str, str]:
        """Its parameters, each with the first value that was logged."""
        found: dict[str, str] = {}
        for line in self.events:
            if line.event.kind == "params":
                found = {**line.event.values, **found}
        return found

    @property
    def noted(self) -> set[str]:
        """The files of the context that its journal names."""
        named = (line.event.path for line in self.events if line.event.kind == "artifact")
        return {path.removeprefix("context/") for path in named if path.startswith("context/")}

    def fact(self, name: str) -> Any:
        """The content of a JSON file."""
        return json.loads((self.context / name).read_text())
