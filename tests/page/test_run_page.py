"""The page of a run that a program has really left."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from visiting import Site, Visit, expect, serve

from autotrack.client import Client
from autotrack.entities import Metric, Run

PROGRAM = """
import sys
import autotrack
autotrack.autolog()
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
import torch
from torch.utils.data import DataLoader, TensorDataset

rows, labels = load_iris(return_X_y=True, as_frame=True)
with autotrack.start_run(run_name="parent"):
    print("\\x1b[31mbeginning\\x1b[0m\\n" + "dots.\\n" * 4000)
    with autotrack.start_run(run_name="child", nested=True):
        LogisticRegression(C=0.5, max_iter=500).fit(rows, labels)
    autotrack.log_param("rate", 0.1)
    autotrack.log_text("<h1>report</h1><script>parent.document.title = 'taken'</script>", "report.html")
    space = "xmlns='http://www.w3.org/2000/svg' width='9' height='9'"
    autotrack.log_text(f"<svg {space}><script>alert(1)</script></svg>", "a.svg")
    autotrack.log_text("# Title\\n\\n**bold** <b>text</b> [here](javascript:alert(1))", "notes.md")
    autotrack.log_text('x,y\\n1,"a, b"\\n', "table.csv")
    autotrack.log_dict({"a": [1, {"b": "<i>"}]}, "facts.json")
    rows.to_parquet(sys.argv[1])
    autotrack.log_artifact(sys.argv[1])
    code = {"cell_type": "code", "source": "1 + 1", "outputs": [{"data": {"text/plain": ["2"]}}]}
    autotrack.log_dict({"cells": [{"cell_type": "markdown", "source": ["# Heading"]}, code]}, "book.ipynb")

torch.manual_seed(7)
model = torch.nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
data = TensorDataset(torch.tensor(rows.to_numpy(), dtype=torch.float32), torch.tensor(labels.to_numpy()))
for epoch in range(4):
    for x, y in DataLoader(data, batch_size=50, shuffle=True):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
with autotrack.start_run(run_name="broken"):
    raise KeyError("no such column")
"""


@pytest.fixture(scope="module")
def site(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The store of a program in a repository with a change that is not committed."""
    place = tmp_path_factory.mktemp("project")
    (place / "train.py").write_text(PROGRAM)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], cwd=place, check=True)
    (place / "train.py").write_text(PROGRAM.replace("lr=0.05", "lr=0.1"))
    (place / "extra.yaml").write_text("depth: 3\n")
    command = [sys.executable, "train.py", str(place / "rows.parquet")]
    done = subprocess.run(command, cwd=place, check=False, capture_output=True, text=True)
    assert "KeyError: 'no such column'" in done.stderr
    store = place / ".autotrack"
    client = Client(str(store))
    (experiment,) = {run.info.experiment_id for run in runs(client).values()}
    with serve(store) as url:
        yield Site(url, client, experiment)


def runs(client: Client) -> dict[str, Run]:
    """All runs by name."""
    ids = [one.experiment_id for one in client.search_experiments()]
    return {str(run.info.run_name): run for run in client.search_runs(ids)}


def of(visit: Visit, name: str, more: str = "") -> Any:
    """Open the page of a run."""
    return visit.to(f"/?run={runs(visit.site.client)[name].info.run_id}{more}")


def test_a_run_says_what_was_trained_on_what_and_what_it_left(visit: Visit):
    """Metrics with their best, data with columns, the model with its signature, and what was inferred and why."""
    page = of(visit, "Linear")
    facts = page.locator(".facts")
    expect(facts).to_contain_text("trainedLinear")
    expect(facts).to_contain_text("changed")
    page.wait_for_selector("figure canvas")
    assert "loss" in page.locator("figcaption").all_inner_texts()
    cells = page.get_by_role("row", name="train/loss").locator("td").all_inner_texts()
    points = visit.site.client.get_metric_history(runs(visit.site.client)["Linear"].info.run_id, "train/loss")
    assert len(points) == int(cells[-1]) == 4
    assert cells[1].endswith(f"@{min(points, key=lambda one: one.value).step}")
    expect(page.locator("#parameters")).to_contain_text("lr0.1")
    expect(page.locator("#inferred")).to_contain_text("what backward begins at")
    expect(page.locator("#data .card")).to_contain_text("150 \N{MULTIPLICATION SIGN} 4")
    card = page.locator("#models .card")
    expect(card).to_contain_text("autotrack.pyfunc.load_model(")
    expect(card).to_contain_text("float32 ? \N{MULTIPLICATION SIGN} 4")
    card.get_by_text("files").click()
    expect(card.get_by_role("link", name="MLmodel")).to_be_visible()
    page.locator("#again summary").click()
    expect(page.locator("#again")).to_contain_text("autotrack reproduce")


def test_steps_are_seen_by_the_epochs_that_they_were_in(visit: Visit):
    """Along the axis of epochs those of PyTorch's steps lie between the ends of the epochs around them."""
    client = visit.site.client
    run_id = client.create_run(visit.site.experiment, start_time=0, run_name="by epochs").info.run_id
    ends = [Metric("train/epoch_seconds", 0.16, 160 * (n + 1), n) for n in range(4)]
    client.log_batch(run_id, metrics=[*ends, *(Metric("step/loss", 1 / n, 16 * n, n) for n in range(1, 41))])
    client.set_terminated(run_id)
    page = visit.to(f"/?run={run_id}&axis=epoch&turned=curves-step")
    steps = page.locator("#curves-step")
    steps.locator("canvas").wait_for()
    steps.get_by_text("save").click()
    with page.expect_download() as download:
        steps.get_by_role("button", name="CSV").click()
    heads, *rows = [line.split(",") for line in download.value.path().read_text().splitlines()]
    assert heads[2] == "epoch"
    assert [float(row[2]) for row in rows] == pytest.approx([n / 10 for n in range(1, 41)])


def test_curves_are_folded_by_what_they_are_about(visit: Visit):
    """Training and validation are one chart; steps, how long things took and the machine's load are folded away."""
    names = ("train/loss", "val/loss", "step/loss", "train/epoch_seconds", "layer one/grad", "system/cpu")
    run_id = visit.site.run("many", {}, {name: [1.0, 2.0] for name in names})
    page = visit.to(f"/?run={run_id}")
    page.wait_for_selector("figure canvas")
    assert [one for one in page.locator("figcaption").all_inner_texts() if one] == ["loss", "grad"]
    assert page.locator("#curves .fold h2").all_inner_texts() == ["layer one", "step", "pace", "the machine"]
    page.get_by_text("the machine").click()
    expect(page.locator("figure", has_text="cpu").locator("canvas")).to_be_visible()
    assert page.evaluate("new URLSearchParams(location.search).get('turned')") == "curves-system"
    page.get_by_role("link", name="metrics").click()
    assert page.url.endswith("#metrics")


def test_what_ran_is_there_to_be_read(visit: Visit):
    """The commit with its difference and the files beside it, the machine, and packages that can be looked for."""
    page = of(visit, "parent", "&turned=code+environment+packages#code")
    code = page.locator("#code")
    expect(code.locator(".difference .added")).to_contain_text("lr=0.1")
    expect(code.locator(".difference .removed")).to_contain_text("lr=0.05")
    code.get_by_text("extra.yaml (not in git)").click()
    expect(code.locator("pre").last).to_have_text("depth: 3\n")
    expect(page.locator("#environment")).to_contain_text("train.py")
    field = page.get_by_label("Packages")
    field.fill("scikit-learn")
    rows = page.locator("#packages tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("imported")


def test_a_run_leads_to_those_above_and_below_it(visit: Visit):
    """From a parent to its children and back."""
    page = of(visit, "parent")
    page.locator("#children").get_by_role("link", name="child").click()
    expect(page.locator("h1")).to_have_text("child")
    expect(page.locator(".facts")).to_contain_text("LogisticRegression")
    expect(page.locator("#parameters")).to_contain_text("C0.5")
    expect(page.locator("#data")).to_contain_text("petal width (cm)")
    page.locator(".facts").get_by_role("link").last.click()
    expect(page.locator("h1")).to_have_text("parent")


def test_a_failure_stands_first_and_the_end_of_the_console_with_it(visit: Visit):
    """The traceback; what was printed comes by its end, and whole when it is asked for, in a terminal's colours."""
    page = of(visit, "broken")
    expect(page.locator("#error pre")).to_contain_text("KeyError: 'no such column'")
    page = of(visit, "parent", "&turned=console")
    expect(page.locator("#console")).to_contain_text("its end")
    page.get_by_role("button", name="all of it").click()
    expect(page.locator("#console .ink-red")).to_have_text("beginning")
    assert "\x1b" not in page.locator("#console pre").inner_text()


def test_a_run_that_was_gone_on_with_tells_what_changed(visit: Visit):
    """Parameters with what they became and when; the programs that have worked on it one after the other."""
    client = visit.site.client
    run_id = visit.site.run("resumed", {"rate": "0.1"}, {})
    client.set_tag(run_id, "autotrack.revisions.rate", json.dumps([[1000, "0.1"], [1_700_000_000_000, "0.05"]]))
    client.set_tag(
        run_id, "autotrack.segment.2", json.dumps({"time": 1_700_000_000_000, "host": "b", "after": "KILLED"})
    )
    page = visit.to(f"/?run={run_id}&turned=segments")
    expect(page.locator("#parameters")).to_contain_text("rate0.10.05 from ")
    expect(page.locator("#segments")).to_contain_text("after KILLED")


def look(page: Any, name: str) -> Any:
    """Unfold the preview of a file."""
    item = page.locator("#files li", has=page.get_by_role("link", name=name, exact=True))
    item.get_by_text("look").click()
    return item


def test_files_are_looked_at_and_run_nothing(visit: Visit):
    """Pictures, tables, texts, trees, notebooks and pages; the fixture fails if a script of any of them ran."""
    page = of(visit, "parent")
    assert look(page, "a.svg").locator("img").evaluate("one => one.decode().then(() => one.naturalWidth)") == 9
    notes = look(page, "notes.md")
    expect(notes.locator("strong")).to_have_text("bold")
    expect(notes).to_contain_text("<b>text</b> here")
    assert notes.locator("p a").count() == 0
    expect(look(page, "table.csv").locator("tbody td")).to_have_text(["1", "a, b"])
    expect(look(page, "facts.json").locator(".tree").first).to_contain_text("a: ")
    rows = look(page, "rows.parquet")
    expect(rows.locator("tbody tr")).to_have_count(100)
    expect(rows).to_contain_text("100 of 150 rows")
    expect(look(page, "book.ipynb").locator("pre")).to_have_text(["1 + 1", "2"])
    report = look(page, "report.html")
    expect(report.frame_locator("iframe").locator("h1")).to_have_text("report")
    report.get_by_role("button", name="source").click()
    expect(report.locator("pre")).to_contain_text("parent.document.title")
    assert page.title() == "parent · autotrack"


def test_a_file_that_is_opened_by_itself_runs_nothing(visit: Visit):
    """Whoever follows a link to somebody's page or picture keeps it, or sees it in a cage of no origin."""
    run_id = runs(visit.site.client)["parent"].info.run_id
    for name in ("report.html", "a.svg"):
        query = f"?run_id={run_id}&path={name}"
        page = visit.to()
        with page.expect_download() as download:
            page.evaluate("address => { location.href = address }", f"/get-artifact{query}")
        assert download.value.suggested_filename == name
        page.goto(f"{visit.site.url}/api/autotrack/artifact/page{query}")
        assert page.evaluate("self.origin") == "null"


def measured(page: Any) -> dict[str, float]:
    """What the page holds, once what it let go of is gone."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    session.send("HeapProfiler.collectGarbage")
    found = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    session.detach()
    return {name: found[name] for name in ("Nodes", "JSEventListeners", "JSHeapUsedSize")}


def asked(visit: Visit, part: str) -> int:
    """How often something was asked for; where the machine is busy a page looks more often than it is made to."""
    return sum(part in url for url in visit.asked)


class Live:
    """A run that goes on, and a tab that looks at it."""

    def __init__(self, visit: Visit) -> None:
        self.site, self.page = visit.site, visit.page
        self.written = 5000  # of which a chart is made of as many buckets as it will ever be
        curve = [1.0] * self.written
        self.run_id = self.site.run("live", {}, {"train/loss": curve, "val/loss": curve}, end=False)
        self.page.clock.install()
        visit.to(f"/?run={self.run_id}")
        self.page.wait_for_selector("figure canvas")

    def write(self, points: int) -> None:
        """Record some points of each curve."""
        steps = range(self.written, self.written + points)
        keys = ("train/loss", "val/loss")
        self.site.client.log_batch(
            self.run_id, metrics=[Metric(key, 1 / (1 + n), 1000 + n, n) for n in steps for key in keys]
        )
        self.written += points

    def look(self) -> None:
        """Let five seconds pass, and wait until the page has looked again."""
        with self.page.expect_response(lambda one: "/artifacts/list" in one.url):
            self.page.clock.run_for(5000)
        expect(self.page.locator("#metrics tbody td").last).to_have_text(str(self.written))
        expect(self.page.locator(".plot[aria-busy=true]")).to_have_count(0)


@pytest.mark.parametrize("looks", [12, pytest.param(720, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])])
def test_a_page_that_is_left_open_on_a_live_run_does_not_grow(visit: Visit, looks: int):
    """Each look asks for the ends of the curves in one question, and continues what is drawn: for an hour, too."""
    live = Live(visit)
    for _ in range(8):  # by then it has what it needs for itself
        live.write(5)
        live.look()
    before = measured(live.page)
    visit.asked.clear()
    for _ in range(looks):
        live.write(5)
        live.look()
    after = measured(live.page)
    assert live.page.locator("figure canvas").count() == 1
    assert live.page.locator(".uplot").count() == 1
    assert after["Nodes"] <= before["Nodes"] + 20
    assert after["JSEventListeners"] <= before["JSEventListeners"] + 5
    # A thousand bytes a look are what this test's own clock and questions leave in the tab.
    assert after["JSHeapUsedSize"] < before["JSHeapUsedSize"] + 500_000 + 1000 * looks
    assert 0 < asked(visit, "/history") <= asked(visit, "/runs/get")
    live.site.client.set_terminated(live.run_id)
    live.page.clock.run_for(5000)
    expect(live.page.locator(".summary .status")).to_have_text("finished")


def test_a_page_where_nothing_happens_asks_for_next_to_nothing(visit: Visit):
    """An answer that is known is not sent again: far less than 2 kB a second, and no curve is asked for."""
    live = Live(visit)
    live.look()
    received: list[float] = []
    session = live.page.context.new_cdp_session(live.page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    visit.asked.clear()
    for _ in range(6):
        live.look()
    assert sum(received) / (5 * asked(visit, "/runs/get")) < 500
    assert not asked(visit, "/history")
    live.site.client.set_terminated(live.run_id)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_of_a_run_fits_a_small_screen(visit: Visit, theme: str):
    """Nothing is wider than the screen; what is drawn takes the theme's colours when it is changed."""
    visit.page.set_viewport_size({"width": 360, "height": 700})
    visit.page.emulate_media(color_scheme=theme)
    page = of(visit, "Linear", "&turned=code+environment+packages+again+console")
    page.wait_for_selector("figure canvas")
    expect(page.locator("#packages tbody tr").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    picture = "document.querySelector('figure canvas').toDataURL()"
    before = page.evaluate(picture)
    page.get_by_role("button", name="Light or dark").click()
    assert page.evaluate(picture) != before
