"""The pages of registered models, over a registry with policies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from visiting import HOSTILE, Site, expect, serve

from autotrack.client import Client
from autotrack.event import ModelLogged

SIGNATURE = {
    "inputs": json.dumps([{"name": "age", "type": "long"}, {"name": "city", "type": "string", "required": False}]),
    "outputs": json.dumps([{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}]),
}
POLICIES = """
[[policy]]
to = ["Production", "@champion"]
metrics = ["accuracy >= 0.5", "accuracy > present"]
tags = ["reviewed"]
"""


@pytest.fixture(scope="module")
def site(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three versions of "churn", the first of which serves, before a server whose directory has policies."""
    place = tmp_path_factory.mktemp("registry")
    client = Client(str(place / "store"))
    made = Site("", client, client.create_experiment("churn"))
    client.create_registered_model("churn", description=f"Who leaves.\n{HOSTILE}")
    for n, accuracy in enumerate((0.7, 0.8, 0.4), 1):
        run_id = made.run(f"try {n}", {"lr": f"0.{n}", "depth": "3"}, {"accuracy": [accuracy]})
        client.log_text(run_id, f"torch=={n}.0\n", "model/requirements.txt")
        logged = ModelLogged(f"m-{n}", "model", "model", ("python_function",), json.dumps(SIGNATURE), 2048)
        client.store.editor.event(run_id, logged, after=client.store.last_event_time(run_id))
        client.register(f"runs:/{run_id}/model", "churn", {"reviewed": HOSTILE} if n == 2 else None)
    client.transition_model_version_stage("churn", "1", "Production", reason=HOSTILE)
    client.create_registered_model(HOSTILE.replace("/", "").replace(":", ""))
    (place / "autotrack-policies.toml").write_text(POLICIES)
    with serve(place / "store", place) as made.url:
        yield made


def choose(page: Any, goal: str) -> None:
    """Ask what the policies say to a promotion."""
    page.get_by_label("To", exact=True).select_option(goal)
    page.get_by_role("button", name="Check").click()


def test_models_are_listed_searched_and_opened(visit):
    """With what of each serves; what is wrong with a filter is said below it."""
    page = visit.to("/?models")
    row = page.get_by_role("row", name="churn")
    expect(row).to_contain_text("Production 1")
    expect(row).to_contain_text("version 3")
    expect(row).to_contain_text("Who leaves.")
    field = page.get_by_label("Filter", exact=True)
    field.fill("name LIKE 'ch%'")
    field.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    field = page.get_by_label("Filter", exact=True)
    field.fill("nothing = 1")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("nothing")
    page.go_back()
    page.get_by_role("link", name="churn", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("churn")
    expect(page.get_by_text("The registry's log is unbroken")).to_be_visible()
    expect(page.locator(".description")).to_have_text(f"Who leaves.\n{HOSTILE}")
    expect(page.get_by_role("row", name="moved version 1 from None to Production")).to_contain_text(HOSTILE)


def test_a_version_tells_where_it_came_from_and_how_it_is_loaded(visit, site):
    """Its run, metrics, packages and signature."""
    page = visit.to("/?model=churn&version=2")
    expect(page.get_by_text('load_model("models:/churn/2")')).to_be_visible()
    expect(page.get_by_role("row", name="accuracy")).to_contain_text("0.8")
    expect(page.get_by_role("row", name="city")).to_contain_text("string, may be left out")
    expect(page.get_by_role("row", name="gives")).to_contain_text("float32 (any")
    page.get_by_text("Packages (1)").click()
    expect(page.get_by_role("row", name="torch")).to_contain_text("2.0")
    page.get_by_role("link", name="try 2").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("try 2")
    assert "run=" in page.url


def test_what_the_policies_say_comes_before_the_move(visit, site):
    """One that does not meet them cannot go; one that does goes with a reason, in the name of whoever said who he is,
    and comes back; the history has it all."""
    page = visit.to("/?model=churn&version=3")
    choose(page, "Production")
    expect(page.get_by_role("status")).to_contain_text("3 of 3 demands of the policies are not met")
    expect(page.get_by_role("row", name="accuracy >= 0.5")).to_contain_text("accuracy is 0.4")
    expect(page.get_by_role("button", name="Promote to Production")).to_have_count(0)
    page = visit.to("/?model=churn&version=2")
    choose(page, "Production")
    expect(page.get_by_role("status")).to_contain_text("Version 1 is there now, and would be archived")
    expect(page.get_by_role("row", name="accuracy > present")).to_contain_text("it is not known on which data")
    site.client.log_inputs(*read(site, "1"))
    site.client.log_inputs(*read(site, "2"))
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("status")).to_contain_text("All 3 demands of the policies are met")
    page.get_by_label("Reason", exact=True).first.fill(f"better {HOSTILE}")
    page.get_by_label("Your name", exact=True).first.fill("Ada Löw")
    page.get_by_role("button", name="Promote to Production").click()
    expect(page.locator(".done")).to_have_text("Version 2 is at Production. Before it, version 1 was.")
    last = site.client.get_model_history("churn")[-1]
    assert (last.user, last.why, last.archived) == ("Ada Löw", f"better {HOSTILE}", ("1",))
    moved = page.get_by_role("row", name="moved version 2 from None to Production, and archived 1")
    expect(moved).to_contain_text(f"better {HOSTILE}")
    page.get_by_role("link", name="churn", exact=True).click()
    used = page.get_by_role("row", name="Production version 2")
    expect(used).to_contain_text("Ada Löw")
    used.get_by_text("Roll back…").click()
    used.get_by_label("Reason", exact=True).fill("too slow")
    used.get_by_role("button", name="Take version 2 out of Production").click()
    expect(page.locator(".done")).to_have_text("Version 1 is at Production again, as before version 2.")
    assert site.client.get_model_history("churn")[-1].rollback


def read(site: Site, version: str) -> tuple[str, list[Any]]:
    """The run of a version, with data that it held out."""
    from autotrack.entities import Dataset, DatasetInput, InputTag

    held = DatasetInput(Dataset("held", "d1", "local", "{}"), [InputTag("mlflow.data.context", "test")])
    return str(site.client.get_model_version("churn", version).run_id), [held]


def test_somebody_else_who_was_faster_is_told_at_the_place(visit, site):
    """Nothing is changed then; and an alias of one's own choice is made, and taken away."""
    page = visit.to("/?model=churn&version=2")
    choose(page, "another alias")
    page.get_by_label("Name of the alias").fill("@shadow")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("status")).to_have_text("No policy has a say in this. No version is there now.")
    site.client.set_registered_model_alias("churn", "shadow", "3")
    page.get_by_role("button", name="Promote to @shadow").click()
    expect(page.get_by_role("alert").filter(has_text="somebody else was faster")).to_be_visible()
    assert site.client.get_registered_model("churn").aliases == {"shadow": "3"}
    choose(page, "Archived")
    choose(page, "another alias")
    page.get_by_role("button", name="Promote to @shadow").click()
    expect(page.locator(".done")).to_contain_text("Version 2 is at @shadow")
    page.get_by_text("Take an alias away…").click()
    page.get_by_role("button", name="Take @shadow away").click()
    expect(page.locator(".done")).to_have_text("@shadow leads nowhere now.")
    assert site.client.get_registered_model("churn").aliases == {}


def test_tags_descriptions_and_approvals_are_set_from_the_page(visit, site):
    """And what the server refuses is said where it was wished for."""
    page = visit.to("/?model=churn&version=3")
    page.get_by_label("Key", exact=True).fill("team")
    page.get_by_label("Value", exact=True).fill(HOSTILE)
    page.get_by_role("button", name="Set tag").click()
    expect(page.locator(".pairs tr", has_text="team")).to_contain_text(HOSTILE)
    page.get_by_label("Key", exact=True).fill("a\\b")
    page.get_by_role("button", name="Set tag").click()
    expect(page.get_by_role("alert").filter(has_text="Invalid value")).to_be_visible()
    page.get_by_role("form", name="Remove the tag team").get_by_role("button").click()
    expect(page.locator(".pairs tr", has_text="team")).to_have_count(0)
    page.locator(".described").get_by_text("edit").click()
    page.get_by_label("Description", exact=True).fill("the third")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".description")).to_have_text("the third")
    page.get_by_text("Approve of it…").click()
    page.get_by_label("For", exact=True).select_option("Staging")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(".done")).to_have_text("Version 3 is approved of for Staging.")
    assert site.client.get_model_history("churn")[-1].after == "Staging"


def test_versions_are_compared(visit):
    """What differs first, and on demand what does not; the address says it all."""
    page = visit.to("/?model=churn")
    for n in (1, 2):
        page.get_by_role("checkbox", name=f"Choose version {n}").check()
    page.get_by_role("button", name="Compare 2").click()
    expect(page.get_by_role("row", name="lr")).to_contain_text("0.1")
    expect(page.get_by_role("row", name="torch")).to_contain_text("2.0")
    expect(page.get_by_role("row", name="depth")).to_have_count(0)
    page.get_by_role("link", name="all of it").click()
    expect(page.get_by_role("row", name="depth")).to_contain_text("3")
    assert "versions=1%2C2&all=1" in page.url


def test_a_registry_of_others_is_only_shown(visit):
    """A server that may not write says so, and offers no change."""
    page = visit.page
    page.route("**/api/autotrack/access*", lambda route: route.fulfill(json={"read_only": True, "user": ""}))
    visit.to("/?model=churn&version=1")
    expect(page.get_by_text("it may not write to")).to_be_visible()
    expect(page.locator("main form, main button")).to_have_count(0)
    page.set_viewport_size({"width": 360, "height": 700})
    for address in ("/?models", "/?model=churn", "/?model=churn&version=1", "/?model=churn&versions=1,2"):
        visit.to(address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, address
