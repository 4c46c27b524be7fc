"""How a program was started, what it imported, and what it has said of itself."""

import json
import sys
from itertools import takewhile
from pathlib import Path
from types import ModuleType

import pytest
from projects import RECORD, Project

from autotrack.capture import launch
from autotrack.capture.launchers import LAUNCHERS, launchers
from autotrack.capture.packages import packages

RECORDED = """
import autotrack
autotrack.autolog(silent=True)
import joblib
"""
"""A program that uses something which autotrack has hooks for."""


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (("train.py", "--lr", "0.1"), "script"),
        (("-m", "package.train", "x"), "module"),
        (("-c", RECORD, "x"), "command"),
    ],
)
def test_how_a_program_was_started_is_known(project: Project, arguments: tuple[str, ...], kind: str):
    """By its script, as a module or as a command; with its arguments, where it stood, and what ran it."""
    project.write(package__train=RECORD).run(*arguments)
    launch = project.only().fact("launch.json")
    assert launch["kind"] == kind
    assert launch["argv"][1:] == list(arguments[1:] if kind == "script" else arguments[2:])
    assert launch["command"][1:] == list(arguments)
    assert launch["directory"] == str(project.directory)
    assert launch["executable"] == sys.executable
    assert launch["module"] == ("package.train" if kind == "module" else None)


@pytest.mark.parametrize("name", LAUNCHERS)
def test_a_launcher_is_recognised(name: str):
    """By its own variables; what it calls the execution becomes tags."""
    launcher = LAUNCHERS[name]
    environment = {variable: f"<{end}>" for end, variable in launcher.ids.items()} | {launcher.sign: "x"}
    tags = launchers(environment)
    assert tags.pop("autotrack.launcher") == name
    assert set(tags) == {f"autotrack.{name}.{end}" for end in launcher.ids}
    assert launchers({}) == {}


def test_ids_of_launchers_are_tags_of_each_run(project: Project):
    """Airflow's try in a Slurm job, say."""
    project.run(SLURM_JOB_ID="12", AIRFLOW_CTX_DAG_ID="etl", AIRFLOW_CTX_TRY_NUMBER="2")
    tags = project.only().tags
    assert tags["autotrack.launcher"] == "airflow,slurm"
    assert (tags["autotrack.slurm.job_id"], tags["autotrack.airflow.try_number"]) == ("12", "2")


def test_of_the_variables_only_known_ones_are_recorded(project: Project):
    """Those that change what is computed, by an allow-list."""
    project.run(OMP_NUM_THREADS="3", PYTHONHASHSEED="0", HOME_ADDRESS="Elm Street", PATH_TO_MONEY="x")
    recorded = project.only().fact("launch.json")["environment"]
    assert recorded["OMP_NUM_THREADS"] == "3"
    assert recorded["PYTHONHASHSEED"] == "0"
    assert not {"HOME_ADDRESS", "PATH_TO_MONEY", "PATH", "HOME"} & set(recorded)


def test_what_was_imported_by_the_end_is_marked(project: Project):
    """Of the installed distributions those that the program has used, also what it imported after the run began."""
    project.write(train="import autotrack\nwith autotrack.start_run():\n    input()\n    import yaml, wrapt\n")
    process = project.begin()
    project.eventually(
        lambda: project.store.is_dir() and list(project.store.glob("runs/*/artifacts/context/code.json"))
    )
    process.communicate(b"\n")
    run = project.only()
    installed = {package["name"]: package["version"] for package in run.fact("packages.json")}
    imported = run.fact("launch.json")["imported"]
    assert imported["pyyaml"] == installed["pyyaml"]
    assert "wrapt" in imported
    assert "scikit-learn" in installed
    assert "scikit-learn" not in imported


def test_distributions_tell_where_they_come_from(tmp_path: Path):
    """Editable ones and those of a repository have their origin, without anybody's credentials."""
    for name, origin in {
        "One-1.0": '{"url": "file:///src/one", "dir_info": {"editable": true}}',
        "two_x-2.0": '{"url": "https://u:pass1word@h/two", "vcs_info": {"vcs": "git", "commit_id": "abc"}}',
        "three-3.0": "",
    }.items():
        place = tmp_path / f"{name}.dist-info"
        place.mkdir()
        (place / "RECORD").write_text(f"{name[:3].lower()}/__init__.py,,\n{name}.dist-info/RECORD,,\n../../bin/x,,\n")
        if origin:
            (place / "direct_url.json").write_text(origin)
    one, three, two = packages([str(tmp_path), str(tmp_path / "absent")])
    assert one == {"name": "one", "version": "1.0", "modules": ["one"], "url": "file:///src/one", "editable": True}
    assert two["commit"] == "abc"
    assert two["url"] == "https://[redacted]@h/two"
    assert three == {"name": "three", "version": "3.0", "modules": ["thr"]}


def test_seeds_that_the_program_sets_are_tags(project: Project):
    """Those of the generators that all code shares, and of those that the program makes; as they are when the run
    begins and, if they are set again, when it ends."""
    project.write(
        train=RECORDED
        + """
import random, numpy as np
random.seed(1); np.random.seed(2); generator = np.random.default_rng(4)
with autotrack.start_run():
    pass
random.seed()
with autotrack.start_run():
    np.random.seed(5)
"""
    ).run()
    first, second = ({k[15:]: v for k, v in run.tags.items() if "seed" in k} for run in project.runs())
    assert first == {"random": "1", "numpy": "2", "numpy_generator": "4"}
    assert second == first | {"random": "drawn by the system", "numpy": "5"}


@pytest.mark.slow
def test_the_seed_of_torch_is_a_tag(project: Project):
    """The one in force, also where torch has drawn it itself."""
    program = "import autotrack, torch\nprint(torch.initial_seed())\nwith autotrack.start_run():\n    pass\n"
    drawn = project.write(train=f"{program}torch.manual_seed(3)\nautotrack.start_run()\n").run().stdout.strip()
    assert [run.tags["autotrack.seed.torch"] for run in project.runs()] == [drawn, "3"]


def test_arguments_are_parameters(project: Project):
    """Those that the program reads by argparse; what the run has recorded under a name goes before, and none twice."""
    project.write(
        train=RECORDED
        + """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--alpha", type=float, default=9.0)
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--password")
parser.add_argument("--own", default="theirs")
parser.set_defaults(function=print)
arguments = parser.parse_args()
argparse.ArgumentParser().parse_args([])
with autotrack.start_run():
    autotrack.log_param("own", "mine")
    from sklearn.linear_model import Ridge
    Ridge(alpha=0.5).fit([[0.0], [1.0]], [0.0, 1.0])
"""
    ).run("train.py", "--epochs", "7", "--password", "hunter2word")
    run = project.only()
    assert {name: run.params[name] for name in ("alpha", "epochs", "own", "password")} == {
        "alpha": "0.5", "epochs": "7", "own": "mine", "password": "[redacted]"
    }  # fmt: skip
    assert "function" not in run.params
    logged = [name for line in run.events if line.event.kind == "params" for name in line.event.values]
    assert len(logged) == len(set(logged))


@pytest.mark.parametrize("library", ["click", "typer"])
def test_arguments_of_commands_are_parameters(project: Project, library: str):
    """As click and typer have read them."""
    command = {
        "click": "import click\n@click.command()\n@click.option('--epochs', type=int)\n@click.argument('name')\n",
        "typer": "import typer\napp = typer.Typer()\n@app.command()\n",
    }[library]
    project.write(
        train=f"{RECORDED}{command}def main(name: str, epochs: int = 5):\n    autotrack.start_run()\n"
        + ("main()\n" if library == "click" else "app()\n")
    ).run("train.py", "--epochs", "7", "engine")
    assert project.only().params == {"name": "engine", "epochs": "7"}


def test_the_configuration_of_hydra_is_parameters(project: Project):
    """With dots between the names; Hydra's own part is not."""
    project.write(
        conf__config_dot_yaml="model:\n  depth: 3\n  name: tree\nlr: 0.5\npath: ${model.name}/x\n",
        train=f"{RECORDED}import hydra\n@hydra.main(version_base=None, config_path='conf', config_name='config')\n"
        "def main(config):\n    autotrack.start_run()\nmain()\n",
    ).run("train.py", "model.depth=7")
    params = project.only().params
    assert params == {"model.depth": "7", "model.name": "tree", "lr": "0.5", "path": "${model.name}/x"}


def test_arguments_of_fire_are_parameters(project: Project):
    """With their defaults."""
    program = "import fire\ndef main(name, epochs=5, lr=0.5):\n    autotrack.start_run()\nfire.Fire(main)\n"
    project.write(train=RECORDED + program).run("train.py", "engine", "--epochs=7")
    assert project.only().params == {"name": "engine", "epochs": "7", "lr": "0.5"}


def test_the_command_line_shows_it(project: Project):
    """`autotrack show` has a section for people, and with `--json` the facts for programs; also for a run that is
    nested in the one that has them."""
    project.write(
        train="import autotrack\nwith autotrack.start_run(run_name='outer'):\n"
        "    with autotrack.start_run(run_name='inner', nested=True):\n        pass\n"
    ).commit()
    project.run("train.py", "--lr", "0.1", SLURM_JOB_ID="12")
    for run in project.runs():
        lines = project.run("-m", "autotrack", "show", run.directory.name).stdout.splitlines()
        section = takewhile(str.strip, lines[lines.index("context") + 1 :])
        told = {line[2:13].strip(): line[13:].strip() for line in section}
        assert ", clean" in told["code"]
        assert told["command"].endswith("train.py --lr 0.1")
        assert told["started by"] == "slurm"
        shown = json.loads(project.run("-m", "autotrack", "show", "--json", run.directory.name).stdout)
        assert shown["context"]["code"]["branch"] == "main"
        assert shown["context"]["launch"]["argv"] == ["train.py", "--lr", "0.1"]


def test_what_says_that_it_is_a_module_and_has_no_names_is_passed_over(monkeypatch):
    """As the libraries that cffi opens do."""

    class Library:
        __slots__ = ()
        __class__ = ModuleType

    monkeypatch.setitem(sys.modules, "library", Library())
    names, _ = launch.modules(launch.main())
    assert "library" in names
