"""What one sees in a browser of what was recorded."""

import pytest
from visiting import HOSTILE, expect

import autotrack

NAMES = "table.runs tbody td:nth-child(2) a"


def names(page):
    return page.locator(NAMES).all_inner_texts()


def test_runs_are_sorted_by_the_server_at_a_click(visit):
    """The address says how; a second click turns the order round, and going back goes back."""
    page = visit.to()
    assert len(names(page)) == 12
    page.get_by_role("link", name="lr", exact=True).click()
    page.wait_for_selector("th[aria-sort=descending]")
    assert "sort=number%28params.lr%29" in page.url
    assert names(page)[:2] == ["trial 10", "trial 9"]
    page.get_by_role("link", name="lr ↓").click()
    page.wait_for_selector("th[aria-sort=ascending]")
    assert names(page)[:2] == ["trial 0", "trial 1"]
    page.go_back()
    page.wait_for_selector("th[aria-sort=descending]")
    assert names(page)[0] == "trial 10"


def test_a_filter_finds_runs_and_says_what_is_wrong_with_it(visit):
    """By the grammar of every other place; an error stands below the field, at the place."""
    page = visit.to()
    field = page.get_by_label("Filter", exact=True)
    field.fill("best(val/loss) < 0.5 AND params.depth = '1'")
    field.press("Enter")
    expect(page.locator(NAMES)).to_have_count(2)
    assert sorted(names(page)) == ["trial 10", "trial 7"]
    field = page.get_by_label("Filter", exact=True)
    field.fill("params.depth >")
    field.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert "at character" in page.locator("[role=alert]").inner_text()
    assert page.get_by_label("Filter", exact=True).input_value() == "params.depth >"


def test_a_run_shows_its_curves_and_values(visit, site):
    """One chart for training and validation of the same thing, drawn once it is in sight."""
    page = visit.to()
    page.get_by_role("link", name="trial 4").click()
    page.wait_for_selector("figure canvas")
    assert page.locator("figcaption").all_inner_texts() == ["loss"]
    assert page.locator("h1").inner_text().startswith("trial 4")
    assert page.get_by_role("row", name="depth 1").count() == 1
    (asked,) = {url.partition("?")[0] for url in visit.asked if "history" in url}
    assert asked == f"{site.url}/api/autotrack/history"


def test_a_run_that_failed_says_why(visit, site):
    """The end of the traceback stands above all that it left."""
    autotrack.set_tracking_uri(str(site.client.store.directory))
    with pytest.raises(ZeroDivisionError), autotrack.start_run() as run:
        run.log_metric("loss", 1 / 0)
    page = visit.to(f"/?run={run.info.run_id}")
    assert page.locator(".status").first.inner_text() == "failed"
    assert "ZeroDivisionError: division by zero" in page.locator("pre.error").inner_text()


def test_chosen_runs_are_compared(visit):
    """What differs first, and their curves in one chart each."""
    page = visit.to("/?where=params.depth='2'")
    button = page.get_by_role("button", name="Compare")
    assert button.is_disabled()
    for box in page.get_by_role("checkbox", name="Choose trial").all()[:2]:
        box.check()
    button.click()
    page.wait_for_selector("figure canvas")
    assert page.locator("table.sides th[scope=row]").all_inner_texts()[0] == "lr"
    assert "depth" not in page.locator("table.sides th[scope=row]").all_inner_texts()
    assert page.locator("figcaption").all_inner_texts() == ["train/loss", "val/loss"]


def test_hostile_texts_are_texts(visit):
    """In names, parameters, tags and files; the fixture fails if any of them ran."""
    page = visit.to()
    page.get_by_role("link", name=HOSTILE).click()
    page.wait_for_selector("figure canvas")
    assert page.locator("h1").inner_text().startswith(HOSTILE)
    assert page.locator("main img, main script, main iframe").count() == 0
    page.locator("li", has_text="page.html").get_by_text("look").click()
    assert page.locator("li iframe").get_attribute("sandbox") == ""
    page.get_by_role("button", name="source").click()
    expect(page.locator("li pre")).to_have_text(HOSTILE)
    expect(page.locator("figure p")).to_have_text("✕ NaN: 1")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_page_fits_a_small_screen_in_both_themes(theme, visit):
    """Nothing is wider than the screen but the table in its own frame; the ground is light or dark."""
    page = visit.page
    page.set_viewport_size({"width": 360, "height": 700})
    page.emulate_media(color_scheme=theme)
    visit.to()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    light = sum(int(part) for part in ground.removeprefix("rgb(").removesuffix(")").split(",")) > 384
    assert light is (theme == "light")
    page.get_by_role("button", name="Light or dark").click()
    assert page.locator("html").get_attribute("data-theme") == ("dark" if theme == "light" else "light")


def test_a_run_that_goes_on_is_looked_at_again(visit, site):
    """New values come without a reload, and the place that one reads stays where it is."""
    run_id = site.run("going on", {}, {"loss": [1.0, 0.5]}, end=False)
    page = visit.page
    page.clock.install()
    visit.to(f"/?run={run_id}")
    cell = page.get_by_role("row", name="loss").locator("td").first
    assert cell.inner_text() == "0.5"
    page.set_viewport_size({"width": 1280, "height": 300})
    page.evaluate("scrollTo(0, 120)")
    site.client.log_metric(run_id, "loss", 0.25, step=2)
    page.clock.run_for(6000)
    expect(cell).to_have_text("0.25")
    assert page.evaluate("scrollY") == 120
    site.client.set_terminated(run_id)
