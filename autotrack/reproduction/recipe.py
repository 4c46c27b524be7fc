"""What it takes to do a run again, as far as its record says it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.analysis.context import context
from autotrack.exceptions import AutotrackException
from autotrack.redact import MARK
from autotrack.reproduction.inputs import Input, inputs_of

if TYPE_CHECKING:
    from autotrack.client import Client
    from autotrack.context.record import Record
    from autotrack.entities import Run

_ELSEWHERE = frozenset(("HOSTNAME", "VIRTUAL_ENV", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONEXECUTABLE", "LD_PRELOAD"))
"""Variables that say where a program ran."""
_RANKS = frozenset(("LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "RANK", "WORLD_SIZE"))
_STARTUP = os.path.join("autotrack", "cli", "startup")  # noqa: PTH118 - the end of a path
"""Where `autotrack run` is found on the path of what it starts."""
CELLS = "notebook_cells.py"
"""The cells of a notebook, as a program among its code."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that stands in the way, and what can be done about it."""

    text: str
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that is known of how a run came about."""

    run: Run
    record: Record
    inputs: tuple[Input, ...]
    given: tuple[str, ...] = ()
    """The words of another command than the recorded one; the program first, or ``-m``."""
    problems: tuple[Problem, ...] = field(default=())

    @property
    def root(self) -> Path:
        """Where the code lay."""
        return Path(str(self.record.code.get("root") or self.record.launch.get("directory") or "/"))

    @property
    def commit(self) -> str | None:
        """The commit that the code was based on."""
        found = self.record.code.get("commit")
        return str(found) if found else None

    @property
    def directory(self) -> Path:
        """Where the program worked."""
        return Path(str(self.record.launch.get("directory") or self.root))

    @property
    def python(self) -> str:
        """The version of the interpreter; empty if it is not known."""
        return str((self.record.environment.get("python") or {}).get("version") or "")

    @property
    def variables(self) -> dict[str, str]:
        """The recorded variables of the environment that change what a program computes."""
        given = dict(self.record.launch.get("environment") or {})
        if "PYTHONPATH" in given:
            path = [entry for entry in given["PYTHONPATH"].split(os.pathsep) if not entry.endswith(_STARTUP)]
            given["PYTHONPATH"] = os.pathsep.join(path)
        return {
            name: value
            for name, value in given.items()
            if value and not name.startswith(("AUTOTRACK_", "CONDA_")) and name not in _RANKS | _ELSEWHERE
        }

    def words(self, code: Path, prefix: Path | None = None) -> list[str]:
        """The command line behind the interpreter, with the places of this run turned into those of another one: of
        its ``code``, and of the environment's ``prefix``."""
        if self.given:
            return list(self.given)
        launch = self.record.launch
        if launch.get("kind") == "notebook":
            return [str(code / CELLS)]
        words = [self.moved(word, code, prefix) for word in map(str, launch.get("command", ())[1:])]
        world = (launch.get("environment") or {}).get("WORLD_SIZE", "1")
        if "torchrun" in self.run.data.tags.get("autotrack.launcher", "") and world.isdecimal() and words:
            flags = [word for word in words if word == "-u"]
            return [*flags, "-m", "torch.distributed.run", f"--nproc-per-node={world}", *words[len(flags) :]]
        return words

    def moved(self, word: str, code: Path, prefix: Path | None = None) -> str:
        """A word of the command line, or a variable's value, with the places of another run in it."""
        places = [(str(self.root), str(code))]
        if prefix is not None and self.record.launch.get("prefix"):
            # The longer one first, as an environment often lies in the project.
            places.insert(0, (str(self.record.launch["prefix"]), str(prefix)))
        for old, new in places:
            if old != "/":
                word = new if word == old else word.replace(f"{old}/", f"{new}/")
        return word

    def place(self, code: Path, elsewhere: Path) -> Path:
        """The working directory among the new code; ``elsewhere`` for a program that worked outside of its code."""
        if self.directory.is_relative_to(self.root):
            return code / self.directory.relative_to(self.root)
        return elsewhere


def recipe(client: Client, run: Run, given: Sequence[str] = ()) -> Recipe:
    """The recipe of a run; raises where nothing of its context was recorded. ``given`` are the words of another command
    than the recorded one."""
    record = context(client, run)
    if record is None or not record.launch:
        raise AutotrackException.missing(
            f"nothing is known of the code and environment of run {run.info.run_id}: it was recorded with "
            "AUTOTRACK_CONTEXT=0, by another tool or by a client; `autotrack show` tells what is known"
        )
    made = Recipe(run, record, tuple(inputs_of(run)), tuple(given))
    return Recipe(run, record, made.inputs, made.given, tuple(_problems(made)))


def shown(words: Sequence[str]) -> str:
    """A command line as one types it."""
    return shlex.join(["python", *words])


def _problems(made: Recipe) -> Iterator[Problem]:
    yield from _of_code(made)
    launch = made.record.launch
    if made.given:
        return
    command = [str(word) for word in launch.get("command", ())]
    if launch.get("kind") == "interactive" or command[1:] in ([], ["-"]):
        yield Problem("the program was typed in or piped, and is not recorded; give a command behind --", fatal=True)
    if any(MARK in word for word in command):
        yield Problem(
            "an argument of the command was a secret and is not recorded; give the whole command behind --", fatal=True
        )
    if launch.get("kind") == "notebook" and not (made.record.directory / "cells.py").is_file():
        yield Problem("the notebook's cells were not recorded; give a command behind --", fatal=True)


def _of_code(made: Recipe) -> Iterator[Problem]:
    code: dict[str, Any] = dict(made.record.code)
    if not code:
        yield Problem("the code was not recorded (the program ended before it could be)", fatal=True)
        return
    for name in code.get("missing") or ():
        yield Problem(f"the code's {name} could not be read in time, and are not in the record", fatal=True)
    if (code.get("changes") or {}).get("truncated"):
        yield Problem("the difference from the commit was too large, and is in the record in part", fatal=True)
    if code.get("vcs") and not code.get("commit"):
        yield Problem("nothing had been committed yet; what git tracked is not in the record", fatal=True)
    if MARK.encode() in made.record.changes:
        yield Problem("a secret was taken out of the difference from the commit, which may not apply")
    for name, file in made.record.files.items():
        if MARK.encode() in file.read_bytes():
            yield Problem(f"a secret was taken out of {name}")
    if code.get("late"):
        yield Problem("the code was read after the program had ended; it may have been changed meanwhile")
