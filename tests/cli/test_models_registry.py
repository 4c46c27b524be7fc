"""`autotrack models`: the registry on the command line."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autotrack.cli import main
from autotrack.cli.comparison import cells
from autotrack.client import Client
from autotrack.store.registry import rules
from autotrack.store.registry.changes import Author

PAGE = Path(__file__).parents[2] / "docs" / "registry.md"
HEAD = re.compile(r"^head ([0-9a-f]{64})$", re.MULTILINE)


@pytest.fixture
def models(capsys, monkeypatch) -> Callable[..., tuple[int, str]]:
    """`autotrack models …` in this process; its exit code, and what it printed."""
    monkeypatch.setenv("COLUMNS", "60")

    def run(*words: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["autotrack", "models", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out + told.err

    return run


@pytest.fixture
def registry() -> Client:
    """A model with three versions, of which the first two come from runs."""
    client = Client()
    client.create_registered_model("churn", {"team": "ml"}, "who leaves [red]us[/red]")
    for accuracy in (0.8, 0.9):
        run = client.create_run("0").info.run_id
        client.log_param(run, "depth", int(accuracy * 10))
        client.log_metric(run, "accuracy", accuracy)
        client.create_model_version("churn", "s3://bucket/x", run, tags={"reviewed": "yes"})
    client.create_model_version("churn", "s3://bucket/y")
    return client


def data(told: tuple[int, str]) -> Any:
    """What a command printed for programs."""
    code, text = told
    assert code in (0, 1)
    return json.loads(text, parse_constant=pytest.fail)


def test_listing(models, registry: Client, store: Path):
    """What there is, what is in which stage, where the aliases lead."""
    registry.transition_model_version_stage("churn", 2, "Production")
    registry.set_registered_model_alias("churn", "live", 1)
    code, shown = models("list")
    assert code == 0
    assert [word in shown for word in ("churn", "Production 2", "@live 1")] == [True] * 3
    found = data(models("list", "--json", "--where", "tags.team = 'ml'"))
    assert found["store"] == str(store)
    assert [one["name"] for one in found["models"]] == ["churn"]
    assert "no model fits" in models("list", "--where", "tags.team = 'x'")[1]
    code, shown = models("show", "churn", "--limit", 2)
    assert "who leaves [red]us[/red]" in shown
    assert "older ones are left out" in shown
    assert [one["version"] for one in data(models("show", "churn", "--json"))["versions"]] == ["3", "2", "1"]
    code, shown = models("show", "x")
    assert (code, shown.count("\n")) == (2, 1)
    assert "Registered Model with name=x not found" in shown


def test_nothing_registered_yet(models, store: Path):
    """It says how to begin, and makes no store."""
    assert "register_model" in models("list")[1]
    assert not store.exists()


def test_a_gate_for_a_pipeline(models, registry: Client):
    """A table of checks; exit code 1 and no change when one is not met, 0 and the head of the log else."""
    Path("autotrack-policies.toml").write_text(
        '[[policy]]\nmetrics = ["accuracy >= 0.85"]\ntags = ["reviewed"]\napprovals = 1\n', encoding="utf-8"
    )
    registry.store.registry.change(lambda book: rules.approve(book, "churn", 2), Author("eve"))
    code, shown = models("promote", "churn", 1, "--to", "Production", "--reason", "first")
    assert code == 1
    assert "2 of 3 checks failed; nothing was changed" in shown
    assert "accuracy is 0.8" in shown
    checked = data(models("promote", "churn", 2, "--to", "Production", "--check", "--json"))
    assert (checked["passed"], checked["made"], checked["head"]) == (True, False, "")
    assert [one["demand"] for one in checked["checks"]] == ["accuracy >= 0.85", "tag reviewed", "1 approval by others"]
    assert registry.get_latest_versions("churn", ["Production"]) == []
    code, shown = models("promote", "churn", "latest", "--to", "Production")
    assert code == 1
    code, shown = models("promote", "churn", 2, "--to", "Production", "--reason", "best so far")
    assert code == 0
    found = HEAD.search(shown)
    assert found is not None
    assert found[1] == registry.verify_registry().head
    assert registry.get_model_history("churn")[-1].why == "best so far"
    failed = data(models("promote", "churn", 1, "--to", "@live", "--json"))
    assert (failed["passed"], failed["made"]) == (False, False)
    code, shown = models("approve", "churn", 1, "--to", "Production", "--reason", "fine")
    assert (code, "(unverified)" in shown) == (0, True)


def test_taking_it_back(models, registry: Client):
    """Without a policy to ask."""
    for number in (1, 2):
        assert models("promote", "churn", number, "--to", "@live")[0] == 0
    code, shown = models("rollback", "churn", "--to", "@live", "--reason", "too slow")
    assert (code, "churn version 1 is at @live, instead of version 2" in shown) == (0, True)
    code, shown = models("rollback", "churn", "--to", "@live")
    assert (code, shown.startswith("autotrack: no version of 'churn' was at @live before")) == (2, True)


def test_history_and_the_past(models, registry: Client):
    """Who, when, what and why, and where a name led then."""
    registry.set_registered_model_alias("churn", "live", 1, reason="the first\none")
    assert "accuracy 0.8" in models("history", "churn")[1]
    moment = registry.get_model_history("churn")[-1].time
    registry.transition_model_version_stage("churn", 2, "Staging")
    registry.delete_model_version("churn", 1)
    code, shown = models("history", "churn")
    lines = [line for line in shown.splitlines() if line.strip()]
    assert code == 0
    assert ["created churn" in lines[0], "@live: nothing -> 1" in shown, "the first one" in shown] == [True] * 3
    assert "churn 2: None -> Staging" in shown
    assert "deleted version churn 1" in shown
    assert all("(unverified)" in line for line in lines if " by " in line)
    changes = data(models("history", "churn", "--json"))["changes"]
    assert {"number", "time", "user", "verified", "kind", "before", "after", "why", "metrics", "hash"} <= set(
        changes[-1]
    )
    assert [one["hash"] for one in changes][-1] == HEAD.findall(shown)[-1]
    assert data(models("resolve", "models:/churn@live", "--at", moment, "--json"))["version"] == "1"
    code, shown = models("resolve", "models:/churn@live")
    assert (code, "no alias 'live'" in shown) == (2, True)
    assert "models:/churn/2" in models("resolve", "models:/churn/Staging")[1]
    assert len(data(models("history", "churn", "--at", "2000-01-01", "--json"))["changes"]) == 0
    assert "2026-03-01" in models("history", "churn", "--at", "yesterday")[1]


def test_verifying(models, registry: Client, store: Path):
    """Exit code 1 names the entry; a head that was noted must still be there."""
    head = HEAD.findall(models("verify")[1])[-1]
    registry.set_registered_model_alias("churn", "live", 1)
    assert models("verify", "--head", head)[0] == 0
    assert data(models("verify", "--head", "0" * 64, "--json"))["sound"] is False
    file = store / "registry" / "3.json"
    file.write_bytes(file.read_bytes().replace(b"0.9", b"0.8"))
    code, shown = models("verify")
    assert (code, f"entry 3 of the registry ({file}) was changed" in shown) == (1, True)
    registry.store.reindex()
    code, shown = models("list")
    assert (code, "restored from a copy" in shown) == (2, True)


def test_comparing_and_tracing(models, registry: Client):
    """What differs; where a version comes from; what has come of a run."""
    code, shown = models("compare", "churn", 1, 2)
    assert code == 0
    assert re.search(r"accuracy\s+0\.8\s+0\.9", shown)
    assert re.search(r"depth\s+8\s+9", shown)
    found = data(models("compare", "churn", 1, "churn/2", "--json"))
    assert found["metrics"] == {"accuracy": [0.8, 0.9]}
    assert found["versions"] == [{"name": "churn", "version": "1"}, {"name": "churn", "version": "2"}]
    run = registry.get_model_version("churn", 1).run_id or ""
    code, shown = models("lineage", "churn", 1)
    assert (code, run in shown, "depth=8" in shown) == (0, True, True)
    assert data(models("lineage", "churn", 1, "--json"))["run"]["run_id"] == run
    assert "models:/churn/1" in models("lineage", "--run", run[:10])[1]
    assert data(models("lineage", "--run", run, "--json"))["versions"][0]["version"] == "1"
    assert models("lineage", "churn")[0] == 2


def test_a_run_shows_what_it_was_registered_as(models, registry: Client, capsys, monkeypatch):
    """With the stage and the aliases; also where the registry is broken, the run is shown."""
    registry.set_registered_model_alias("churn", "live", 2)
    run = registry.get_model_version("churn", 2).run_id or ""

    def show(*options: str) -> str:
        monkeypatch.setattr(sys, "argv", ["autotrack", "show", run, *options])
        with pytest.raises(SystemExit, check=lambda end: not end.code):
            main()
        return capsys.readouterr().out

    assert "churn version 2  @live" in show()
    assert [one["version"] for one in json.loads(show("--json"))["versions"]] == ["2"]
    (registry.store.directory / "registry" / "2.json").unlink()
    registry.store.reindex()
    assert json.loads(show("--json"))["versions"] == []


def test_what_differs_little_is_seen_to_differ():
    """Numbers get the digits that it takes."""
    assert cells([0.85, 0.9]) == ["0.85", "0.9"]
    assert cells([0.850001, 0.850002]) == ["0.850001", "0.850002"]
    assert cells([1 / 3, 1 / 3 + 1e-16]) == [f"{1 / 3:.17g}", f"{1 / 3 + 1e-16:.17g}"]
    assert cells([float("nan"), None, 3.0]) == ["nan", "-", "3"]


def test_the_commands_of_the_documentation(models, registry: Client):
    """Each does what its page says, one after the other."""
    models("promote", "churn", 1, "--to", "Production")
    (block,) = re.findall(r"^```bash\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    commands = [shlex.split(line)[2:] for line in block.splitlines()]
    assert len(commands) > 9
    for words in commands:
        code, shown = models(*words)
        assert code == 0, shown
    assert registry.get_latest_versions("churn", ["Production"])[0].version == "1"


def test_the_policies_of_the_documentation(models, registry: Client):
    """The page's example is a policy that is understood."""
    (block,) = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    Path("autotrack-policies.toml").write_text(block, encoding="utf-8")
    code, shown = models("promote", "churn", 1, "--to", "Production")
    assert (code, "4 of 6 checks failed" in shown) == (1, True), shown
