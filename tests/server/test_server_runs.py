"""Experiments, runs and metrics over MLflow's REST protocol, on a directory and on a database."""

import gzip
import json
import math

import pytest

from autotrack.server.app import TABLE


def test_an_experiment_is_made_found_renamed_and_deleted(api):
    """Deleted ones are found by id and name, and keep their name."""
    made = api("POST", "experiments/create", name="cards", tags=[{"key": "team", "value": "risk"}])["experiment_id"]
    found = api("GET", "experiments/get", experiment_id=made)["experiment"]
    assert (found["name"], found["lifecycle_stage"], found["tags"]) == (
        "cards",
        "active",
        [{"key": "team", "value": "risk"}],
    )
    assert found["artifact_location"] == f"mlflow-artifacts:/{made}"
    assert api("POST", "experiments/create", 400, name="cards")["error_code"] == "RESOURCE_ALREADY_EXISTS"
    api("POST", "experiments/update", experiment_id=made, new_name="tokens")
    api("POST", "experiments/delete", experiment_id=made)
    assert api("GET", "experiments/get-by-name", experiment_name="tokens")["experiment"]["lifecycle_stage"] == "deleted"
    refused = api("POST", "runs/create", 400, experiment_id=made)
    assert refused["error_code"] == "INVALID_PARAMETER_VALUE"
    api("POST", "experiments/restore", experiment_id=made)
    assert (
        api("GET", "experiments/get-by-name", 404, experiment_name="cards")["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    )


def test_a_run_tells_what_was_logged_to_it(api, run_id):
    """Last points with their time and step, parameters, tags; the end closes it."""
    api("POST", "runs/log-metric", run_id=run_id, key="loss", value=0.5, timestamp=7, step=1)
    api("POST", "runs/log-metric", run_id=run_id, key="loss", value=0.25, timestamp=8, step=2)
    api("POST", "runs/log-parameter", run_id=run_id, key="lr", value="0.1")
    api("POST", "runs/set-tag", run_id=run_id, key="mlflow.runName", value="renamed")
    info = api("POST", "runs/update", run_id=run_id, status="FINISHED", end_time=2_000_000_000_000)["run_info"]
    assert (info["status"], info["end_time"], info["run_name"]) == ("FINISHED", 2_000_000_000_000, "renamed")
    data = api("GET", "runs/get", run_id=run_id)["run"]["data"]
    assert [(one["key"], one["value"], one["timestamp"], one["step"]) for one in data["metrics"]] == [
        ("loss", 0.25, 8, 2)
    ]
    assert data["params"] == [{"key": "lr", "value": "0.1"}]


def test_a_parameter_keeps_its_value(api, run_id):
    """The same again is no error, another one is."""
    api("POST", "runs/log-parameter", run_id=run_id, key="lr", value="0.1")
    api("POST", "runs/log-parameter", run_id=run_id, key="lr", value="0.1")
    refused = api("POST", "runs/log-parameter", 400, run_id=run_id, key="lr", value="0.2")
    assert refused["error_code"] == "INVALID_PARAMETER_VALUE"


def test_a_deleted_run_takes_no_changes(api, run_id):
    """It stays readable, and comes back."""
    api("POST", "runs/delete", run_id=run_id)
    assert api("GET", "runs/get", run_id=run_id)["run"]["info"]["lifecycle_stage"] == "deleted"
    api("POST", "runs/log-metric", 400, run_id=run_id, key="loss", value=0.5, timestamp=7)
    api("POST", "runs/restore", run_id=run_id)
    assert api("GET", "runs/get", run_id=run_id)["run"]["info"]["lifecycle_stage"] == "active"


def test_a_client_may_choose_the_id_of_its_run(api):
    """Asking again answers the same run, so that a create may be repeated."""
    chosen = "0123456789abcdef" * 2
    first = api("POST", "runs/create", experiment_id="0", run_id=chosen, run_name="a")["run"]["info"]
    again = api("POST", "runs/create", experiment_id="0", run_id=chosen, run_name="a")["run"]["info"]
    assert first["run_id"] == again["run_id"] == chosen
    api("POST", "runs/create", 400, experiment_id="0", run_id="../../etc")


def test_a_batch_is_kept_whole_or_not_at_all(api, run_id):
    """Whatever in it is wrong."""
    good = {"key": "loss", "value": 0.5, "timestamp": 7}
    for wrong in (
        {"metrics": [good, {"key": "../x", "value": 1, "timestamp": 1}]},
        {"metrics": [good, {"key": "y", "value": 1, "timestamp": -1}]},
        {"metrics": [good], "params": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]},
        {"metrics": [good], "tags": [{"key": "k" * 251, "value": "1"}]},
        {"metrics": [good] * 1001},
        {"params": [{"key": f"p{n}", "value": ""} for n in range(101)]},
        {"metrics": [good | {"dataset_name": "iris"}]},
    ):
        assert api("POST", "runs/log-batch", 400, run_id=run_id, **wrong)["error_code"] == "INVALID_PARAMETER_VALUE"
    data = api("GET", "runs/get", run_id=run_id)["run"]["data"]
    assert "metrics" not in data
    assert "params" not in data


def test_every_number_is_kept(api, run_id):
    """NaN and infinities travel as texts, integers that a double rounds with their digits."""
    points = [
        {"key": "v", "value": value, "timestamp": 1, "step": step}
        for step, value in enumerate(["NaN", "Infinity", "-Infinity", 1.5, "2.5", True])
    ]
    exact = {"key": "v", "value": 2.0**60, "exact": str(2**60 + 1), "timestamp": 1, "step": 9, "exact_step": 9.5}
    api("POST", "runs/log-batch", run_id=run_id, metrics=[*points, exact])
    found = api("GET", "metrics/get-history", run_id=run_id, metric_key="v")["metrics"]
    assert [one["value"] for one in found[:-1]] == ["NaN", "Infinity", "-Infinity", 1.5, 2.5, 1.0]
    assert (found[-1]["exact"], found[-1]["exact_step"]) == (str(2**60 + 1), 9.5)
    assert math.isfinite(found[-1]["value"])


def test_a_history_comes_by_page(api, run_id):
    """Each point once; an unknown metric has none."""
    for first in range(0, 30, 10):
        metrics = [{"key": "loss", "value": n, "timestamp": n, "step": n} for n in range(first, first + 10)]
        api("POST", "runs/log-batch", run_id=run_id, metrics=metrics)
    found, token = [], {}
    while True:
        page = api("GET", "metrics/get-history", run_id=run_id, metric_key="loss", max_results=7, **token)
        found += [one["step"] for one in page["metrics"]]
        if "next_page_token" not in page:
            break
        token = {"page_token": page["next_page_token"]}
    assert found == list(range(30))
    assert api("GET", "metrics/get-history", run_id=run_id, metric_key="none") == {}


def test_histories_of_several_runs_come_together(api, run_id, client):
    """Whole, and thinned between two steps."""
    other = api("POST", "runs/create", experiment_id="0")["run"]["info"]["run_id"]
    for one in (run_id, other):
        metrics = [{"key": "loss", "value": n % 7, "timestamp": n, "step": n} for n in range(100)]
        api("POST", "runs/log-batch", run_id=one, metrics=metrics)
    url = f"/ajax-api/2.0/mlflow/metrics/get-history-bulk?run_id={run_id}&run_id={other}&metric_key=loss"
    assert len(client.get(url).json()["metrics"]) == 200
    url = f"/api/2.0/mlflow/metrics/get-history-bulk-interval?run_ids={run_id}&metric_key=loss"
    found = client.get(f"{url}&start_step=10&end_step=89&max_results=10").json()["metrics"]
    assert (found[0]["step"], found[-1]["step"], found[0]["run_id"]) == (10, 89, run_id)
    assert len(found) <= 20
    assert client.get(f"{url}&start_step=10").status_code == 400


def test_runs_are_searched_by_page(api):
    """By MLflow's grammar."""
    for number in range(5):
        run = api("POST", "runs/create", experiment_id="0", start_time=number + 1)["run"]["info"]["run_id"]
        api("POST", "runs/log-metric", run_id=run, key="loss", value=number, timestamp=1)
    wanted = {
        "experiment_ids": ["0"],
        "filter": "metrics.loss > 0",
        "order_by": ["metrics.loss DESC"],
        "max_results": 3,
    }
    first = api("POST", "runs/search", **wanted)
    second = api("POST", "runs/search", **wanted, page_token=first["next_page_token"])
    values = [run["data"]["metrics"][0]["value"] for page in (first, second) for run in page["runs"]]
    assert values == [4, 3, 2, 1]
    assert "next_page_token" not in second


def test_inputs_and_outputs_are_kept(api, run_id):
    """Data sets with their role, models by id."""
    data = {"name": "iris", "digest": "ab12", "source_type": "local", "source": "{}", "profile": "{}"}
    role = {"key": "mlflow.data.context", "value": "train"}
    api(
        "POST",
        "runs/log-inputs",
        run_id=run_id,
        datasets=[{"dataset": data, "tags": [role]}],
        models=[{"model_id": "m-1"}],
    )
    api("POST", "runs/outputs", run_id=run_id, models=[{"model_id": "m-2", "step": 3}])
    run = api("GET", "runs/get", run_id=run_id)["run"]
    used = run["inputs"]["dataset_inputs"][0]
    assert (used["dataset"]["digest"], used["tags"]) == ("ab12", [role])
    assert run["inputs"]["model_inputs"] == [{"model_id": "m-1"}]
    assert run["outputs"]["model_outputs"] == [{"model_id": "m-2", "step": 3}]


def test_requests_are_read_as_leniently_as_mlflow_reads_them(api, client, run_id):
    """camelCase, run_uuid, states as numbers, numbers in quotes, null for nothing, either version, gzip."""
    api("POST", "runs/log-metric", runUuid=run_id, key="a", value="1.5", timestamp="7", step=None)
    api("POST", "runs/log-metric", run_id=run_id, key="a", value=2, timestamp=8, modelId="m-1")
    info = api("POST", "runs/update", run_uuid=run_id, status=3, unknown={"x": 1})["run_info"]
    assert info["status"] == "FINISHED"
    body = gzip.compress(json.dumps({"run_id": run_id, "tags": [{"key": "t", "value": "1"}]}).encode())
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    assert client.post("/ajax-api/3.0/mlflow/runs/log-batch", content=body, headers=headers).status_code == 200
    points = api("GET", "metrics/get-history", run_uuid=run_id, metricKey="a")["metrics"]
    assert [(one["value"], one.get("model_id")) for one in points] == [(1.5, None), (2.0, "m-1")]
    api("POST", "runs/get", 405, run_id=run_id)


def test_a_search_may_be_asked_in_camel_case(api):
    """Page by page too: what is not understood would be another search."""
    (here, other) = (api("POST", "experiments/create", name=name)["experiment_id"] for name in ("here", "other"))
    for number in range(3):
        api("POST", "runs/create", experiment_id=here, run_name=f"r{number}", start_time=1000 + number)
    api("POST", "runs/create", experiment_id=other)
    asked = {"experimentIds": [here], "maxResults": 2, "orderBy": ["start_time ASC"], "runViewType": "ACTIVE_ONLY"}
    first = api("POST", "runs/search", **asked)
    second = api("POST", "runs/search", **asked, pageToken=first["next_page_token"])
    found = [run["info"]["run_name"] for page in (first, second) for run in page["runs"]]
    assert found == ["r0", "r1", "r2"]
    assert "runs" not in api("POST", "runs/search", experimentIds=[here], runViewType="DELETED_ONLY")
    assert "given twice" in str(api("POST", "runs/search", 400, experimentIds=[here], experiment_ids=[other]))


def test_what_is_read_quickly_has_no_name_that_is_spelt_otherwise():
    """Of any field of any request that is read straight from its bytes."""
    quick = [route for route in TABLE if route.quick is not None]
    assert {"mlflow/runs/search", "mlflow/runs/log-batch", "mlflow/runs/log-metric"} <= {route.path for route in quick}
    for name in ("runId", "experimentIds", "orderBy", "pageToken", "runViewType", "maxResults"):
        assert any(route.quick(f'{{"{name}": "x"}}'.encode()) is None for route in quick), name
    batch = next(route.quick for route in quick if route.path.endswith("log-batch"))
    for name in ("modelId", "datasetName", "datasetDigest", "exactStep"):
        point = {"key": "a", "value": 1, "timestamp": 1, name: "x"}
        assert batch(json.dumps({"run_id": "r", "metrics": [point]}).encode()) is None, name


@pytest.mark.parametrize(
    ("path", "fields", "said"),
    [
        ("experiments/create", {}, "Missing value for required parameter 'name'"),
        ("experiments/create", {"name": 123}, "Invalid value 123 for parameter 'name' supplied"),
        ("runs/log-batch", {"run_id": 31}, "Invalid value 31 for parameter 'run_id' supplied"),
        ("runs/log-batch", {"run_id": "r", "metrics": "foo"}, "Invalid value \"foo\" for parameter 'metrics' supplied"),
        (
            "runs/log-batch",
            {"run_id": "r", "metrics": [{"key": "a", "value": 1, "timestamp": 1}, {"key": "b", "value": 1}]},
            "Missing value for required parameter 'metrics[1].timestamp'",
        ),
        ("runs/log-batch", {"run_id": "r", "tags": [{"value": "x"}]}, "required parameter 'tags[0].key'"),
        ("runs/log-metric", {"run_id": "r", "key": "a", "value": "abc", "timestamp": 1}, 'Invalid value "abc"'),
        ("runs/set-tag", {"run_id": "r", "runId": "s", "key": "a"}, "given twice"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_as_mlflow_says_it(api, path, fields, said):
    """Clients and their tests know the words."""
    refused = api("POST", path, 400, **fields)
    assert refused["error_code"] == "INVALID_PARAMETER_VALUE"
    assert said in refused["message"]


def test_the_uploaders_batches_are_kept_once(api, service, run_id):
    """A stretch of a journal that is sent again changes nothing; a local store refuses stretches."""
    sent = {
        "run_id": run_id,
        "position": {"writer": "metrics-a.bin", "offset": 0, "end": 64},
        "metrics": [{"key": "loss", "value": 1, "timestamp": 1}],
        "events": [{"e": "tags", "t": 5, "values": {"aB": "c"}}, {"e": "from the future", "t": 6}],
    }
    if service.store.directory is not None:
        assert api("POST", "runs/log-batch", 501, **sent)["error_code"] == "NOT_IMPLEMENTED"
        return
    api("POST", "runs/log-batch", **sent)
    api("POST", "runs/log-batch", **sent)
    assert len(api("GET", "metrics/get-history", run_id=run_id, metric_key="loss")["metrics"]) == 1
    assert {"key": "aB", "value": "c"} in api("GET", "runs/get", run_id=run_id)["run"]["data"]["tags"]
    for event in (
        {"e": "run", "t": 1, "experiment_id": "0", "experiment": "Default", "name": "x"},
        {"e": "artifact", "t": 1, "path": "../../x", "size": 1},
        {"e": "model", "t": 1, "model_id": "m-1", "name": "m", "path": "/etc"},
        {"e": "params", "t": 1},
    ):
        api("POST", "runs/log-batch", 400, run_id=run_id, events=[event])


def test_a_curve_comes_at_a_zoom(api, client, run_id):
    """The extremes of every bucket, along the steps or the time; what is not finite is counted."""
    values = [0.5, math.nan, 7.0, -math.inf, 1.0, 2.0]
    metrics = [{"key": "loss", "value": str(v), "timestamp": 1000 + n, "step": n * 10} for n, v in enumerate(values)]
    api("POST", "runs/log-batch", run_id=run_id, metrics=metrics)
    answer = client.get("/api/autotrack/history", params={"run_id": run_id, "key": "loss", "points": 2}).json()
    assert (answer["axis"], answer["width"], answer["points"]) == ("step", 32.0, 6)
    assert answer["buckets"] == {
        "at": [0.0, 32.0], "count": [4, 2], "nan": [1, 0], "inf": [1, 0], "first": [0.5, 1.0], "first_at": [0, 40],
        "last": [7.0, 2.0], "last_at": [20, 50], "minimum": [0.5, 1.0], "minimum_at": [0, 40], "maximum": [7.0, 2.0],
        "maximum_at": [20, 50],
    }  # fmt: skip
    found = client.get(f"/api/autotrack/history?run_id={run_id}&key=loss&axis=time&start=1001&end=1001").json()
    assert (found["buckets"]["count"], found["buckets"]["maximum"]) == ([1], [None])
    assert client.get(f"/api/autotrack/history?run_id={run_id}&key=loss&axis=depth").status_code == 400


def test_many_curves_come_in_one_answer(api, client, run_id):
    """In the order that they were asked for in, each with its own part; what a chart does not need is left out."""
    for key in ("loss", "accuracy"):
        metrics = [{"key": key, "value": n * n, "timestamp": 1000 + n, "step": n} for n in range(20)]
        api("POST", "runs/log-batch", run_id=run_id, metrics=metrics)
    wanted = [{"run_id": run_id, "key": key, "start": start} for key, start in (("loss", 18), ("accuracy", None))]
    asked = {"curves": wanted, "points": 32, "columns": ["at", "maximum"]}
    answer = client.post("/api/autotrack/history", json=asked).json()
    assert [one["points"] for one in answer["curves"]] == [2, 20]
    assert answer["curves"][0]["buckets"] == {"at": [18.0, 19.0], "maximum": [324.0, 361.0]}
    for wrong in ({"columns": ["median"]}, {"points": 10**6}, {"curves": wanted * 101}, {"curves": [{"key": "loss"}]}):
        assert client.post("/api/autotrack/history", json=asked | wrong).status_code == 400
    unknown = [{"run_id": "0" * 32, "key": "loss"}]
    assert client.post("/api/autotrack/history", json={"curves": unknown}).status_code == 404


def test_a_run_comes_to_this(api, client, run_id):
    """Each metric over its whole life, the most telling first; what was inferred, and why."""
    for key, values in (("step/loss", [3.0]), ("val/loss", [2.0, math.nan, -math.inf, 1.0]), ("lr", [0.1, 0.2])):
        metrics = [{"key": key, "value": str(v), "timestamp": 1000 + n, "step": n} for n, v in enumerate(values)]
        api("POST", "runs/log-batch", run_id=run_id, metrics=metrics)
    api("POST", "runs/set-tag", run_id=run_id, key="autotrack.torch.loss", value="what backward begins at")
    answer = client.get("/api/autotrack/run", params={"run_id": run_id}).json()
    assert answer["experiment"] == "Default"
    assert [(one["key"], one["points"], one["better"]) for one in answer["metrics"]] == [
        ("val/loss", 4, -1), ("lr", 2, 0), ("step/loss", 1, -1),
    ]  # fmt: skip
    loss = answer["metrics"][0]
    assert (loss["last"], loss["last_step"], loss["maximum"], loss["maximum_step"]) == (1.0, 3, 2.0, 0)
    assert (loss["best"], loss["best_step"]) == ("-Infinity", 2)
    assert "best" not in answer["metrics"][1]
    assert answer["inferred"] == [{"key": "loss", "value": "what backward begins at"}]
    assert answer["versions"] == []


def test_who_has_an_answer_already_is_not_sent_it_again(api, client, run_id):
    """A browser asks whether it is still so; any change is an answer anew."""
    address = f"/ajax-api/2.0/mlflow/runs/get?run_id={run_id}"
    first = client.get(address)
    known = {"If-None-Match": first.headers["etag"]}
    again = client.get(address, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    api("POST", "runs/set-tag", run_id=run_id, key="note", value="changed")
    assert client.get(address, headers=known).status_code == 200
