"""What holds for every route of both servers: names of fields, prefixes, and what is not there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from comparing import Side, compared
from launched import Server
from parts.kept import plain_environment


@compared
def test_spellings(side: Side) -> Iterator[tuple[str, Any]]:
    """Fields in either case, numbers as texts, unknown fields, and both prefixes."""
    experiment = side.experiment()
    create = "/api/2.0/mlflow/runs/create"
    yield "camel", side.ask("POST", create, json={"experimentId": experiment, "startTime": 5})
    yield "text", side.ask("POST", create, json={"experiment_id": experiment, "start_time": "5"})
    yield "number", side.ask("POST", create, json={"experiment_id": int(experiment), "start_time": 5})["status"]
    yield "unknown", side.ask("POST", create, json={"experiment_id": experiment, "start_time": 5, "colour": 1})
    yield (
        "page",
        side.ask("POST", "/ajax-api/2.0/mlflow/runs/create", json={"experiment_id": experiment, "start_time": 5}),
    )
    yield "null", side.ask("POST", create, json={"experiment_id": experiment, "run_name": None, "start_time": 5})


@compared
def test_bodies(side: Side) -> Iterator[tuple[str, Any]]:
    """That are not JSON objects, or not said to be."""
    path = f"{side.url}/api/2.0/mlflow/experiments/create"
    name = f'{{"name": "{side.name()}"}}'
    for label, body, kind in (
        ("text", name, "text/plain"), ("broken", "{", "application/json"), ("nothing", "", "application/json"),
        ("charset", name, "application/json; charset=utf-8"),
    ):  # fmt: skip
        with requests.post(path, body, headers={"Content-Type": kind}, timeout=30) as answer:
            yield label, [answer.status_code, answer.json().get("error_code")]


@compared
def test_other_routes(side: Side) -> Iterator[tuple[str, Any]]:
    """Health is told; what is not there is not found."""
    for path in ("/health", "/api/2.0/mlflow/nonsense", "/nonsense", "/api/2.0/nonsense", "/api/9.9/mlflow/runs/get"):
        yield path, requests.get(side.url + path, timeout=30).status_code
    yield "health", requests.get(f"{side.url}/health", timeout=30).text
    yield "version", requests.get(f"{side.url}/version", timeout=30).status_code
    wrong = requests.get(f"{side.url}/api/2.0/mlflow/runs/create", timeout=30)
    yield "wrong method", wrong.status_code
    info = requests.get(f"{side.url}/api/3.0/mlflow/server-info", timeout=30)
    yield "server-info", [info.status_code, info.headers["Content-Type"].partition(";")[0]]


ROUTES = """
import json
from mlflow.server import app as pages
from mlflow.server.fastapi_app import app as newer
from mlflow.server.handlers import get_endpoints

found = {(method, path) for path, _, methods in get_endpoints() for method in methods}
found |= {(method, rule.rule) for rule in pages.url_map.iter_rules() for method in rule.methods}
found |= {(method, route.path) for route in newer.routes for method in getattr(route, "methods", None) or ()}
print(json.dumps(sorted(found)))
"""


@pytest.mark.slow
def test_whatever_mlflows_server_has_is_answered(local_server: Server, tmp_path: Path):
    """Its client, its pages, GraphQL: each of its routes is ours too, or clearly not; nothing is a server's error."""
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ROUTES], capture_output=True, text=True, check=True, cwd=tmp_path,
        env=plain_environment(HOME=str(tmp_path), MLFLOW_DISABLE_TELEMETRY="true"),
    )  # fmt: skip
    found = json.loads(told.stdout.splitlines()[-1])
    assert ["POST", "/graphql"] in found
    wrong = []
    with requests.Session() as session:
        for method, path in found:
            filled = re.sub(r"<[^>]+>|{[^}]+}", "1", path)
            answer = session.request(
                method, local_server.url + filled, json=None if method == "GET" else {}, timeout=60
            )
            named = answer.status_code < 400 or method in ("HEAD", "OPTIONS") or "error_code" in answer.json()
            if answer.status_code >= 500 or not named:
                wrong.append((method, path, answer.status_code, answer.text[:200]))
    assert wrong == []
