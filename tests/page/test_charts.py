"""Charts: what is drawn is what was recorded, at every zoom and however one looks at it."""

from __future__ import annotations

import csv
import json
import math
import random
from typing import Any

import pytest
from visiting import Site, Visit, expect

from autotrack.entities import Metric

POINTS = 4000
HISTORY = "/api/autotrack/history"


@pytest.fixture(scope="module")
def curves() -> dict[str, list[float]]:
    """Two curves with spikes of one point, NaN and infinities."""
    drawn = random.Random(4)
    found = {}
    for key in ("train/loss", "val/loss"):
        found[key] = [math.exp(-n / 1000) + drawn.random() / 10 for n in range(POINTS)]
        for _ in range(40):
            found[key][drawn.randrange(POINTS)] = drawn.choice([9.0, -9.0, math.nan, math.inf, -math.inf, 1e-300])
    return found


@pytest.fixture(scope="module")
def long(site: Site, curves: dict[str, list[float]]) -> str:
    """A run with these curves."""
    return site.run("long", {}, curves)


def rows(page: Any) -> list[dict[str, str]]:
    """What the first chart is drawn from, as one saves it."""
    page.get_by_label("Save loss").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    page.get_by_label("Save loss").click()
    with download.value.path().open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def settled(page: Any) -> None:
    """Wait until what is asked for is drawn."""
    expect(page.locator(".plot[aria-busy=true]")).to_have_count(0)


def check(found: list[dict[str, str]], curves: dict[str, list[float]], low: int, high: int) -> None:
    """Every point from a step to another is in one bucket, which has the least and the greatest of its points."""
    for key, values in curves.items():
        mine = [row for row in found if row["key"] == key]
        edges = [float(row["step"]) for row in mine]
        assert sum(int(row["points"]) for row in mine) == high - low + 1
        for row, begin, end in zip(mine, edges, [*edges[1:], math.inf], strict=True):
            inside = [values[n] for n in range(low, high + 1) if begin <= n < end]
            finite = [value for value in inside if math.isfinite(value)]
            assert int(row["points"]) == len(inside)
            assert int(row["nan"]) == sum(value != value for value in inside)
            assert int(row["infinite"]) == sum(math.isinf(value) for value in inside)
            if finite:
                assert (float(row["min"]), float(row["max"])) == (min(finite), max(finite))
                assert float(row["last"]) == finite[-1]


def drag(page: Any, begin: float, end: float) -> None:
    """Drag over a part of the drawing, given as parts of its width."""
    box = page.locator(".u-over").first.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + begin * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + end * box["width"], y, steps=4)
    page.mouse.up()


def zoom(page: Any) -> tuple[int, int]:
    """The part that is in sight, as the address has it."""
    part = page.evaluate("new URLSearchParams(location.search).get('zoom')")
    low, high = page.evaluate("decodeURIComponent", part).removeprefix("loss:").split(",")
    return max(0, int(low)), min(POINTS - 1, int(high))


def test_a_chart_is_one_question_and_exact_at_every_zoom(visit: Visit, long: str, curves: dict[str, list[float]]):
    """All its curves come at once, again for each zoom, down to single points; the address says which part it is."""
    sizes = []
    visit.page.on(
        "requestfinished",
        lambda request: sizes.append(request.sizes()["responseBodySize"]) if HISTORY in request.url else None,
    )
    page = visit.to(f"/?run={long}")
    page.wait_for_selector("figure canvas")
    check(rows(page), curves, 0, POINTS - 1)
    assert len(sizes) == 1
    odd = [value for values in curves.values() for value in values if not math.isfinite(value)]
    nan = sum(value != value for value in odd)
    expect(page.locator("figure p")).to_have_text(f"✕ NaN: {nan}, ▲ infinite: {len(odd) - nan}")
    for times in (2, 3):
        drag(page, 0.4, 0.6)
        expect(page.get_by_role("button", name="all", exact=True)).to_be_visible()
        settled(page)
        check(rows(page), curves, *zoom(page))
        assert len(sizes) == times
    low, high = zoom(page)
    assert high - low < POINTS / 20
    assert {row["points"] for row in rows(page)} == {"1"}
    page = visit.to(page.url.removeprefix(visit.site.url))
    page.wait_for_selector("figure canvas")
    check(rows(page), curves, low, high)
    page.locator(".plot").dblclick()
    expect(page.get_by_role("button", name="all", exact=True)).to_be_hidden()
    settled(page)
    check(rows(page), curves, 0, POINTS - 1)
    assert "zoom" not in page.url
    assert max(sizes) < 2 * 300 * 90


def test_how_one_looks_is_in_the_address(visit: Visit, long: str):
    """Axes, logarithms, smoothing, hidden curves: a link shows the same to somebody else."""
    page = visit.to(f"/?run={long}")
    page.wait_for_selector("figure canvas")
    page.get_by_label("Axis of x").select_option("elapsed")
    page.get_by_label("log y").check()
    page.get_by_label("log x").check()
    page.get_by_label("Smoothing").fill("0.9")
    page.get_by_role("button", name="val/loss").click()
    expect(page.get_by_role("button", name="val/loss")).to_have_attribute("aria-pressed", "false")
    settled(page)
    assert page.locator("figure canvas").count() == 1
    asked = page.evaluate("Object.fromEntries(new URLSearchParams(location.search))")
    assert asked == {"run": long, "axis": "elapsed", "log": "1", "logx": "1", "smooth": "0.9", "off": "val%2Floss"}
    page = visit.to(page.url.removeprefix(visit.site.url))
    page.wait_for_selector("figure canvas")
    expect(page.get_by_role("button", name="val/loss")).to_have_attribute("aria-pressed", "false")
    assert page.get_by_label("Axis of x").input_value() == "elapsed"
    assert page.get_by_label("log x").is_checked()
    assert {row["key"] for row in rows(page)} == {"train/loss"}
    page.locator(".plot").focus()
    page.keyboard.press("+")
    expect(page.get_by_role("button", name="all", exact=True)).to_be_visible()
    page.keyboard.press("0")
    expect(page.get_by_role("button", name="all", exact=True)).to_be_hidden()


def test_a_chart_is_saved_as_one_sees_it(visit: Visit, long: str):
    """As a picture of pixels, as one of lines that any program can draw, and as a table."""
    page = visit.to(f"/?run={long}")
    page.wait_for_selector("figure canvas")
    found = {}
    for kind in ("PNG", "SVG"):
        page.get_by_label("Save loss").click()
        with page.expect_download() as download:
            page.get_by_role("button", name=kind).click()
        page.get_by_label("Save loss").click()
        assert download.value.suggested_filename == f"loss.{kind.lower()}"
        found[kind] = download.value.path().read_bytes()
    assert found["PNG"].startswith(b"\x89PNG")
    lines = found["SVG"].decode()
    assert lines.startswith("<svg")
    assert lines.count("<path") == 2
    assert "NaN" not in lines.replace("NaN:", "")
    assert "train/loss" in lines


def test_a_curve_that_grows_is_what_is_asked_for_anew(visit: Visit, site: Site, curves: dict[str, list[float]]):
    """Of a live curve only the end is asked for; what it is joined to becomes coarser, and stays exact."""
    values = curves["train/loss"]
    run_id = site.run("growing", {}, {"loss": values[:7]}, end=False)
    page = visit.to(f"/?run={run_id}")
    page.wait_for_selector("figure canvas")
    bodies: list[Any] = []
    page.on("request", lambda one: bodies.append(json.loads(one.post_data)) if HISTORY in one.url else None)
    written = 7
    for more in (1, 30, 700, 3000):
        site.client.log_batch(
            run_id, metrics=[Metric("loss", values[n], 1000 + n, n) for n in range(written, written + more)]
        )
        written += more
        page.evaluate("document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))")
        expect(page.locator("#metrics tbody td").last).to_have_text(str(written))
        settled(page)
        check(rows(page), {"loss": values}, 0, written - 1)
    assert len(rows(page)) <= 600 * 2
    assert all(one["curves"][0]["start"] >= 6 for one in bodies)
    # One that was written before the end is not overlooked.
    site.client.log_batch(run_id, metrics=[Metric("loss", -99.0, 1003, 3)])
    page.evaluate("document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))")
    expect(page.locator("#metrics tbody td").last).to_have_text(str(written + 1))
    settled(page)
    assert min(float(row["min"]) for row in rows(page)) == -99.0
    site.client.set_terminated(run_id)


def test_smoothing_begins_at_the_first_value(visit: Visit):
    """The exponential mean of what was there so far, divided by what its weights come to; gaps stay gaps."""
    page = visit.to()
    found = page.evaluate("async () => (await import('/page/chart/columns.js')).smoothed([2, null, 4, 1], 0.5)")
    mean, worth, expected = 0.0, 1.0, []
    for value in (2.0, None, 4.0, 1.0):
        if value is not None:
            mean, worth = mean * 0.5 + 0.5 * value, worth * 0.5
        expected.append(None if value is None else mean / (1 - worth))
    assert found == pytest.approx(expected)
