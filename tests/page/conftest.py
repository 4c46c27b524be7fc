"""A real browser before a real server over a store with runs of all sorts."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from visiting import HOSTILE, Site, Visit, serve

from autotrack.client import Client


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium."""
    playwright = pytest.importorskip("playwright.sync_api")
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("there is no Chromium on this machine: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def site(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Twelve runs of an experiment, one of them with hostile texts wherever a text may be."""
    store = tmp_path_factory.mktemp("page") / "store"
    client = Client(str(store))
    made = Site("", client, client.create_experiment("digits"))
    for n in range(11):
        curve = [math.exp(-n * e / 40) for e in range(12)]
        made.run(
            f"trial {n}",
            {"lr": f"0.{n:02}", "depth": str(n % 3)},
            {"train/loss": curve, "val/loss": [2 * v for v in curve]},
        )
    bad = made.run(HOSTILE, {HOSTILE[:40]: HOSTILE}, {"loss": [1.0, math.nan, 3.0]})
    client.set_tag(bad, "note", HOSTILE)
    client.log_text(bad, HOSTILE, "page.html")
    with serve(store) as made.url:
        yield made


@pytest.fixture
def visit(browser: Any, site: Site) -> Iterator[Visit]:
    """A new tab; at the end nobody else was asked for anything, no dialog came up and no script failed. What the policy
    stops is not asked."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(60_000)
    made = Visit(page, site, [], [])
    page.on("request", lambda request: made.asked.append(request.url))
    page.on("requestfailed", lambda request: made.asked.remove(request.url) if request.failure == "csp" else None)
    page.on("pageerror", lambda error: made.complaints.append(str(error)))
    page.on("dialog", lambda dialog: (made.complaints.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda line: made.complaints.append(line.text) if _stopped(line) else None)
    yield made
    page.close()
    assert made.complaints == []
    assert [url for url in made.asked if not url.startswith((site.url, "data:"))] == []


def _stopped(line: Any) -> bool:
    """Whether the policy had to stop something; in the cage of a file that is shown as a page it may."""
    return "Content Security Policy" in line.text and "/artifact/page?" not in line.location["url"]
