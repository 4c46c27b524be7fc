"""What will be done to repeat a run, before anything is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from autotrack.reproduction import environment
from autotrack.reproduction.inputs import CHANGED, GONE, SAME, Input, bring
from autotrack.reproduction.recipe import Problem, Recipe, shown
from autotrack.reproduction.tree import build, source_of


@dataclass(frozen=True, slots=True)
class Data:
    """A file that the run has read: where it is found today, and how that compares."""

    input: Input
    found: Path
    state: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Where each thing comes from, and where it goes."""

    recipe: Recipe
    place: Path
    """The directory that is made: ``code/``, ``environment/`` and, for a program that worked elsewhere, ``work/``."""
    source: Path | None
    """The repository of this machine that has the commit."""
    python: str | None
    own_environment: bool
    lines: tuple[str, ...]
    data: tuple[Data, ...]
    problems: tuple[Problem, ...]

    @property
    def code(self) -> Path:
        """Where the code goes."""
        return self.place / "code"

    @property
    def prefix(self) -> Path | None:
        """Where the environment goes, if one is made."""
        return self.place / "environment" if self.own_environment else None

    @property
    def work(self) -> Path:
        """Where a program works that did not work among its code."""
        return self.place / "work"

    @property
    def interpreter(self) -> Path:
        """What runs the program."""
        return environment.python_of(self.prefix) if self.prefix is not None else Path(str(self.python))

    @property
    def words(self) -> list[str]:
        """The command line behind the interpreter."""
        return self.recipe.words(self.code, self.prefix)

    @property
    def fatal(self) -> list[Problem]:
        """What has to be mended first."""
        return [one for one in self.problems if one.fatal]


def plan(
    recipe: Recipe, place: Path, *, repositories: Sequence[Path] = (), own_environment: bool, python: str | None
) -> Plan:
    """Look up where everything would come from; writes nothing."""
    source = source_of(recipe, repositories)
    problems = list(recipe.problems)
    if recipe.commit is not None and source is None and not recipe.record.code.get("remote"):
        problems.append(
            Problem(f"no repository with the commit {recipe.commit[:12]} is known; name one by --repo", fatal=True)
        )
    chosen, more = environment.interpreter(recipe, python) if own_environment else (python, [])
    problems += more
    lines, more = environment.requirements(recipe, place / "code") if own_environment else ([], [])
    problems += more
    if own_environment and not recipe.record.packages:
        problems.append(Problem("the installed packages were not recorded; --no-env takes this interpreter's", True))
    data = tuple(_data(recipe, one, source) for one in recipe.inputs)
    problems += [Problem(f"{one.found} is {one.state}") for one in data if one.state in (CHANGED, GONE)]
    return Plan(recipe, place, source, chosen, own_environment, tuple(lines), data, tuple(problems))


def _data(recipe: Recipe, one: Input, source: Path | None) -> Data:
    """Where a file is found: where it was read, or at the same place in the repository that the code comes from."""
    found = one.path
    if not found.exists() and source is not None and found.is_relative_to(recipe.root):
        found = source / one.path.relative_to(recipe.root)
    return Data(one, found, one.state(found))


def prepare(made: Plan) -> list[Problem]:
    """Put the code together, and the data that lay among it; gives what could not be put back."""
    problems = build(made.recipe, made.code, made.source)
    for one in made.data:
        target = placed(made, one.input)
        if target is not None:
            bring(one.found, target)
            if one.state not in (CHANGED, GONE) and one.input.state(target) == CHANGED:
                problems.append(Problem(f"{target} is not what the run has read"))
    return problems


def placed(made: Plan, one: Input) -> Path | None:
    """Where the repeated program looks for a file that lay among the code or where the program worked; ``None`` for
    one that lies elsewhere, and is read there."""
    recipe = made.recipe
    for old, new in ((recipe.root, made.code), (recipe.directory, made.work)):
        if old != Path("/") and one.path.is_relative_to(old):
            return new / one.path.relative_to(old)
    return None


def steps(made: Plan) -> Iterator[tuple[str, list[str]]]:
    """The plan in words: each step, and what is to be said of it."""
    recipe = made.recipe
    code = recipe.record.code
    if recipe.commit is not None:
        where = str(made.source or code.get("remote"))
        changed = ["with the recorded difference from it"] if recipe.record.changes.strip() else []
        added = [f"with {len(recipe.record.files)} recorded files beside it"] if recipe.record.files else []
        yield f"code: commit {recipe.commit[:12]} from {where}", [*changed, *added, f"into {made.code}"]
    else:
        yield f"code: {len(recipe.record.files)} recorded files", [f"into {made.code}"]
    if made.own_environment:
        yield f"environment: Python {recipe.python} with {len(made.lines)} distributions", [f"into {made.prefix}"]
    else:
        yield "environment: the present interpreter", [str(made.python)]
    if made.data:
        same = sum(one.state == SAME for one in made.data)
        other = [f"{one.found}: {one.state}" for one in made.data if one.state != SAME]
        yield f"data: {len(made.data)} files, {same} of them the same as then", other
    yield f"command: {shown(made.words)}", [f"in {recipe.place(made.code, made.work)}"]
