"""What a table of runs asks a server: fields, values, counts, groups, and the same change of several runs."""

import pytest

from autotrack.entities import Metric, Param

OWN = "/api/autotrack"


@pytest.fixture
def own(client):
    """``own("GET", "keys", newest=5)`` gives the answer's document; a refusal fails the test."""

    def ask(method, path, expect=200, /, **fields):
        given = {"params": fields} if method == "GET" else {"json": fields}
        answer = client.request(method, f"{OWN}/{path}", **given)
        assert answer.status_code == expect, answer.text
        return answer.json()

    return ask


@pytest.fixture
def trained(service):
    """Ids of runs of two learning rates with three seeds each, and of one of another experiment that has no loss."""
    verbs = service.verbs

    def run(experiment, number, params, loss):
        made = verbs.create_run(experiment, 1000 + number, {"team": "it's"}, f"run {number}").info.run_id
        points = [] if loss is None else [Metric("val/loss", loss, 1, 0)]
        verbs.log_batch(made, points, [Param(key, value) for key, value in params.items()])
        return made

    other = verbs.create_experiment("other")
    ids = [run("0", n, {"lr": f"0.{1 + n // 3}", "seed": str(n % 3)}, n / 10) for n in range(6)]
    return [*ids, run(other, 6, {"depth": "3"}, None)]


def test_the_keys_of_runs_are_told(own, trained, api):
    """All of them, those of an experiment, or those of the newest runs with how many have them and how they differ."""

    def known(**asked):
        return {(one["kind"], one["key"]): one for one in own("GET", "keys", **asked)["keys"]}

    everything = known()
    assert {key for kind, key in everything if kind == "params"} == {"lr", "seed", "depth"}
    assert everything["metrics", "val/loss"]["better"] == -1
    assert {key for kind, key in known(experiment_ids="0") if kind == "params"} == {"lr", "seed"}
    newest = known(newest=4)
    assert newest["params", "lr"] == {"kind": "params", "key": "lr", "runs": 3, "values": 1}
    assert newest["params", "seed"]["values"] == 3
    assert ("params", "depth") not in known(newest=4, filter="params.depth IS NULL")
    api("POST", "runs/delete", run_id=trained[6])
    assert ("params", "depth") not in known(newest=4)
    grammar = own("GET", "keys")["grammar"]
    assert "duration" in grammar["numbers"]
    assert "status" in grammar["texts"]
    assert "best" in grammar["readings"]
    assert "ILIKE" in grammar["of_texts"]


def test_the_values_of_a_field_are_told_the_most_frequent_first(own, trained, api):
    """Of parameters, tags and attributes that are texts; a number has none."""
    api("POST", "runs/delete", run_id=trained[0])
    assert own("GET", "values", field="params.lr")["values"] == ["0.2", "0.1"]
    assert own("GET", "values", field="params.lr", max_results=1)["values"] == ["0.2"]
    assert own("GET", "values", field="params.lr", experiment_ids="none")["values"] == []
    assert own("GET", "values", field="tags.team")["values"] == ["it's"]
    assert own("GET", "values", field="status")["values"] == ["RUNNING"]
    assert own("GET", "values", field="duration")["values"] == []
    assert "nothing" in own("GET", "values", 400, field="nothing")["message"]


def test_runs_that_fit_are_counted(own, trained, api):
    """Of one experiment or of all, and deleted ones where those are asked for."""
    assert own("POST", "runs/count")["count"] == 7
    assert own("POST", "runs/count", experiment_ids=["0"], filter="params.lr = '0.1'")["count"] == 3
    api("POST", "runs/delete", run_id=trained[0])
    assert own("POST", "runs/count", filter="params.lr = '0.1'")["count"] == 2
    assert own("POST", "runs/count", run_view_type="DELETED_ONLY")["count"] == 1


def test_fields_of_all_and_of_deleted_runs_come_side_by_side(own, trained, api):
    """No experiment means all of them."""
    api("POST", "runs/delete", run_id=trained[2])
    found = own("POST", "runs/columns", columns=["run_name"])["columns"]
    assert found["columns"][0]["values"] == [f"run {n}" for n in (6, 5, 4, 3, 1, 0)]
    gone = own("POST", "runs/columns", columns=["params.lr"], run_view_type="DELETED_ONLY")["columns"]
    assert gone == {"run_ids": [trained[2]], "columns": [{"name": "params.lr", "values": ["0.1"]}]}


def test_groups_have_means_and_spreads_and_the_filter_that_finds_them(own, trained):
    """The group of the newest run first unless an order is given; what lacks the field is a group of its own."""
    found = own("POST", "runs/groups", by=["params.lr"], columns=["metrics.`val/loss`", "best(val/loss)"])
    assert [one["values"] for one in found["groups"]] == [[None], ["0.2"], ["0.1"]]
    assert [one["runs"] for one in found["groups"]] == [1, 3, 3]
    spread = found["groups"][2]["columns"]["best(val/loss)"]
    assert spread == pytest.approx([0.1, 0.1, 0.0, 0.2])
    assert found["groups"][0]["columns"]["best(val/loss)"] == [None] * 4
    for group in found["groups"]:
        assert own("POST", "runs/count", filter=group["where"])["count"] == group["runs"]
    order = "metrics.`val/loss` ASC"
    found = own("POST", "runs/groups", by=["params.lr"], columns=["metrics.`val/loss`"], order_by=order, max_results=2)
    assert [one["values"] for one in found["groups"]] == [["0.1"], ["0.2"]]
    assert found["total"] == 3
    (team,) = own("POST", "runs/groups", by=["tags.team"])["groups"]
    assert own("POST", "runs/count", filter=team["where"])["count"] == 7
    assert "grouped by texts" in own("POST", "runs/groups", 400, by=["metrics.a"])["message"]


def test_runs_that_differ_in_nothing_but_their_seed_are_a_group(own, trained):
    """The parameters in which they differ otherwise are told."""
    found = own("POST", "runs/groups", by=["seeds"], columns=["metrics.`val/loss`"], experiment_ids=["0"])
    assert found["by"] == ["params.`lr`"]
    assert [(one["values"], one["runs"]) for one in found["groups"]] == [(["0.2"], 3), (["0.1"], 3)]


def test_children_are_a_group_that_goes_by_the_name_of_their_parent(own, trained, api):
    """Those without a parent are another."""
    for child in trained[3:5]:
        api("POST", "runs/set-tag", run_id=child, key="mlflow.parentRunId", value=trained[0])
    found = own("POST", "runs/groups", by=["parent"])["groups"]
    assert [(one["values"], one["name"], one["runs"]) for one in found] == [
        ([None], "", 5), ([trained[0]], "run 0", 2),
    ]  # fmt: skip


def test_several_runs_are_changed_at_once_and_each_that_cannot_be_says_why(own, trained, api):
    """The others are changed all the same."""
    tags = [{"key": "myStage", "value": "done"}]
    changed = own("POST", "runs/tag", run_ids=[*trained[:2], "nothing"], tags=tags, remove=["team", "absent"])
    assert changed["changed"] == 2
    assert [one["run_id"] for one in changed["refused"]] == ["nothing"]
    assert own("POST", "runs/count", filter="tags.myStage = 'done' AND tags.team IS NULL")["count"] == 2
    assert own("POST", "runs/delete", run_ids=trained[:3])["changed"] == 3
    assert own("POST", "runs/count")["count"] == 4
    refused = own("POST", "runs/tag", run_ids=trained[:1], tags=tags)["refused"]
    assert "deleted" in refused[0]["message"]
    assert own("POST", "runs/restore", run_ids=trained[:3])["changed"] == 3
    assert api("GET", "runs/get", run_id=trained[0])["run"]["info"]["lifecycle_stage"] == "active"
    assert "at most 1000" in own("POST", "runs/delete", 400, run_ids=["x"] * 1001)["message"]


def test_no_page_of_another_site_changes_runs(client, own, trained):
    """Neither by a script nor by a form, whose content is of another type than a script's."""
    asked = {"run_ids": trained[:1], "tags": [{"key": "a", "value": "b"}]}
    for path in ("runs/tag", "runs/delete", "runs/restore"):
        for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            assert client.post(f"{OWN}/{path}", json=asked, headers=headers).status_code == 403
        form = client.post(f"{OWN}/{path}", content='{"run_ids": []}', headers={"Content-Type": "text/plain"})
        assert form.status_code == 400
    assert own("POST", "runs/count", filter="tags.a = 'b'")["count"] == 0
    assert own("POST", "runs/count")["count"] == 7
