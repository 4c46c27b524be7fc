"""``autotrack sync``: what has not arrived is sent, and runs that were recorded locally too."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from agreement import agree
from ownserver import Own
from trackingserver import tags_of

import autotrack
from autotrack.client import Client
from autotrack.sinks.uploads import uploader
from autotrack.sinks.uploads.outbox import outboxes

STORE = Path(".autotrack")


@pytest.fixture
def own(tmp_path):
    """A server of autotrack's."""
    (tmp_path / "own").mkdir()
    server = Own(tmp_path / "own")
    yield server
    server.close()


def sync(*arguments, **variables):
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "autotrack", "sync", *map(str, arguments)], env={**os.environ, **variables},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def record(name):
    """Two runs, one below the other."""
    autotrack.set_experiment(name)
    with autotrack.start_run(run_name="outer"):
        autotrack.log_metric("loss", 0.5)
        autotrack.log_text("kept", "kept.txt")
        with autotrack.start_run(nested=True, run_name="inner"):
            autotrack.log_params({"a": 1})


def test_what_an_outage_has_left_is_sent(faults, tracking, request, monkeypatch):
    """Once; a second call finds nothing to do."""
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", faults.url)
    monkeypatch.setenv("AUTOTRACK_TOLD", "1")
    faults.refuse()
    record(request.node.name)
    uploader.forget()  # as at the end of the program that recorded it
    failed = sync(AUTOTRACK_QUERY_TIMEOUT="0.2")
    assert failed.returncode == 1
    assert failed.stdout.startswith("2 runs unsent: ")
    faults.listen()
    done = sync()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"2 runs sent ({faults.url})\n"
    agree(tracking, STORE, request.node.name)
    again = sync("--json")
    assert json.loads(again.stdout)["servers"] == [
        {"server": faults.url, "runs": [], "models": [], "unsent": 0, "error": ""}
    ]


def test_a_local_store_is_pushed_to_a_server(tracking, request, monkeypatch, tmp_path):
    """Every run of it, though none was meant for a server; a run that is still going as far as it has come."""
    store = tmp_path / "store"
    record(request.node.name)
    running = autotrack.start_run(run_name="running")
    autotrack.log_metric("loss", 1)
    told = json.loads(sync(store, "--to", tracking.url, "--json").stdout)
    assert sorted(run["state"] for run in told["servers"][0]["runs"]) == ["running", "sent", "sent"]
    found = tracking.runs(request.node.name)
    assert {run["info"]["status"] for run in found} == {"RUNNING", "FINISHED"}
    autotrack.end_run()
    assert sync(store).stdout == f"1 run sent ({tracking.url})\n"
    assert len(agree(tracking, store, request.node.name)) == 3
    assert running.info.run_id in {tags_of(run)["autotrack.run_id"] for run in found}


def registered(client, name):
    """What a client's store or server knows of a registered model."""
    model = client.get_registered_model(name)
    versions = client.search_model_versions(f"name = '{name}'", order_by=["version_number"])
    facts = [
        (one.version, one.current_stage, one.tags, one.description or "", client.get_logged_model(one.model_id).name)
        for one in versions
    ]
    return model.description, model.tags, model.aliases, facts


@pytest.mark.parametrize("kind", ["tracking", "own"])
def test_registered_models_of_a_store_are_pushed_with_it(kind, request, tmp_path):
    """Versions with what they were made from, aliases, tags, stages; a second time there is nothing to do, later what
    was done since. An autotrack server has the log too, with times and reasons."""
    linear = pytest.importorskip("sklearn.linear_model")
    server, store, name = request.getfixturevalue(kind), tmp_path / "store", f"pushed {kind}"
    autotrack.set_experiment(name)
    local = Client()
    for number in (1, 2):
        with autotrack.start_run() as run:
            model = linear.LinearRegression().fit([[0.0], [1.0]], [0.0, float(number)])
            autotrack.sklearn.log_model(model, name=f"line{number}")
        local.register(f"runs:/{run.info.run_id}/line{number}", name, {"number": number}, reason="it is good")
    local.set_registered_model_tag(name, "team", "blue")
    local.update_model_version(name, 1, "the first")
    local.transition_model_version_stage(name, 2, "Production", archive_existing_versions=True)
    local.set_registered_model_alias(name, "champion", 1)
    told = json.loads(sync(store, "--to", server.url, "--json").stdout)["servers"][0]
    assert told["models"] == [{"name": name, "changes": 7, "reason": ""}]
    there = Client(server.url)
    assert registered(there, name) == registered(local, name)
    before = there.get_registered_model(name).last_updated_timestamp
    assert json.loads(sync(store, "--json").stdout)["servers"][0]["models"] == []
    assert there.get_registered_model(name).last_updated_timestamp == before
    local.set_registered_model_alias(name, "champion", 2, reason="better")
    assert sync(store).stdout == f"{name}: 1 change sent ({server.url})\n"
    assert registered(there, name) == registered(local, name)
    if kind == "own":
        mine, its = local.get_model_history(name), there.get_model_history(name)
        facts = ("time", "user", "host", "kind", "version", "subject", "before", "after", "why")
        assert [[getattr(one, fact) for fact in facts] for one in its] == [
            [getattr(one, fact) for fact in facts] for one in mine
        ]
    there.set_registered_model_alias(name, "champion", 1)
    local.set_registered_model_tag(name, "team", "red")
    refused = sync(store)
    assert (refused.returncode, refused.stdout.count(name)) == (1, 2)
    assert there.get_registered_model(name).tags == {"team": "blue"}


@pytest.mark.slow
def test_two_at_once_send_a_run_once(faults, tracking, request, tmp_path):
    """The locks are per run; whoever comes second takes the next one."""
    for number in range(4):
        record(f"{request.node.name}-{number}")
    store = tmp_path / "store"
    command = [sys.executable, "-m", "autotrack", "sync", str(store), "--to", faults.url]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    assert [one.communicate(timeout=120)[1] for one in both] == [b"", b""]
    sync(store)
    for number in range(4):
        agree(tracking, store, f"{request.node.name}-{number}")
    assert faults.count("runs/create") == 8
    assert [box.waiting() for box in outboxes(store)] == [[]]


def test_a_mistake_is_one_line():
    """And nothing is made."""
    done = sync("nowhere")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert not Path("nowhere").exists()
