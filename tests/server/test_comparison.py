"""Runs side by side, asked of a server."""

import json

import pytest

NAMES = ("parameters", "code", "command", "packages", "environment", "seeds", "data", "metrics")


@pytest.fixture
def recorded(api, client):
    """A run with these parameters, and with a context where packages are given."""

    def record(params, packages=None, tags=()):
        info = api("POST", "runs/create", experiment_id="0")["run"]["info"]
        for key, value in params.items():
            api("POST", "runs/log-parameter", run_id=info["run_id"], key=key, value=value)
        for key, value in tags:
            api("POST", "runs/set-tag", run_id=info["run_id"], key=key, value=value)
        if packages is not None:
            files = {
                "code.json": {"commit": "c" * 40}, "environment.json": {"python": {"version": "3.11.7"}},
                "launch.json": {"file": "train.py", "argv": ["train.py"]},
                "packages.json": [{"name": name, "version": version} for name, version in packages.items()],
            }  # fmt: skip
            where = f"/api/2.0/{info['artifact_uri'].replace(':/', '/artifacts/')}/context"
            for name, facts in files.items():
                assert client.put(f"{where}/{name}", content=json.dumps(facts)).status_code == 200
        return info["run_id"]

    return record


def parts_of(client, *run_ids, **more):
    """What a server says of runs, by the names of the parts."""
    answer = client.get("/api/autotrack/comparison", params={"run_id": list(run_ids), **more})
    assert answer.status_code == 200, answer.text
    return {part["name"]: part for part in answer.json()["parts"]}


def test_what_differs_between_runs_is_told_by_part(client, recorded):
    """Wherever the files of their contexts lie; a run without one is unknown in those parts, and different in none."""
    first = recorded({"lr": "0.1", "depth": "3"}, {"numpy": "2.0", "scipy": "1.0"})
    second = recorded({"lr": "0.2", "depth": "3"}, {"numpy": "2.1", "scipy": "1.0"})
    sharing = recorded({"lr": "0.1"}, tags=[("autotrack.context", second), ("autotrack.seed.numpy", "7")])
    bare = recorded({"lr": "0.1", "depth": "3"})
    found = parts_of(client, first, second, sharing, bare)
    assert tuple(found) == NAMES
    assert found["parameters"]["rows"] == [
        {"key": "depth", "values": ["3", "3", None, "3"]},
        {"key": "lr", "values": ["0.1", "0.2", "0.1", "0.1"]},
    ]
    assert found["packages"] == {
        "name": "packages", "rows": [{"key": "numpy", "values": ["2.0", "2.1", "2.1", None]}], "same": 1,
        "unknown": [bare],
    }  # fmt: skip
    assert (found["code"]["rows"], found["code"]["same"]) == ([], 1)
    assert found["seeds"]["rows"] == [{"key": "numpy", "values": [None, None, "7", None]}]
    whole = parts_of(client, first, second, same="true")["packages"]
    assert [row["key"] for row in whole["rows"]] == ["numpy", "scipy"]


def test_metrics_that_are_not_finite_are_told(api, client, recorded):
    """NaN is itself."""
    first, second = recorded({}), recorded({})
    for run_id, loss in ((first, "NaN"), (second, "Infinity")):
        api("POST", "runs/log-metric", run_id=run_id, key="loss", value=loss, timestamp=1)
        api("POST", "runs/log-metric", run_id=run_id, key="nothing", value="NaN", timestamp=1)
    found = parts_of(client, first, second)["metrics"]
    assert found["rows"] == [{"key": "loss", "values": ["NaN", "Infinity"]}]
    assert found["same"] == 1


def test_so_many_runs_are_not_compared(client, recorded):
    """One with itself, more than fit side by side, one that is not there."""
    run_id = recorded({})
    for ids, status in (([run_id, run_id], 400), ([f"{n:032}" for n in range(21)], 400), ([run_id, "0" * 32], 404)):
        assert client.get("/api/autotrack/comparison", params={"run_id": ids}).status_code == status
