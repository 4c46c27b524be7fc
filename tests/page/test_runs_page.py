"""The table of runs in a browser: any length, any column, completed filters, groups, a baseline, changes of several."""

import csv
import json
import re
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from visiting import expect

LINES = ".frame tbody tr[aria-rowindex]"


def asked_of(page):
    """What the address says, by name."""
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def heads(page):
    return [text.rstrip(" ↑↓") for text in page.locator("table.runs thead th").all_inner_texts()]


def cell(page, row, head):
    """The cell of a row in the column of a title."""
    return page.get_by_role("row").filter(has_text=row).locator("td").nth(1 + heads(page).index(head))


@pytest.fixture(scope="module")
def crowd(site):
    """An experiment of 120 runs, by its id."""
    found = site.client.create_experiment("crowd")
    for n in range(120):
        site.client.create_run(found, start_time=1_700_000_000_000 + n, run_name=f"one of many {n:03}")
    return found


def test_of_many_runs_only_those_in_sight_are_in_the_document(visit, crowd):
    """The others come from the server as one scrolls, and the bar says from the beginning how long the table is."""
    page = visit.to(f"/?e={crowd}")
    expect(page.get_by_text("120 runs", exact=True)).to_be_visible()
    expect(page.locator("table.runs")).to_have_attribute("aria-rowcount", "121")
    assert page.locator(LINES).count() < 45
    frame = page.locator(".frame")
    assert frame.evaluate("frame => frame.scrollHeight") > 120 * 30
    frame.evaluate("frame => { frame.scrollTop = frame.scrollHeight }")
    expect(page.get_by_role("link", name="one of many 000")).to_be_visible()
    assert page.locator(LINES).count() < 45
    assert page.locator(LINES).last.get_attribute("aria-rowindex") == "121"


def test_any_key_is_a_column_in_any_order_and_width(visit, site):
    """Chosen among all keys, also readings of a metric; moved and widened by the keyboard; the address keeps which, the
    browser how wide."""
    site.client.set_tag(site.run("tagged", {}, {"val/loss": [3.0, 1.0, 2.0]}), "team/name", "vision")
    page = visit.to("/?where=run_name='tagged'")
    page.get_by_role("button", name="Columns").click()
    window = page.get_by_role("dialog")
    window.get_by_label("Find a key").fill("team")
    window.get_by_role("checkbox", name="team/name").check()
    window.get_by_label("Find a key").fill("val")
    window.get_by_label("Which value of val/loss").select_option("best")
    window.get_by_role("checkbox", name="val/loss").check()
    window.get_by_role("button", name="Keep tags.team/name in place").click()
    window.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("table.runs thead th").nth(1)).to_have_text("team/name")
    assert heads(page)[-1] == "best val/loss"
    assert asked_of(page)["pin"] == "tags.team/name"
    assert cell(page, "tagged", "team/name").inner_text() == "vision"
    assert cell(page, "tagged", "best val/loss").inner_text() == "1"
    page.get_by_role("link", name="best val/loss").focus()
    page.keyboard.press("Alt+ArrowLeft")
    expect(page.locator("table.runs thead th").last).not_to_have_text("best val/loss")
    assert heads(page)[-2] == "best val/loss"
    assert page.evaluate("document.activeElement.closest('th') !== null")
    head = page.get_by_role("columnheader", name="best val/loss")
    wide = head.bounding_box()["width"]
    page.get_by_role("link", name="best val/loss").press("Alt+Shift+ArrowRight")
    assert head.bounding_box()["width"] == wide + 16
    order = heads(page)
    page.reload()
    visit.ready()
    assert heads(page) == order
    assert head.bounding_box()["width"] == wide + 16


def test_a_filter_is_completed(visit):
    """Fields, operators and values that are there, by the keyboard, as a screen reader is told."""
    page = visit.to()
    field = page.get_by_role("combobox", name="Filter")
    field.press_sequentially("dep")
    choice = page.get_by_role("listbox").get_by_role("option")
    expect(choice.first).to_have_text("params.depthparameter")
    field.press("ArrowDown")
    assert field.get_attribute("aria-activedescendant") == choice.first.get_attribute("id")
    field.press("Enter")
    expect(field).to_have_value("params.depth ")
    expect(choice.first).to_have_text("=")
    field.press("ArrowDown")
    field.press("Enter")
    expect(page.get_by_role("option", name="'2'")).to_be_visible()
    field.press_sequentially("'2")
    expect(choice).to_have_count(1)
    field.press("ArrowDown")
    field.press("Enter")
    expect(field).to_have_value("params.depth = '2' ")
    expect(choice.first).to_have_text("ANDboth")
    field.press("Escape")
    expect(page.get_by_role("listbox")).to_have_count(0)
    field.press("Enter")
    expect(page.get_by_text("3 runs", exact=True)).to_be_visible()
    assert asked_of(page)["where"] == "params.depth = '2'"
    assert page.evaluate("document.activeElement.id") == "where"


def test_what_is_wrong_with_a_filter_is_marked_where_it_is(visit):
    """In the field itself; the message stands below, and goes when one writes on. Where nothing fits, the page
    says what to do."""
    page = visit.to("/?where=" + quote("params.depth = '1' AND metrics.loss < abc"))
    field = page.get_by_role("combobox", name="Filter")
    expect(field).to_have_attribute("aria-invalid", "true")
    assert page.locator(".mirror mark").inner_text() == "abc"
    assert "at character 39" in page.get_by_role("alert").inner_text()
    field.press("End")
    field.press("Backspace")
    expect(page.get_by_role("alert")).to_have_count(0)
    field.fill("params.depth = 'no such value'")
    field.press("Enter")
    expect(page.get_by_text("No run fits the filter.")).to_be_visible()
    page.get_by_role("link", name="Take it away").click()
    expect(page.get_by_role("link", name="trial 0", exact=True)).to_be_visible()
    assert field.input_value() == ""


def test_runs_are_grouped_and_a_group_unfolds(visit, site):
    """Each with mean and spread over its runs; seeds, parents and any parameter or tag may be what tells them apart."""
    there = site.client.create_experiment("grouped")
    ids = []
    for lr, seed, loss in (("0.1", "0", 1.0), ("0.1", "1", 2.0), ("0.2", "0", 5.0)):
        made = site.client.create_run(there, run_name=f"{lr} {seed}")
        site.client.log_param(made.info.run_id, "lr", lr)
        site.client.log_param(made.info.run_id, "seed", seed)
        site.client.log_metric(made.info.run_id, "val/loss", loss)
        site.client.set_terminated(made.info.run_id)
        ids.append(made.info.run_id)
    site.client.set_tag(ids[1], "mlflow.parentRunId", ids[0])
    page = visit.to(f"/?e={there}&columns=status,metrics.val/loss")
    page.get_by_label("Group by").select_option("seeds")
    group = page.get_by_role("row").filter(has_text="lr = 0.1")
    expect(group).to_contain_text("2 runs")
    expect(group).to_contain_text("1.5 ± 0.71")
    page.get_by_role("button", name="lr = 0.1").click()
    expect(page.get_by_role("link", name=re.compile(r"^0.1 \d$"))).to_have_count(2)
    assert page.get_by_role("button", name="lr = 0.1").get_attribute("aria-expanded") == "true"
    page.get_by_role("button", name="lr = 0.1").click()
    expect(page.get_by_role("link", name="0.1 0")).to_have_count(0)
    page.get_by_role("link", name="val/loss").click()
    expect(page.locator(LINES).first).to_contain_text("lr = 0.2")
    page.get_by_label("Group by").select_option("parent")
    expect(page.get_by_role("row").filter(has_text="0.1 0")).to_contain_text("1 run")
    assert asked_of(page)["group"] == "parent"


def test_the_runs_of_a_search_are_seen_below_it(visit, site):
    """Unfolded in its place; who looks for them by a filter, or wants them all, has them as rows of their own."""
    there = site.client.create_experiment("searched")
    search = site.client.create_run(there, run_name="search").info.run_id
    for n in range(3):
        site.client.create_run(there, run_name=f"candidate {n}", tags={"mlflow.parentRunId": search})
    page = visit.to(f"/?e={there}")
    below = page.get_by_role("button", name="3 runs below search")
    expect(below).to_be_visible()
    expect(page.locator(LINES)).to_have_count(1)
    page.get_by_role("link", name="search", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(LINES)).to_have_count(4)
    assert below.get_attribute("aria-expanded") == "true"
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.textContent") == "candidate 2"
    below.click()
    expect(page.locator(LINES)).to_have_count(1)
    page.get_by_role("link", name="and 3 below them").click()
    expect(page.locator(LINES)).to_have_count(4)
    page = visit.to(f"/?e={there}&where=run_name LIKE 'cand%25'")
    expect(page.locator(LINES)).to_have_count(3)


def test_values_are_compared_with_a_baseline(visit):
    """In percent, green where better and red where worse; the address names the run."""
    page = visit.to("/?where=params.depth='2'&sort=metrics.val/loss ASC&columns=metrics.val/loss,params.lr")
    expect(page.locator(LINES)).to_have_count(3)
    page.get_by_role("link", name="trial 8").focus()
    page.keyboard.press("b")
    expect(page.locator(".actions .mark")).to_contain_text("trial 8")
    expect(cell(page, "trial 2", "val/loss").locator("small.bad")).to_have_text(" +421 %")
    expect(cell(page, "trial 8", "val/loss").locator("small")).to_have_count(0)
    expect(cell(page, "trial 2", "lr").locator("small")).to_have_count(0)
    page.reload()
    visit.ready()
    expect(cell(page, "trial 2", "val/loss")).to_contain_text("+421 %")
    page.get_by_role("link", name="No baseline").click()
    expect(page.locator("table.runs small")).to_have_count(0)


def test_a_change_of_several_runs_says_what_it_does_and_can_be_undone(visit, site):
    """Tags and deletion, at a second click; deleted runs are shown where they can be restored."""
    for n in range(3):
        site.run(f"passing {n}", {"kind": "passing"}, {})
    page = visit.to("/?where=params.kind='passing'&columns=tags.note")
    assert page.get_by_role("button", name="Delete").is_disabled()
    page.get_by_label("Choose all that fit").check()
    page.get_by_role("button", name="Tag", exact=True).click()
    panel = page.get_by_role("group", name="What will be done")
    panel.get_by_label("Tag", exact=True).fill("note")
    panel.get_by_label("Value").fill("<b>kept</b>")
    panel.get_by_role("button", name="Set on 3 runs").click()
    expect(page.get_by_role("cell", name="<b>kept</b>")).to_have_count(3)
    page.get_by_label("Choose passing 0").check()
    page.get_by_label("Choose passing 1").check()
    page.get_by_role("button", name="Delete").click()
    assert "Nothing is erased" in panel.inner_text()
    expect(page.locator(LINES)).to_have_count(3)
    panel.get_by_role("button", name="Delete 2 runs").click()
    expect(page.locator(LINES)).to_have_count(1)
    page.get_by_role("link", name="Deleted", exact=True).click()
    expect(page.locator(LINES)).to_have_count(2)
    page.get_by_label("Choose passing 1").check()
    page.get_by_role("button", name="Restore").click()
    panel.get_by_role("button", name="Restore 1 run").click()
    expect(page.locator(LINES)).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(LINES)).to_have_count(2)


def test_nothing_is_offered_to_be_changed_where_the_server_may_not_write(visit):
    """The buttons say why; what only reads goes on."""
    read_only = json.dumps({"read_only": True, "user": ""})
    visit.page.route("**/api/autotrack/access*", lambda route: route.fulfill(body=read_only))
    page = visit.to()
    page.get_by_label("Choose trial 4").check()
    expect(page.get_by_role("button", name="Delete")).to_be_disabled()
    assert "may not write" in page.get_by_role("button", name="Delete").get_attribute("title")
    assert page.get_by_role("button", name="Export").is_enabled()


def test_the_table_is_saved_as_it_is_shown(visit):
    """The chosen runs or all that fit, as CSV or JSON, with exact values."""
    page = visit.to("/?where=params.depth='2'&columns=params.lr,best(metrics.val/loss)&sort=params.lr ASC")
    expect(page.get_by_text("3 runs", exact=True)).to_be_visible()
    page.get_by_role("button", name="Export").click()
    panel = page.get_by_role("group", name="What will be done")
    expect(panel).to_contain_text("All 3 runs that fit")
    with page.expect_download() as saved:
        panel.get_by_role("button", name="CSV").click()
    with saved.value.path().open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["run_name"] for row in rows] == ["trial 2", "trial 5", "trial 8"]
    assert float(rows[0]["best(metrics.val/loss)"]) == pytest.approx(2 * 2.718281828459045 ** (-0.55), rel=1e-15)
    page.get_by_label("Choose trial 5").check()
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as saved:
        panel.get_by_role("button", name="JSON").click()
    (row,) = json.loads(saved.value.path().read_text())
    assert (row["run_name"], row["params.lr"]) == ("trial 5", "0.05")


def test_new_values_and_runs_come_without_moving_anything(visit, site):
    """Values into their cells, how many runs are new on a button; a page on which nothing runs asks for nothing, one on
    which something does for less than two kilobytes a second."""
    there = site.client.create_experiment("live")
    first = site.client.create_run(there, run_name="at work").info.run_id
    site.client.log_metric(first, "val/loss", 0.5)
    page = visit.page
    page.clock.install()
    visit.to(f"/?e={there}")
    expect(page.get_by_text("1 run", exact=True)).to_be_visible()
    page.get_by_label("Choose at work").check()
    site.client.log_metric(first, "val/loss", 0.25, step=1)
    second = site.client.create_run(there, run_name="later").info.run_id
    page.clock.run_for(5100)
    expect(cell(page, "at work", "val/loss")).to_have_text("0.25")
    expect(page.get_by_role("button", name="1 new run")).to_be_visible()
    assert page.get_by_label("Choose at work").is_checked()
    expect(page.locator(LINES)).to_have_count(1)
    sent = []
    page.on("requestfinished", lambda request: sent.append(sum(request.sizes().values())))
    for _ in range(3):
        with page.expect_response("**/runs/count"):
            page.clock.run_for(5100)
    assert sum(sent) / 15 < 2048
    page.get_by_role("button", name="1 new run").click()
    expect(page.locator(LINES)).to_have_count(2)
    for run_id in (first, second):
        site.client.set_terminated(run_id)
    page.clock.run_for(5100)
    expect(page.locator(".status.FINISHED")).to_have_count(2)
    page.clock.run_for(5100)
    asked = len(visit.asked)
    page.clock.run_for(60_000)
    assert visit.asked[asked:] == []


def test_the_keyboard_does_it_all(visit):
    """From row to row, choose, open, to the filter and back; a window tells the keys."""
    page = visit.to("/?where=params.depth='2'&sort=params.lr ASC")
    expect(page.locator(LINES)).to_have_count(3)
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.textContent") == "trial 5"
    page.keyboard.press("x")
    page.keyboard.press("ArrowUp")
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="Compare 2")).to_be_enabled()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Compare", exact=True)).to_be_disabled()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "where"
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("take the row as baseline")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("link", name="trial 5").press("k")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("trial 2")


def test_a_view_is_kept_under_a_name(visit):
    """By this browser; it is the address that is kept."""
    page = visit.to("/?where=params.depth='1'&columns=params.lr")
    page.get_by_role("button", name="Views").click()
    page.get_by_label("Name of this view").fill("depth <one>")
    page.get_by_role("button", name="Keep this one").click()
    expect(page.get_by_role("link", name="depth <one>")).to_be_visible()
    page = visit.to()
    page.get_by_role("button", name="Views").click()
    page.get_by_role("link", name="depth <one>").click()
    expect(page.locator(LINES)).to_have_count(4)
    assert asked_of(page) == {"where": "params.depth='1'", "columns": "params.lr"}
    expect(page.get_by_role("dialog")).to_have_count(0)
