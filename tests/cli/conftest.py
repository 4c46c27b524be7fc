"""Programs started twice: as `python` runs them, and as `autotrack run` does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

PYTHON = [sys.executable]
AUTOTRACK = [sys.executable, "-m", "autotrack"]
RUN = [*AUTOTRACK, "run"]


@dataclass(frozen=True)
class Outcome:
    """All that somebody who starts a program sees of it."""

    code: int
    out: str
    err: str


def start(command: list[str], stdin: str = "", cwd: str | Path | None = None) -> Outcome:
    """Run a command to its end."""
    done = subprocess.run(command, input=stdin.encode(), capture_output=True, timeout=120, check=False, cwd=cwd)
    return Outcome(
        done.returncode, done.stdout.decode(errors="surrogateescape"), done.stderr.decode(errors="surrogateescape")
    )


@pytest.fixture
def script() -> Callable[..., str]:
    """Write a program, return its name."""

    def write(code: str, name: str = "program.py") -> str:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(code))
        return name

    return write


@pytest.fixture
def same() -> Callable[..., Outcome]:
    """Run a command line under both and demand that nobody could tell which was which."""

    def compare(*words: str, options: tuple[str, ...] = (), stdin: str = "") -> Outcome:
        plain = start([*PYTHON, *options, *words], stdin)
        for command in ([*RUN, *options, *words], [*PYTHON, *options, "-m", "autotrack", "run", *words]):
            assert start(command, stdin) == plain
        return plain

    return compare


@pytest.fixture
def autotrack() -> Callable[..., Outcome]:
    """The command `autotrack`."""
    return lambda *words, **more: start([*AUTOTRACK, *words], **more)
