"""The pages of experiments, and of the searches in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from visiting import HOSTILE, Site, expect, serve

from autotrack.client import Client

NOTES = f"""# Plan

Three **seeds** each, see [the paper](https://example.org/paper), not [this](javascript:alert(3)).

- `lr` first
- {HOSTILE}

| lr | why |
|----|-----|
| 1  | big |
"""


@pytest.fixture(scope="module")
def site(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An experiment with notes and a hand-written search, and a deleted one."""
    store = tmp_path_factory.mktemp("experiments") / "store"
    client = Client(str(store))
    made = Site("", client, client.create_experiment("digits"))
    client.set_experiment_tag(made.experiment, "mlflow.note.content", NOTES)
    client.set_experiment_tag(made.experiment, "autotrack.question", HOSTILE)
    parent = made.run("search", {}, {})
    for n, loss in enumerate((0.5, 0.2, 0.4, 0.1, 0.3)):
        child = made.run(f"trial {n}", {"lr": f"0.{n}", "depth": str(n % 2)}, {"loss": [1.0, loss]})
        client.set_tag(child, "mlflow.parentRunId", parent)
    kept = made.run("grid", {}, {})
    rows = [[n, HOSTILE if n == 1 else "rbf", value, n + 1] for n, value in enumerate((0.7, "NaN", 0.9))]
    table = {"columns": ["params_C", "params_kernel", "value", "rank_test_score"], "data": rows}
    client.log_text(kept, json.dumps(table), "trials.json")
    client.delete_experiment(client.create_experiment("old"))
    with serve(store) as made.url:
        made.searches = {"search": parent, "grid": kept}
        yield made


def test_experiments_are_listed_made_renamed_deleted_and_restored(visit, site):
    """With how many runs they have; what the server refuses is said at the place."""
    page = visit.to("/?experiments")
    row = page.get_by_role("row", name="digits")
    expect(row).to_contain_text("7")
    expect(row).to_contain_text("Plan")
    page.get_by_text("New experiment…").click()
    page.get_by_label("Name", exact=True).fill("digits")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("alert")).to_contain_text("already exists")
    page.get_by_label("Name", exact=True).fill(HOSTILE)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    page.get_by_text("Rename…").click()
    page.get_by_label("Name", exact=True).fill("fresh")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("fresh")
    page.get_by_role("heading", name="Best runs").scroll_into_view_if_needed()
    expect(page.get_by_text("AUTOTRACK_EXPERIMENT=fresh autotrack run train.py")).to_be_visible()
    page.get_by_text("Delete…").click()
    page.get_by_role("button", name="Delete fresh").click()
    expect(page.get_by_role("row", name="digits")).to_be_visible()
    expect(page.get_by_role("row", name="fresh")).to_have_count(0)
    page.get_by_role("link", name="Deleted ones").click()
    expect(page.get_by_role("row", name="old")).to_be_visible()
    page.get_by_role("form", name="Restore fresh").get_by_role("button").click()
    expect(page.locator(".done")).to_have_text("fresh is back.")
    assert site.client.get_experiment_by_name("fresh").lifecycle_stage == "active"


def test_notes_are_markdown_and_nothing_in_them_runs(visit, site):
    """Headings, lists, tables and links that lead somewhere harmless; everything else is text."""
    page = visit.to(f"/?experiment={site.experiment}")
    notes = page.locator(".notes")
    expect(notes.get_by_role("heading", name="Plan")).to_be_visible()
    expect(notes.get_by_role("listitem").last).to_have_text(HOSTILE)
    expect(notes.get_by_role("cell", name="big")).to_be_visible()
    expect(notes.get_by_role("link")).to_have_count(1)
    assert "noopener" in notes.get_by_role("link").get_attribute("rel")
    assert notes.locator("script, img").count() == 0
    page.get_by_role("heading", name="Best runs").scroll_into_view_if_needed()
    expect(page.get_by_role("region", name="Best runs").get_by_role("row").nth(1)).to_contain_text("trial 3")


def test_two_who_edit_the_notes_do_not_overwrite_one_another(visit, site):
    """The other's text is shown, and one decides."""
    page = visit.to(f"/?experiment={site.experiment}")
    page.get_by_text("Change the question").click()
    page.get_by_label("Question", exact=True).fill("mine")
    site.client.set_experiment_tag(site.experiment, "autotrack.question", "theirs")
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_role("alert").first).to_contain_text("Somebody else has changed this meanwhile")
    expect(page.get_by_text("theirs", exact=True)).to_be_visible()
    assert site.client.get_experiment(site.experiment).tags["autotrack.question"] == "theirs"
    page.get_by_role("button", name="Save").first.click()
    expect(page.locator(".done")).to_have_text("Saved: question.")
    assert site.client.get_experiment(site.experiment).tags["autotrack.question"] == "mine"


def test_an_experiment_is_handed_on_as_a_report(visit, site):
    """A page of its own and a file, both at an address."""
    page = visit.to(f"/?experiment={site.experiment}")
    with page.expect_download() as loading:
        page.get_by_role("link", name="as a file").click()
    assert loading.value.suggested_filename == "digits-report.html"
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Report", exact=True).click()
    report = opened.value
    report.wait_for_load_state()
    assert "digits" in report.title()
    assert "experiment_id" in report.url
    report.close()


def test_the_trials_of_a_search_are_ranked(visit, site):
    """By what counts, with the best so far; any other column sorts them, and the address says how."""
    page = visit.to(f"/?experiment={site.experiment}")
    page.get_by_role("heading", name="Searches and studies").scroll_into_view_if_needed()
    page.get_by_role("link", name="search", exact=True).click()
    trials = page.get_by_role("region", name="Trials")
    first = trials.get_by_role("row").nth(1)
    expect(first).to_contain_text("trial 3")
    expect(page.get_by_role("img", name="the best so far: 0.1")).to_be_visible()
    expect(page.locator("circle")).to_have_count(5)
    trials.get_by_role("link", name="lr").click()
    trials.get_by_role("link", name="lr ↑").click()
    expect(first).to_contain_text("trial 4")
    assert "sort=params.lr+DESC" in page.url
    page.get_by_label("Better is").select_option("max")
    expect(page.get_by_role("img", name="the best so far: 0.5")).to_be_visible()
    first.get_by_role("link", name="trial 4").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("trial 4")


def test_the_table_that_a_search_kept_is_shown(visit, site):
    """Scores are better when they are higher; what is no number has no rank, and texts are texts."""
    page = visit.to(f"/?study={site.searches['grid']}")
    rows = page.get_by_role("region", name="Trials").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("0.9")
    expect(rows.nth(3)).to_contain_text("NaN")
    expect(rows.nth(3)).to_contain_text(HOSTILE[:50])
    expect(page.get_by_text("1 are not finite")).to_be_visible()
    page.set_viewport_size({"width": 360, "height": 700})
    for address in (page.url.removeprefix(site.url), "/?experiments", f"/?experiment={site.experiment}"):
        visit.to(address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, address
