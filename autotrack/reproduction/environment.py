"""An environment with the versions that a run had."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from autotrack.exceptions import AutotrackException
from autotrack.reproduction.recipe import Problem, Recipe

OURS = "autotrack-ml"
_NOT_INSTALLED = frozenset((OURS, "pip"))
"""What a new environment has of itself, or is given from here."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where distributions are taken from."""

    index: str | None = None
    wheels: tuple[Path, ...] = ()
    only_wheels: bool = False

    @property
    def options(self) -> list[str]:
        """For pip."""
        found = ["--index-url", self.index] if self.index else []
        found += [word for place in self.wheels for word in ("--find-links", str(place))]
        return [*found, "--no-index"] if self.only_wheels else found


def interpreter(recipe: Recipe, given: str | None = None) -> tuple[str | None, list[Problem]]:
    """The Python to make the environment with: of the recorded minor version, if there is one."""
    wanted = ".".join(recipe.python.split(".")[:2])
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if given is not None:
        return given, []
    if wanted in ("", here):
        return sys.executable, []
    found = shutil.which(f"python{wanted}")
    if found is None:
        return None, [
            Problem(f"the run had Python {recipe.python}, and there is none here; name one by --python", True)
        ]
    return found, []


def requirements(recipe: Recipe, code: Path) -> tuple[list[str], list[Problem]]:
    """What pip is asked to install, one line for each recorded distribution."""
    lines, problems = [], []
    for one in recipe.record.packages:
        if one["name"] in _NOT_INSTALLED:
            continue
        line, problem = _line(recipe, code, one)
        lines += [line] if line else []
        problems += [problem] if problem else []
    return lines, problems


def make(place: Path, python: str, lines: Sequence[str], sources: Sources) -> list[Problem]:
    """Make the environment, and install what is asked for; gives what could not be had as it was.

    Nothing but what the lines name is installed, as they name everything that there was.
    """
    _run([python, "-m", "venv", "--clear", str(place)], "making the environment")
    problems: list[Problem] = []
    if lines and (error := _installed(place, lines, sources)):
        for line in lines:
            if _installed(place, [line], sources):
                plain = re.sub(r"\+[^ ;]*$", "", line)  # a build that an index has under another name, or not at all
                if plain != line and not _installed(place, [plain], sources):
                    problems.append(Problem(f"{line} could not be had; {plain} is used"))
                else:
                    problems.append(Problem(f"{line} could not be installed; --wheels DIR or --index URL may have it"))
        if len(problems) == len(lines):
            raise AutotrackException(f"nothing could be installed: {error}", "INVALID_STATE")
    _give(place)
    return problems


def python_of(place: Path) -> Path:
    """The interpreter of an environment."""
    return place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _line(recipe: Recipe, code: Path, one: dict[str, Any]) -> tuple[str, Problem | None]:
    name, url = one["name"], str(one.get("url") or "")
    if not url:
        return f"{name}=={one['version']}", None
    if one.get("commit"):
        return f"{name} @ git+{url}@{one['commit']}", None
    parts = urlsplit(url)
    if parts.scheme != "file":
        return f"{name} @ {url}", None
    place = Path(unquote(parts.path))
    if place.is_relative_to(recipe.root) and recipe.root != Path("/"):
        inside = code / place.relative_to(recipe.root)
        return f"{'-e ' if one.get('editable') else ''}{inside}", None
    if place.exists():
        return str(place), Problem(
            f"{name} was installed from {place}, whose code is not in the record; it is used as it is"
        )
    return "", Problem(f"{name} {one['version']} was installed from {place}, which is gone")


def _installed(place: Path, lines: Sequence[str], sources: Sources) -> str:
    """Have pip install; empty if it could, else what it said."""
    words = [part for line in lines for part in (line.split(" ", 1) if line.startswith("-e ") else [line])]
    done = subprocess.run(  # noqa: S603 - pip of the environment that we have made
        [str(python_of(place)), "-m", "pip", "install", "-q", "--no-deps", "--disable-pip-version-check", "--no-input",
         *sources.options, *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return "" if not done.returncode else done.stderr.strip()[-2000:] or f"exit code {done.returncode}"


def _give(place: Path) -> None:
    """Have autotrack there as it is here, so that what is repeated is recorded by what compares it."""
    answer = _run([str(python_of(place)), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], "asking it")
    target, source = Path(answer.strip()), Path(sysconfig.get_path("purelib"))
    try:
        ours = distribution(OURS)
    except PackageNotFoundError:
        raise AutotrackException.missing(
            f"the distribution {OURS} is not installed here; a new environment needs it (--no-env goes without one)"
        ) from None
    for file in _files(ours):
        if file.is_relative_to(source) and file.is_file() and "__pycache__" not in file.parts:
            there = target / file.relative_to(source)
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, there)


def _files(ours: Distribution) -> Iterator[Path]:
    for file in ours.files or ():
        yield Path(str(ours.locate_file(file)))


def _run(words: list[str], what: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - an interpreter
    if done.returncode:
        raise AutotrackException(
            f"{what} failed: {done.stderr.strip()[-2000:] or done.stdout[-2000:]}", "INVALID_STATE"
        )
    return done.stdout
