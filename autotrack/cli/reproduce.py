"""``autotrack reproduce``: a run, done again from its record, and a verdict."""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autotrack.cli import find, text
from autotrack.cli.console import open_console, plain
from autotrack.cli.options import AsJson, RunId, Store
from autotrack.client import Client
from autotrack.exceptions import AutotrackException
from autotrack.reproduction import folder, predictions, repetition
from autotrack.reproduction.environment import Sources, make
from autotrack.reproduction.plan import Plan, plan, prepare, steps
from autotrack.reproduction.recipe import Problem, recipe
from autotrack.reproduction.repetition import failed, repeat
from autotrack.reproduction.verdict import CLOSE, DIFFERENT, EQUAL, TOLERANCE, UNKNOWN, Verdict, verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

_COLORS = {EQUAL: "green", CLOSE: "green", UNKNOWN: "yellow", DIFFERENT: "bold red"}
_SAID = 12


def reproduce(
    run: RunId,
    command: Annotated[
        list[str] | None,
        typer.Argument(help="Behind --: another command than the recorded one, as a script or -m and a module."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    no_env: Annotated[
        bool, typer.Option("--no-env", help="Use this interpreter and what is installed for it.")
    ] = False,
    export: Annotated[
        Path | None,
        typer.Option("--export", help="Write code, requirements and a script to this folder, and run nothing."),
    ] = None,
    directory: Annotated[
        Path | None, typer.Option("--dir", help="Where to put code and environment; by default a temporary place.")
    ] = None,
    repo: Annotated[
        list[Path] | None, typer.Option("--repo", help="A repository that has the commit; may be repeated.")
    ] = None,
    python: Annotated[
        str | None, typer.Option("--python", help="The interpreter to make the environment with.")
    ] = None,
    wheels: Annotated[
        list[Path] | None, typer.Option("--wheels", help="A directory of wheels to install from.")
    ] = None,
    only_wheels: Annotated[bool, typer.Option("--no-index", help="Install from --wheels alone.")] = False,
    index: Annotated[str | None, typer.Option("--index", help="The address of a package index.")] = None,
    tolerance: Annotated[
        float, typer.Option("--tolerance", help="Relative difference up to which numbers count as close.", min=0.0)
    ] = TOLERANCE,
    trust: Annotated[
        bool, typer.Option("--trust", help="Load models to compare predictions though nothing vouches for them.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the temporary place.")] = False,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Run a run's program again, with its code, packages, data and command, and say whether the results are the same.

    Ends with 0 only if they are: parameters, data, metrics and predictions equal, or close within the tolerance.
    """
    client = Client(store)
    made_from = recipe(client, find.run(client, run), tuple(command or ()))
    place, temporary = _place(export or directory, new=not dry_run)
    made = plan(
        made_from, place, repositories=[*(repo or ()), Path.cwd()], own_environment=export is not None or not no_env,
        python=python or (sys.executable if no_env else None),
    )  # fmt: skip
    console = open_console()
    try:
        if dry_run:
            _tell_plan(console, made, as_json=as_json)
            raise typer.Exit(1 if made.fatal else 0)
        _refuse(made)
        if export is not None:
            _warn(folder.write(client, made))
            console.print(plain(f"{place / folder.SCRIPT} repeats the run"))
            return
        found = _repeated(client, made, Sources(index, tuple(wheels or ()), only_wheels), tolerance, trust=trust)
    finally:
        if temporary and not keep:
            shutil.rmtree(place, ignore_errors=True)
    if as_json:
        print(text.as_json({**asdict(found), "reproduced": found.reproduced}))
    else:
        _tell(console, found)
    raise typer.Exit(0 if found.reproduced else 1)


def _repeated(client: Client, made: Plan, sources: Sources, tolerance: float, *, trust: bool) -> Verdict:
    _warn([*made.problems, *prepare(made)])
    if made.prefix is not None:
        sys.stderr.write(f"autotrack: installing {len(made.lines)} distributions into {made.prefix}\n")
        _warn(make(made.prefix, str(made.python), made.lines, sources))
    run = made.recipe.run
    done = repeat(
        client, made.recipe, python=made.interpreter, code=made.code, elsewhere=made.work, prefix=made.prefix,
        experiment=client.get_experiment(run.info.experiment_id).name,
    )  # fmt: skip
    if done.run is None:
        raise failed(done, made.code)
    asked = predictions.compare(
        client, run, done.run, python=made.interpreter, place=made.recipe.place(made.code, made.work),
        environment=repetition.variables(made.recipe, made.code, made.prefix), tolerance=tolerance, trust=trust,
    )  # fmt: skip
    return verdict(client, run, done.run, asked, tolerance=tolerance)


def _place(given: Path | None, *, new: bool) -> tuple[Path, bool]:
    """Where everything goes, and whether that is a place of ours; one that is named must be empty."""
    if given is None:
        return Path(tempfile.mkdtemp(prefix="autotrack-reproduce-") if new else f"{tempfile.gettempdir()}/…"), new
    place = given.absolute()
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise AutotrackException.invalid(f"{given} is there and not empty; name a new directory")
    if new:
        place.mkdir(parents=True, exist_ok=True)
    return place, False


def _refuse(made: Plan) -> None:
    if made.fatal:
        raise AutotrackException(
            "the run cannot be repeated: " + "; ".join(problem.text for problem in made.fatal), "INVALID_STATE"
        )


def _warn(problems: Sequence[Problem]) -> None:
    for problem in problems:
        sys.stderr.write(f"autotrack: {text.clean(problem.text)}\n")


def _tell_plan(console: Console, made: Plan, *, as_json: bool) -> None:
    if as_json:
        print(text.as_json({
            "run_id": made.recipe.run.info.run_id,
            "command": made.words,
            "steps": [{"step": step, "details": details} for step, details in steps(made)],
            "requirements": list(made.lines),
            "problems": [asdict(problem) for problem in made.problems],
        }))  # fmt: skip
        return
    for step, details in steps(made):
        console.print(plain(step, "bold"))
        for line in details:
            console.print(plain(f"  {line}"))
    for problem in made.problems:
        console.print(
            plain(f"{'in the way' if problem.fatal else 'note'}: {problem.text}", "red" if problem.fatal else "yellow")
        )


def _tell(console: Console, found: Verdict) -> None:
    for part in found.parts:
        console.print(plain(f"{part.name:<12} {part.state}", _COLORS[part.state]))
        for line in part.details[:_SAID]:
            console.print(plain(f"  {line}", "dim"))
        if len(part.details) > _SAID:
            console.print(plain(f"  … and {len(part.details) - _SAID} more; --json has them all", "dim"))
    short = f"{found.repeated[: find.SHORT]}"
    if found.reproduced:
        console.print(plain(f"reproduced: run {short} has the results of {found.run_id[: find.SHORT]}", "bold green"))
    else:
        console.print(plain(f"not reproduced: run {short} differs from {found.run_id[: find.SHORT]}", "bold red"))
