"""Policies, approvals, promotions, and taking them back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from registries import BUCKET, code_of, refused

from autotrack.client import Client
from autotrack.exceptions import AutotrackException
from autotrack.store.registry import rules
from autotrack.store.registry.changes import Author
from autotrack.store.registry.policy import parse
from autotrack.store.registry.schemas import incompatible


@pytest.fixture
def policy() -> Callable[..., None]:
    """Write the project's policies."""

    def write(*lines: str) -> None:
        Path("autotrack-policies.toml").write_text("\n".join(["[[policy]]", *lines]), encoding="utf-8")

    return write


def approve(client: Client, version: object, user: str) -> None:
    """Somebody else approves."""
    client.store.registry.change(lambda book: rules.approve(book, "m", version), Author(user))


def failing(client: Client, version: object, to: str = "Production") -> dict[str, str]:
    """The checks that are not met, with what was found."""
    done = client.promote_model_version("m", version, to)
    assert done.made == done.passed
    return {check.demand: check.found for check in done.checks if not check.passed}


def test_a_project_without_policies_promotes(client: Client, version):
    """Those that were there are archived, unless told otherwise; the head of the log is given."""
    for _ in range(3):
        version()
    done = client.promote_model_version("m", 1, "production", reason="first")
    assert (done.made, done.passed, done.before, done.checks, done.to) == (True, True, None, [], "Production")
    assert done.head == client.verify_registry().head
    assert client.promote_model_version("m", 2, "Production", keep_others=True).before == "1"
    assert client.promote_model_version("m", 3, "Production").before == "2"
    stages = {one.version: one.current_stage for one in client.search_model_versions()}
    assert stages == {"1": "Archived", "2": "Archived", "3": "Production"}
    assert client.get_model_history("m")[-1].archived == ("1", "2")
    client.promote_model_version("m", 2, "@champion")
    assert client.promote_model_version("m", 3, "@champion").before == "2"


@pytest.mark.parametrize("to", ["Production", "@champion"])
def test_a_move_depends_on_what_was_seen_there(client: Client, version, to):
    """Another version came there meanwhile, or none is there any more: nothing is changed."""
    for _ in range(2):
        version()
    assert client.promote_model_version("m", 1, to, expected=None).made
    with refused("RESOURCE_CONFLICT", "somebody else was faster"):
        client.promote_model_version("m", 2, to, expected=None)
    assert client.promote_model_version("m", 2, to, expected=1).before == "1"
    with refused("RESOURCE_CONFLICT", "somebody else was faster"):
        client.rollback_model_version("m", to, expected=1)
    assert client.rollback_model_version("m", to, expected=2).version == "1"


def test_thresholds(client: Client, trained, policy):
    """A metric that is not known does not pass, nor does a NaN."""
    policy('metrics = ["accuracy >= 0.85", "`val loss` < 1", "gone > 0"]')
    trained(metrics={"accuracy": 0.8, "val loss": float("nan")})
    assert failing(client, 1) == {
        "accuracy >= 0.85": "accuracy is 0.8",
        "`val loss` < 1": "val loss is nan",
        "gone > 0": "no metric 'gone' is known of version 1; known are accuracy, val loss",
    }
    assert client.get_model_version("m", 1).current_stage == "None"
    trained(metrics={"accuracy": 0.85, "val loss": 0.5, "gone": 1.0})
    done = client.promote_model_version("m", 2, "Production")
    assert (done.made, [check.passed for check in done.checks]) == (True, [True] * 3)
    kept = client.get_model_history("m")[-1]
    assert kept.metrics == {"accuracy": 0.85, "val loss": 0.5, "gone": 1.0}
    assert [one["demand"] for one in kept.checks] == ["accuracy >= 0.85", "`val loss` < 1", "gone > 0"]


def test_better_than_the_present_version_on_the_same_data(client: Client, trained, policy):
    """On other data a comparison would say nothing, so it does not pass."""
    policy('metrics = ["accuracy > present"]')
    trained(metrics={"accuracy": 0.8})
    trained(metrics={"accuracy": 0.8})
    trained(metrics={"accuracy": 0.9})
    trained(metrics={"accuracy": 0.99}, data=2.0)
    assert failing(client, 1) == {}
    assert failing(client, 2) == {"accuracy > present": "0.8; version 1 has 0.8"}
    assert failing(client, 3) == {}
    assert "computed on other data" in failing(client, 4)["accuracy > present"]


def test_a_comparison_needs_to_know_the_data(client: Client, version, trained, policy):
    """A version without a run, or a run that read nothing."""
    policy('metrics = ["accuracy > present"]')
    trained(metrics={"accuracy": 0.8})
    assert failing(client, 1) == {}
    run = client.create_run("0").info.run_id
    client.log_metric(run, "accuracy", 0.9)
    version(run_id=run)
    assert "not known on which data" in failing(client, 2)["accuracy > present"]


def test_tags(client: Client, version, policy):
    """One that must be there, and one with a value."""
    policy('tags = ["reviewed", "team = ml"]')
    version(tags={"team": "ops"})
    assert failing(client, 1) == {"tag reviewed": "version 1 has no tag 'reviewed'", "tag team = ml": "it is 'ops'"}
    client.set_model_version_tag("m", 1, "reviewed", "")
    client.set_model_version_tag("m", 1, "team", "ml")
    assert failing(client, 1) == {}


def test_signatures(client: Client, trained, policy):
    """Who used the present version must be able to use the next one."""
    policy('signature = "compatible"')
    trained(columns=2)
    trained(columns=3)
    assert failing(client, 1) == {}
    assert "signature compatible" in failing(client, 2)


@pytest.mark.parametrize(
    ("before", "after", "good"),
    [
        ("a:long b:string", "a:long b:string", True),
        ("a:long b:string", "a:long", True),
        ("a:integer", "a:double", True),
        ("a:double", "a:integer", False),
        ("a:long", "a:long c:long", False),
        ("a:long", "a:long c:long?", True),
        ("a:long?", "a:long", False),
        ("a:long>p:double", "a:long>p:double", True),
        ("a:long>p:double", "a:long>p:string", False),
        ("a:long>p:double", "a:long>", False),
        ("a:long>p:double", "a:long>p:double q:long", True),
        ("", "a:long", True),
        ("a:long", "", False),
        ("", "", False),
    ],
)
def test_compatible_signatures(before, after, good):
    """The next model takes what the present one takes, perhaps more, and gives what it gives, perhaps more."""

    def signature(text: str) -> str:
        def columns(part: str) -> str:
            pairs = [one.split(":") for one in part.split()]
            return json.dumps(
                [{"name": name, "type": kind.rstrip("?"), "required": "?" not in kind} for name, kind in pairs]
            )

        inputs, gives, outputs = text.partition(">")
        parts = {"inputs": columns(inputs), "outputs": columns(outputs) if gives else None}
        return json.dumps(parts) if text else ""

    assert (incompatible(signature(before), signature(after)) is None) == good


def test_approvals_of_others(client: Client, version, policy):
    """The author's own does not count, nor that of one person twice, nor one for another version or goal."""
    policy("approvals = 2", 'to = ["Production"]')
    version()
    version()
    author = client.get_model_version("m", 1).user_id
    demand = "2 approvals by others"
    assert failing(client, 1) == {demand: "nobody has yet"}
    client.approve_model_version("m", 1, reason="I made it")
    approve(client, 1, "eve")
    approve(client, 1, "eve")
    approve(client, 2, "bob")
    assert failing(client, 1) == {demand: "eve (the author's own does not count)"}
    client.store.registry.change(lambda book: rules.approve(book, "m", 1, "Staging"), Author("bob"))
    assert demand in failing(client, 1)
    assert failing(client, 1, "Staging") == {}
    approve(client, 1, "bob")
    assert failing(client, 1) == {}
    told = client.get_model_history("m")
    assert [one.user for one in told if one.kind == "approval"] == [author, "eve", "eve", "bob", "bob", "bob"]


def test_an_approval_is_of_one_model(client: Client, version, policy):
    """Not of another one that takes its name later."""
    policy("approvals = 1")
    version()
    approve(client, 1, "eve")
    client.rename_registered_model("m", "old")
    version()
    assert failing(client, 1) == {"1 approval by others": "nobody has yet"}
    client.rename_registered_model("m", "new")
    client.rename_registered_model("old", "m")
    assert failing(client, 1) == {}


@pytest.mark.parametrize("to", ["Production", "@champion"])
def test_the_verbs_of_mlflow_are_bound_by_the_same_policies(client: Client, trained, policy, to):
    """A version that may not be promoted may not be moved there by another name; the checks are in the log."""
    good, bad = trained(metrics={"accuracy": 0.9}), trained(metrics={"accuracy": 0.6})
    policy('to = ["Production", "@champion"]', 'metrics = ["accuracy >= 0.85"]')

    def move(version: str) -> None:
        if to == "@champion":
            client.set_registered_model_alias("m", "champion", version)
        else:
            client.transition_model_version_stage("m", version, "production")

    before = client.get_model_history("m")
    with pytest.raises(AutotrackException, match=r"may not go to .*accuracy >= 0.85.*models promote m 2") as caught:
        move(bad)
    assert caught.value.error_code == "PERMISSION_DENIED"
    assert client.get_model_history("m") == before
    move(good)
    assert [check["demand"] for check in client.get_model_history("m")[-1].checks] == ["accuracy >= 0.85"]
    client.set_registered_model_alias("m", "other", bad)
    client.transition_model_version_stage("m", bad, "Staging")


def test_a_version_can_always_be_taken_out_of_service(client: Client, version, policy):
    """By a policy for every stage; one that names Archived binds there too."""
    version()
    client.transition_model_version_stage("m", 1, "Production")
    policy("approvals = 1")
    assert code_of(lambda: client.transition_model_version_stage("m", 1, "Staging")) == "PERMISSION_DENIED"
    client.transition_model_version_stage("m", 1, "Archived")
    policy("approvals = 1", 'to = ["None"]')
    assert code_of(lambda: client.transition_model_version_stage("m", 1, "None")) == "PERMISSION_DENIED"


@pytest.mark.parametrize("to", ["Production", "@champion"])
def test_a_verb_that_was_judged_beside_another_version_is_a_conflict(client: Client, trained, policy, monkeypatch, to):
    """What came there in between would not have been compared with."""
    for accuracy in (0.7, 0.9, 0.8):
        trained(metrics={"accuracy": accuracy})
    policy('metrics = ["accuracy > present"]')

    def move(version: int) -> None:
        if to == "@champion":
            client.set_registered_model_alias("m", "champion", version)
        else:
            client.transition_model_version_stage("m", version, "Production")

    move(1)
    evidence, other, came = client._evidence, Client(), []

    def late(*given):
        if not came:
            came.append(other.promote_model_version("m", 2, to, keep_others=True))
        return evidence(*given)

    monkeypatch.setattr(client, "_evidence", late)
    assert code_of(lambda: move(3)) == "RESOURCE_CONFLICT"
    assert code_of(lambda: move(3)) == "PERMISSION_DENIED"  # 0.8 is not better than 0.9


def test_which_policies_have_a_say(client: Client, version, tmp_path: Path):
    """By the model's name and the goal; another file may be named."""
    file = tmp_path / "other.toml"
    file.write_text(
        '[[policy]]\nmodels = ["fraud-*"]\ntags = ["a"]\n'
        '[[policy]]\nto = ["production", "@champion"]\ntags = ["b"]\n'
        '[[policy]]\ntags = ["b", "c"]\n',
        encoding="utf-8",
    )
    version("fraud-x")
    version("m")

    def demands(name: str, to: str) -> list[str]:
        done = client.promote_model_version(name, 1, to, policies=file, only_check=True)
        assert (done.made, done.policies) == (False, str(file))
        return [check.demand for check in done.checks]

    assert demands("fraud-x", "Production") == ["tag a", "tag b", "tag c"]
    assert demands("m", "@champion") == ["tag b", "tag c"]
    assert demands("m", "Staging") == ["tag b", "tag c"]
    assert demands("m", "@other") == ["tag b", "tag c"]
    with refused(says="cannot be read"):
        client.promote_model_version("m", 1, "Staging", policies=tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    "text",
    [
        "[policy]", "policy = 1", "policy = [1]", "[[policies]]", '[[policy]]\nmetric = ["a > 1"]', "[[policy]",
        '[[policy]]\nmetrics = "a > 1"', '[[policy]]\nmetrics = ["a is good"]', '[[policy]]\nmetrics = ["a > nan"]',
        '[[policy]]\nmetrics = ["a > 1 or b > 1"]', '[[policy]]\nmetrics = ["__import__(\'os\') > 1"]',
        '[[policy]]\nmetrics = ["a >= "]', "[[policy]]\napprovals = -1", "[[policy]]\napprovals = true",
        '[[policy]]\nsignature = "same"', '[[policy]]\nto = ["Live"]', '[[policy]]\nto = ["@a b"]',
        '[[policy]]\ntags = ["= x"]', "[[policy]]\ntags = [1]",
    ],
)  # fmt: skip
def test_a_slip_in_a_policy_does_not_open_the_gate(text):
    """What is not understood is an error."""
    with pytest.raises(AutotrackException):
        parse(text, "file.toml")


@pytest.mark.parametrize("to", ["Production", "@live"])
def test_a_version_that_came_in_between(client: Client, version, policy, monkeypatch, to):
    """The checks were made against another one: nothing is changed, and the error says so."""
    policy('tags = ["reviewed"]')
    for _ in range(3):
        version(tags={"reviewed": "yes"})
    move = Client._move

    def late(self: Client, *given, **named):
        client.transition_model_version_stage("m", 3, "Production")
        client.set_registered_model_alias("m", "live", 3)
        return move(self, *given, **named)

    client.promote_model_version("m", 1, to)
    monkeypatch.setattr(Client, "_move", late)
    with refused("RESOURCE_CONFLICT", "faster"):
        client.promote_model_version("m", 2, to)
    found = client.get_model_version("m", 2)
    assert (found.current_stage, found.aliases) == ("None", [])


@pytest.mark.parametrize("to", ["Production", "@live"])
def test_a_rollback_is_a_promotion_of_the_earlier_version(client: Client, version, to):
    """Step by step, to those that are still there; each is in the history, with its reason."""
    for number in range(1, 5):
        version()
        client.promote_model_version("m", number, to)

    def there() -> str:
        return client.resolve_model_version(f"models:/m{to}" if to[0] == "@" else f"models:/m/{to}").version

    client.delete_model_version("m", 2)
    done = client.rollback_model_version("m", to, reason="too slow")
    assert (done.made, done.version, done.before, there()) == (True, "3", "4", "3")
    assert client.rollback_model_version("m", to).version == there() == "1"
    with refused(says="before version 1"):
        client.rollback_model_version("m", to)
    client.promote_model_version("m", 4, to)
    assert client.rollback_model_version("m", to).version == "1"
    assert [one.rollback for one in client.get_model_history("m") if one.kind in ("alias", "stage")][-4:] == [
        True, True, False, True,
    ]  # fmt: skip
    assert next(one.why for one in client.get_model_history("m") if one.rollback) == "too slow"
    with refused(says="nothing to take back"):
        client.rollback_model_version("m", "Staging")


def test_where_a_name_led_in_the_past(client: Client, version, monkeypatch):
    """At any moment, also under a name that the model has no more, and for one that was deleted since."""
    clock = iter(range(1_000, 100_000, 1_000))
    monkeypatch.setattr("time.time_ns", lambda: next(clock) * 1_000_000)
    for _ in range(2):
        version()  # the model at 1000 and its versions at 2000 and 4000; 3000 was a look at the name
    times = [one.time for one in client.get_model_history("m")]
    client.set_registered_model_alias("m", "live", 1)
    client.set_registered_model_alias("m", "live", 2)
    client.transition_model_version_stage("m", 1, "Production")
    client.rename_registered_model("m", "n")
    client.delete_model_version("n", 2)
    client.delete_registered_model("n")
    moments = [one.time for one in client.get_model_history("n")]
    assert moments == sorted(set(moments))
    assert times == moments[:3]
    live, moved, staged, renamed, removed, deleted = moments[3:]

    def at(uri: str, moment: int) -> str:
        return client.resolve_model_version(uri, at=moment).version

    assert [at("models:/m@live", moment) for moment in (live, moved - 1, moved, staged)] == ["1", "1", "2", "2"]
    assert (at("models:/n@live", renamed), at("models:/n/latest", deleted - 1)) == ("2", "1")
    assert (at("models:/m/Production", staged), at("models:/m/2", moved)) == ("1", "2")
    assert client.resolve_model_version("models:/m@live", at=moved).aliases == ["live"]
    for uri, moment, says in (
        ("models:/m@live", live - 1, "no alias"), ("models:/m@live", renamed, "Registered Model with name=. not found"),
        ("models:/n@live", removed, "no alias"), ("models:/n/1", deleted, "Registered Model with name=. not found"),
        ("models:/m/1", 0, "Registered Model with name=. not found"),
        ("models:/m/Production", moved, "in stage Production"),
    ):  # fmt: skip
        with pytest.raises(AutotrackException, match=f"^at 1970-.*{says}"):
            client.resolve_model_version(uri, at=moment)
    with refused(says="no moment"):
        client.resolve_model_version("models:/m/1", at="yesterday")
    monkeypatch.undo()
    assert client.store.registry.search_models(None, None, 10, None) == []


def test_a_source_elsewhere_is_promoted_too(client: Client, version):
    """There is just less to be said of it."""
    version(source=BUCKET)
    assert client.promote_model_version("m", 1, "Production").made
    assert client.get_model_version("m", 1).location == BUCKET
