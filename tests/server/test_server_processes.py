"""The commands ``autotrack server`` and ``autotrack ui``, as processes of their own."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from typer.testing import CliRunner

from autotrack.cli.app import app
from autotrack.client import Client
from autotrack.exceptions import AutotrackException

SECRET = "0123456789abcdef-secret"


@pytest.fixture
def started(tmp_path, monkeypatch):
    """``started("server", "--port", "0")`` gives a process that listens, and its address."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    processes = []

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "autotrack", *arguments, "--port", "0"],
            stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        processes.append(process)
        line = process.stderr.readline()
        found = re.search(r"at (http://\S+)", line)
        assert found, line + process.stderr.read()
        return process, found[1], line

    yield start
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stderr.close()


def ended(process, sign):
    """The exit code after a signal, and what was left on stderr."""
    process.send_signal(sign)
    return process.wait(timeout=60), process.stderr.read()


def test_without_an_option_it_keeps_everything_in_the_users_data_directory(started, tmp_path):
    """It says so, logs each request as JSON with its id, and stops when it is told to."""
    process, url, line = started("server")
    place = tmp_path / "data" / "autotrack" / "server"
    assert str(place / "autotrack.db") in line
    assert str(place / "artifacts") in line
    assert place.stat().st_mode & 0o077 == 0
    made = requests.post(
        f"{url}/api/2.0/mlflow/runs/create", json={"experiment_id": "0"}, headers={"X-Request-Id": "abc"}
    )
    assert made.status_code == 200
    assert requests.get(f"{url}/version").text
    assert requests.put(f"{url}/api/2.0/mlflow-artifacts/artifacts/0/r/artifacts/x", data=b"x").ok
    assert [path for path in place.rglob("*") if path.stat().st_mode & 0o077] == []
    code, log = ended(process, signal.SIGTERM)
    assert code in (0, -signal.SIGTERM)
    lines = [json.loads(one) for one in log.splitlines()]
    assert {
        "request_id": "abc",
        "method": "POST",
        "route": "/api/2.0/mlflow/runs/create",
        "status": 200,
    }.items() <= lines[0].items()
    _, again, _ = started("server")
    found = requests.post(f"{again}/api/2.0/mlflow/runs/search", json={"experiment_ids": ["0"]}).json()
    assert [run["info"]["run_id"] for run in found["runs"]] == [made.json()["run"]["info"]["run_id"]]


def test_a_token_is_asked_for_over_the_wire(started, tmp_path):
    """As a bearer token, or as a password."""
    token = tmp_path / "token"
    token.write_text(SECRET)
    token.chmod(0o600)
    process, url, _ = started("server", "--token-file", str(token), "--host", "0.0.0.0")
    url = url.replace("0.0.0.0", "127.0.0.1")
    assert requests.get(f"{url}/health").text == "OK"
    assert requests.get(f"{url}/api/2.0/mlflow/experiments/get?experiment_id=0").status_code == 401
    asked = f"{url}/api/2.0/mlflow/experiments/get?experiment_id=0"
    assert requests.get(asked, headers={"Authorization": f"Bearer {SECRET}"}).ok
    assert requests.get(asked, auth=("ada", SECRET)).ok
    code, log = ended(process, signal.SIGINT)
    assert code in (0, 130, -signal.SIGINT)
    assert SECRET not in log


def test_several_workers_are_one_server(started, tmp_path):
    """What one has taken in the others know, and they count together."""
    process, url, _ = started(
        "server", "--workers", "2", "--store", f"sqlite:///{tmp_path}/a.db", "--artifacts", str(tmp_path / "files")
    )
    made = requests.post(f"{url}/api/2.0/mlflow/runs/create", json={"experiment_id": "0"}).json()
    run_id = made["run"]["info"]["run_id"]
    for number in range(20):  # each on a connection of its own, to either of them
        point = {"run_id": run_id, "key": "loss", "value": number, "timestamp": number, "step": number}
        assert requests.post(f"{url}/api/2.0/mlflow/runs/log-metric", json=point).status_code == 200
        found = requests.get(f"{url}/api/2.0/mlflow/metrics/get-history?run_id={run_id}&metric_key=loss").json()
        assert len(found["metrics"]) == number + 1
    counted = requests.get(f"{url}/metrics").text
    assert (
        'autotrack_requests_total{method="POST",route="/api/2.0/mlflow/runs/log-metric",status="200"} 20.0' in counted
    )
    code, _ = ended(process, signal.SIGTERM)
    assert code in (0, -signal.SIGTERM)


def test_a_local_store_is_served_as_it_is(started, store, tmp_path):
    """Live, with its files, and nothing is added to it by looking."""
    client = Client(store)
    run = client.create_run("0", run_name="first").info.run_id
    client.log_text(run, "hello", "notes/a.txt")
    _, url, line = started("ui", str(store))
    assert str(store) in line
    before = files(store)
    search = {"experiment_ids": ["0"]}
    found = requests.post(f"{url}/api/2.0/mlflow/runs/search", json=search).json()["runs"]
    assert [one["info"]["run_name"] for one in found] == ["first"]
    root = found[0]["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")
    assert requests.get(f"{url}/api/2.0/mlflow-artifacts/artifacts/{root}/notes/a.txt").text == "hello"
    assert "<title>autotrack</title>" in requests.get(url).text
    assert files(store) == before
    client.create_run("0", run_name="second")
    found = requests.post(f"{url}/api/2.0/mlflow/runs/search", json=search).json()["runs"]
    assert {one["info"]["run_name"] for one in found} == {"first", "second"}


def test_a_store_of_others_is_only_looked_at(store, tmp_path, monkeypatch):
    """A server that may not write there answers questions and refuses changes."""
    from asking import Asker

    from autotrack.server import start
    from autotrack.server.access import Access
    from autotrack.server.app import Application

    run = Client(store).create_run("0").info.run_id
    monkeypatch.setattr(start.os, "access", lambda _path, _mode: False)
    asker = Asker(Application(start.opened(start.Options(directory=str(store))), Access(None, ())))
    assert asker.get(f"/api/2.0/mlflow/runs/get?run_id={run}").status_code == 200
    assert asker.post("/api/2.0/mlflow/runs/search", json={"experiment_ids": ["0"]}).json()["runs"]
    refused = asker.post("/api/2.0/mlflow/runs/delete", json={"run_id": run})
    assert (refused.status_code, refused.json()["error_code"]) == (403, "PERMISSION_DENIED")
    place = f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/x"
    assert asker.put(place, content=b"x").status_code == 403


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("server", "--host", "0.0.0.0"), "--token-file"),
        (("server", "--store", "mysql://x"), "sqlite:///PATH or postgresql://"),
        (("server", "--store", "postgresql://db/x"), "--artifacts"),
        (("server", "--artifacts", "ftp://x"), "ftp"),
        (("ui", "nowhere"), "no store"),
        (("ui", "--log-level", "loud"), "loud"),
    ],
)
def test_what_cannot_be_served_is_said(arguments, said, store, tmp_path, monkeypatch):
    """Before anything listens."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("os.umask", lambda mask: mask)  # of this very process
    if arguments == ("ui", "--log-level", "loud"):
        Client(store).create_run("0")
    done = CliRunner().invoke(app, [*arguments, "--port", "0"])
    assert isinstance(done.exception, AutotrackException)
    assert said in done.exception.message


def test_recording_loads_nothing_of_a_server():
    """Nor does any other command."""
    program = "import autotrack.cli.app, autotrack.client, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", f"import json; {program}"], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert not {"starlette", "uvicorn", "msgspec", "obstore", "prometheus_client", "autotrack.server"} & loaded


def test_a_server_starts_without_what_it_does_not_need():
    """What takes a second to load would be a second of its start."""
    program = "import autotrack.server.start, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", f"import json; {program}"], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert not {"numpy", "pandas", "mlflow", "torch", "sklearn", "obstore", "alembic", "requests", "httpx"} & loaded


def files(root: Path) -> set[str]:
    """Every file below a directory, but for the index, which is a cache."""
    return {str(path) for path in root.rglob("*") if "index" not in path.name}


@pytest.mark.slow
def test_several_machines_are_one_server(started, postgresql, s3):
    """Over PostgreSQL and S3, each goes on where another was asked before: with a file in parts, with the next page of
    a search, with a name that is taken. What one has taken in is there when it is killed."""
    place = s3.bucket()
    (killed, one, _), (_, other, _) = [started("server", "--store", postgresql, "--artifacts", place) for _ in range(2)]
    api, files = "api/2.0/mlflow", "api/2.0/mlflow-artifacts"
    runs = [
        requests.post(f"{url}/{api}/runs/create", json={"experiment_id": "0"}).json()["run"]["info"]
        for url in (one, other, one)
    ]
    ask = {"experiment_ids": ["0"], "max_results": 2}
    page = requests.post(f"{one}/{api}/runs/search", json=ask).json()
    rest = requests.post(f"{other}/{api}/runs/search", json={**ask, "page_token": page["next_page_token"]}).json()
    found = [run["info"]["run_id"] for run in (*page["runs"], *rest["runs"])]
    assert sorted(found) == sorted(run["run_id"] for run in runs)
    names = [requests.post(f"{url}/{api}/registered-models/create", json={"name": "m"}) for url in (one, other)]
    assert [answer.json().get("error_code") for answer in names] == [None, "RESOURCE_ALREADY_EXISTS"]
    root = runs[0]["artifact_uri"].removeprefix("mlflow-artifacts:/").strip("/")
    begin = {"path": "large", "num_parts": 2}
    ours = {"X-Autotrack": "1"}
    begun = requests.post(f"{one}/{files}/mpu/create/{root}", json=begin, headers=ours).json()
    parts = [
        {"part_number": number, "etag": requests.put(url + to["url"], data=body).json()["etag"], "url": to["url"]}
        for number, (url, to, body) in enumerate(
            zip((other, one), begun["credentials"], (b"one", b"two"), strict=True), 1
        )
    ]
    os.killpg(killed.pid, signal.SIGKILL)
    whole = {"path": "large", "upload_id": begun["upload_id"], "parts": parts}
    assert requests.post(f"{other}/{files}/mpu/complete/{root}", json=whole).ok
    assert requests.get(f"{other}/{files}/artifacts/{root}/large").content == b"onetwo"
