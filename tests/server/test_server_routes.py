"""The table of routes, and what is made of it."""

import gzip
import json
import re

from asking import Asker

from autotrack.server.access import Access
from autotrack.server.app import TABLE, Application
from autotrack.wire.messages import MESSAGES

ABSENT = [
    ("POST", "/api/3.0/mlflow/traces"),
    ("GET", "/api/2.0/mlflow/traces/tr-1/info"),
    ("POST", "/v1/traces"),
    ("POST", "/api/3.0/mlflow/datasets/create"),
    ("POST", "/ajax-api/3.0/mlflow/scorers/register"),
    ("GET", "/api/2.0/mlflow/webhooks"),
    ("POST", "/api/2.0/mlflow/gateway/secrets/create"),
    ("GET", "/api/3.0/mlflow/workspaces"),
    ("POST", "/graphql"),
]


def test_every_route_is_described(client):
    """With what it takes, what it gives, and a sentence; every reference leads somewhere."""
    described = client.get("/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    for route in TABLE:
        path = re.sub(r"\{(\w+):path\}", r"{\1}", route.full_path)
        operation = described["paths"][path][route.method.lower()]
        assert operation["summary"], path
        assert {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"} == set(
            re.findall(r"\{(\w+)", route.path)
        )
        if route.asked is not None and route.method != "GET":
            assert operation["requestBody"], path
    names = re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(described))
    assert set(names) <= described["components"]["schemas"].keys()
    assert MESSAGES.keys() <= described["components"]["schemas"].keys()
    ids = [one["operationId"] for path in described["paths"].values() for one in path.values()]
    assert len(ids) == len(set(ids)) == len(list(TABLE))


def test_what_is_not_there_is_said_in_json(client):
    """MLflow's client goes by the error's code."""
    for method, path in ABSENT:
        answer = client.request(method, path, json={})
        assert (answer.status_code, answer.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND"), path
        assert "does not support" in answer.json()["message"], path
    unknown = client.get("/api/2.0/mlflow/nonsense").json()
    assert unknown["error_code"] == "ENDPOINT_NOT_FOUND"
    assert client.request("PATCH", "/api/2.0/mlflow/runs/create", json={}).status_code == 405


def test_answers_are_packed_for_others(service):
    """Not for this machine, where that only takes time."""
    paths = "/api/2.0/mlflow/experiments/search?max_results=1000"
    near, far = (Asker(Application(service, Access(None, ())), address) for address in ("127.0.0.1", "192.0.2.1"))
    for number in range(30):
        near.post("/api/2.0/mlflow/experiments/create", json={"name": f"experiment {number}"})
    answers = [asker.get(paths, headers={"Accept-Encoding": "gzip"}) for asker in (near, far)]
    assert [one.headers.get("content-encoding") for one in answers] == [None, "gzip"]
    assert answers[0].json() == answers[1].json()
    assert far.get(paths, headers={"Accept-Encoding": "identity"}).headers.get("content-encoding") is None
    assert len(gzip.compress(answers[0].content)) < len(answers[0].content)


def test_requests_are_counted_by_their_route(client, run_id):
    """Never by what a client has put into a path."""
    for path in (
        f"/api/2.0/mlflow/runs/get?run_id={run_id}",
        "/nope/\u00fc",
        "/api/2.0/mlflow-artifacts/artifacts/a/b",
    ):
        client.get(path)
    client.request("BREW", "/health")
    counted = client.get("/metrics").text
    assert 'route="/api/2.0/mlflow/runs/get",status="200"} 1.0' in counted
    assert 'route="/api/2.0/mlflow-artifacts/artifacts/{path:path}",status="404"} 1.0' in counted
    assert 'method="other",route="unknown",status="404"} 1.0' in counted
    assert "nope" not in counted
    assert "BREW" not in counted
    assert "autotrack_requests_running 1.0" in counted
