"""A run's code, requirements and command as a folder, for whoever has no autotrack."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
from pathlib import Path
from typing import Any

from autotrack.analysis.difference import facts
from autotrack.client import Client
from autotrack.reproduction.environment import OURS
from autotrack.reproduction.inputs import SAME
from autotrack.reproduction.plan import Data, Plan, placed, prepare
from autotrack.reproduction.recipe import Problem

_HERE = Path("/the-folder-of-this-script")
"""Stands for the folder until the shell knows it."""
SCRIPT, REQUIREMENTS, EXPECTED, DIGESTS = "reproduce.sh", "requirements.txt", "expected.json", "data.sha256"


def write(client: Client, made: Plan) -> list[Problem]:
    """Fill the plan's place: ``code/``, the requirements, the expected results, the digests of the data and a script
    that makes the environment and runs the program; gives what could not be put back."""
    problems = prepare(made)
    shutil.rmtree(made.code / ".git", ignore_errors=True)  # it borrows from another repository's objects
    place, run = made.place, made.recipe.run
    own = [f"{OURS}=={one['version']}" for one in made.recipe.record.packages if one["name"] == OURS]
    requirements = [line.replace(f"{made.code}", "./code") for line in made.lines]
    (place / REQUIREMENTS).write_text("\n".join([*requirements, *own, ""]))
    known = facts(client, run)
    expected: dict[str, Any] = {part: known[part] for part in ("parameters", "data", "metrics")}
    (place / EXPECTED).write_text(json.dumps({"run_id": run.info.run_id, **expected}, indent=1, default=str) + "\n")
    digests = [line for one in made.data if one.state == SAME and (line := _digest(made, one))]
    (place / DIGESTS).write_text("".join(f"{line}\n" for line in digests))
    script = place / SCRIPT
    script.write_text(_script(made))
    script.chmod(0o755)
    return problems


def _digest(made: Plan, one: Data) -> str:
    """A line for ``sha256sum``; empty for a directory."""
    if not one.found.is_file():
        return ""
    there = placed(made, one.input)
    shown = there.relative_to(made.place) if there is not None else one.found
    with one.found.open("rb") as file:
        return f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {shown}"


def _script(made: Plan) -> str:
    recipe = made.recipe
    code, prefix = _HERE / "code", _HERE / "environment"
    command = " ".join(map(_quoted, recipe.words(code, prefix)))
    work = _quoted(str(recipe.place(code, _HERE / "work")))
    python = ".".join(recipe.python.split(".")[:2]) or "3"
    kept = {name: recipe.moved(value, code, prefix) for name, value in recipe.variables.items()}
    lines = [
        "#!/bin/sh",
        f"# Repeats the run {recipe.run.info.run_id}; {EXPECTED} holds what it recorded.",
        "set -eu",
        'HERE=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)',
        'cd "$HERE"',
        f"if [ -s {DIGESTS} ]; then sha256sum --check --quiet {DIGESTS}; fi",
        "if [ ! -d environment ]; then",
        f'    "${{PYTHON:-python{python}}}" -m venv environment',
        f"    environment/bin/python -m pip install --no-deps -r {REQUIREMENTS}",
        "fi",
        f"mkdir -p {work}",
        f"cd {work}",
        *(f"export {name}={_quoted(value)}" for name, value in sorted(kept.items())),
        f'exec "$HERE"/environment/bin/python {command} "$@"',
    ]
    return "\n".join(lines) + "\n"


def _quoted(word: str) -> str:
    """A word for the shell, with the place of the script in it where it was made with one."""
    return '"$HERE"'.join(shlex.quote(part) if part else "" for part in word.split(str(_HERE)))
