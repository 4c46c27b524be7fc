"""Runs beside one another, and what many of them say together."""

import json
import math
import re
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from visiting import Site, expect

LABELS = ["cat", "dog"]


@dataclass
class Study(Site):
    """What was recorded in each of its runs."""

    rows: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture(scope="module")
def study(site):
    """Runs of two parameters that matter and one that does not."""
    found = Study(site.url, site.client, site.client.create_experiment("study"))
    for n in range(24):
        row = {"lr": 10.0 ** -(1 + n % 4), "depth": 2 + n // 4 % 3, "noise": n * 7 % 5}
        loss = abs(math.log10(row["lr"]) + 2) + row["depth"] / 10
        params = {**{key: str(value) for key, value in row.items()}, "epochs": "3"}
        found.rows.append(row | {"loss": loss, "id": found.run(f"try {n}", params, {"loss": [9.0, loss]})})
    return found


@pytest.fixture
def everything(study):
    """The address of all of them."""
    return f"/?compare=all&e={study.experiment}"


def section(page, title):
    """A section of the page, in sight."""
    found = page.locator("section", has=page.get_by_role("heading", name=title, exact=True))
    found.scroll_into_view_if_needed()
    return found


def asked(page, name):
    """What the address says."""
    return parse_qs(urlsplit(page.url).query).get(name, [None])[0]


def test_what_differs_comes_first_and_the_rest_on_request(visit, study):
    """The address says whether what is the same is shown too."""
    ids = ",".join(row["id"] for row in study.rows[:3])
    page = visit.to(f"/?compare={ids}")
    names = page.locator("table.sides tbody th[scope=row]")
    assert names.all_inner_texts() == ["lr", "noise", "loss"]
    assert "2 the same in all" in page.locator("tr.part").first.inner_text()
    page.get_by_label("also what is the same").check()
    expect(names).to_have_text(["lr", "noise", "depth", "epochs", "loss"])
    page.reload()
    visit.ready()
    assert page.get_by_label("also what is the same").is_checked()
    assert names.count() == 5
    section(page, "Curves")
    page.wait_for_selector("figure canvas")


def test_what_is_chosen_on_an_axis_is_what_the_table_shows(visit, study, everything):
    """By the pointer or by keys; who is given the address sees the same."""
    page = visit.to(everything)
    shown = section(page, "Parallel coordinates")
    expect(shown.get_by_role("status")).to_have_text("24 of 24 runs")
    titles = shown.locator("svg .name").all_text_contents()
    assert sorted(titles) == ["depth", "loss", "lr", "noise"]
    axis = shown.locator("svg .field").nth(titles.index("lr"))
    axis.scroll_into_view_if_needed()
    box = axis.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 1)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.up()
    expect(shown.get_by_role("status")).to_have_text("12 of 24 runs")
    wanted = {row["id"][:6] for row in study.rows if row["lr"] >= 0.01}
    assert {name.split()[-1] for name in shown.locator("tbody th").all_inner_texts()} == wanted
    shown.get_by_text("Limits").click()
    slider = shown.get_by_role("slider", name="depth to")
    slider.press("Home")
    expect(shown.get_by_role("status")).to_have_text("4 of 24 runs")
    assert slider.get_attribute("aria-valuetext") == "2"
    page.reload()
    visit.ready()
    expect(section(page, "Parallel coordinates").get_by_role("status")).to_have_text("4 of 24 runs")
    page.get_by_role("button", name="Remove the axis depth").click()
    expect(shown.get_by_role("status")).to_have_text("12 of 24 runs")
    assert json.loads(asked(page, "axes")) == ["params.lr", "params.noise"]


def test_any_field_is_drawn_against_any_other(visit, everything):
    """A point for each run; which fields is in the address."""
    page = visit.to(everything)
    shown = section(page, "Scatter")
    expect(shown.locator("circle")).to_have_count(24)
    shown.get_by_label("across").select_option(label="noise")
    shown.get_by_label("colour").select_option(label="loss")
    expect(shown.locator("p.told")).to_contain_text("loss against noise: 24 of 24 runs; from 0.2 (violet)")
    assert (asked(page, "x"), asked(page, "colour")) == ("params.noise", "metrics.loss")
    shown.locator("circle").first.hover()
    expect(shown.locator("p.told")).to_contain_text("try")
    shown.locator("circle").first.click()
    page.wait_for_url("**run=*")


def test_a_heat_map_has_the_mean_of_each_cell(visit, study, everything):
    """Of all runs that have both values."""
    page = visit.to(f"{everything}&down=params.lr&across=params.depth")
    shown = section(page, "Heat map")
    cells = shown.locator("tbody tr")
    expect(cells).to_have_count(4)
    assert shown.locator("thead th").all_inner_texts()[1:] == ["2", "3", "4"]
    mean = fmean(row["loss"] for row in study.rows if (row["lr"], row["depth"]) == (0.1, 3))
    assert float(cells.nth(3).locator("td").nth(1).inner_text()) == pytest.approx(mean)


def test_the_candidates_of_a_search_are_compared(visit, study):
    """By the table that it kept, whether or not they are runs."""
    search = study.run("search", {}, {})
    rows = [[c, kernel, c / 10 + len(kernel)] for c in (1, 10) for kernel in ("rbf", "linear")]
    table = {"columns": ["params_C", "params_kernel", "value"], "data": rows}
    study.client.log_text(search, json.dumps(table), "trials.json")
    page = visit.to(f"/?compare=all&trials={search}")
    assert page.locator("h1").inner_text() == "4 candidates"
    shown = section(page, "Heat map")
    expect(shown.locator("tbody tr")).to_have_text([re.compile("^1 *6.1 *3.1$"), re.compile("^10 *7 *4$")])
    expect(section(page, "Parallel coordinates").get_by_role("status")).to_have_text("4 of 4 candidates")


def test_what_mattered_is_said_with_how_much_certainty(visit, everything):
    """From how many runs, as the command line says it; what cannot be said says why."""
    page = visit.to(everything)
    shown = section(page, "Importance")
    expect(shown.locator("tbody th").first).to_have_text("lr")
    expect(shown.locator("p", has_text="24 runs")).to_contain_text("R²")
    page.goto(f"{visit.site.url}{everything}&where=params.lr = '0.1' AND params.depth = '2'")
    visit.ready()
    assert page.get_by_role("heading", name="Importance").count() == 0


def test_confusion_matrices_and_curves_are_side_by_side(visit, study):
    """Drawn from what a fit left as data; a picture is shown where that is all there is."""
    ids = []
    for n, counts in enumerate(([[8, 2], [1, 9]], [[5, 5], [5, 5]])):
        ids.append(study.run(f"fit {n}", {"C": str(n)}, {}))
        curve = {
            "false_positive_rate": [0, 0.1 + n / 4, 1],
            "true_positive_rate": [0, 0.9 - n / 4, 1],
            "area": 0.9 - n / 4,
        }
        curves = [{"class": "dog", **curve}, {"class": "cat", **curve, "area": 0.25}]
        found = {"confusion_matrix": {"labels": LABELS, "counts": counts}, "roc_curve": curves}
        study.client.log_text(ids[-1], json.dumps(found), "training_evidence.json")
    ids.append(study.run("drawn", {"C": "7"}, {}))
    study.client.log_text(ids[-1], "no picture", "training_roc_curve.png")
    page = visit.to(f"/?compare={','.join(ids)}")
    shown = section(page, "Confusion matrices and ROC curves")
    expect(shown.locator("table.matrix").first.locator("tbody tr")).to_have_text(["cat82", "dog19"])
    assert "17 of 20 right" in shown.locator("figcaption").first.inner_text()
    assert shown.locator("path.curve").count() == 2
    assert [line.split()[-1] for line in shown.locator(".areas li").all_inner_texts()] == ["0.9", "0.65"]
    shown.get_by_role("combobox").select_option(label="cat")
    expect(shown.locator(".areas li").first).to_contain_text("0.25")
    assert asked(page, "class") == "cat"
    assert shown.get_by_alt_text("training_roc_curve.png").count() == 1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_comparison_fits_a_small_screen(theme, visit, everything):
    """Nothing is wider than the screen but what scrolls in its own frame."""
    page = visit.page
    page.set_viewport_size({"width": 360, "height": 5000})
    page.emulate_media(color_scheme=theme)
    visit.to(everything)
    page.wait_for_selector("circle")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
