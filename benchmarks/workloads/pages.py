"""What somebody waits for in a browser: the pages of a tracker's server on SQLite, in Chromium, on this machine.

Ten thousand runs of 60 columns are listed, sorted and filtered; ten runs of a million points are drawn in one chart; a
page is left alone, and another one is open for an hour of the browser's clock on a run that goes on.
"""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode

from benchmarks.filling import copy_runs
from benchmarks.load import Connection, flood, post
from benchmarks.served import Served
from benchmarks.tracker import Tracker
from benchmarks.workload import Measured, Row, quantile, scaled
from benchmarks.workloads.many_runs import runs

MADE, CURVES, BATCH, COLUMNS = 200, 10, 1000, 30
RUNS = max(2, scaled(10_000) // MADE) * MADE
"""The first 200 are made by the server, the others are copies of their rows."""
POINTS = max(BATCH, scaled(1_000_000))
SORTS = tuple(f"metrics.m{n}" for n in range(5))
FILTERS = tuple(f"metrics.m{n} < 0.{n}5" for n in range(5))
IDLE_SECONDS, TICKS, TICK_MS = 10, 720, 5000
ROWS = (
    Row("first", f"{RUNS:,} runs of {2 * COLUMNS} columns: first rows, in a browser that has seen nothing", limit=1.0),
    Row("sort", "… sorted by a metric, p95 of five", limit=0.3),
    Row("filter", "… filtered by a metric, p95 of five", limit=0.3),
    Row("idle", f"… sent in a second while nobody does anything, over {IDLE_SECONDS} s", "B", limit=2000),
    Row("cold", f"{CURVES} runs of {POINTS:,} points: chart, the first time"),
    Row("chart", "… again, in another browser that has seen nothing", limit=0.5),
    Row("sent", "… all that is sent for it", "kB", limit=300),
    Row("grown", "a live run's page: what it holds after an hour more than after five minutes", "kB", limit=1000),
)


class Pages(NamedTuple):
    """Where a tracker shows what, and by what one sees that it is there."""

    runs: str
    """Of an experiment, with ``{sort}`` and ``{where}``."""
    row: str
    """The first cell of the first row."""
    go: str
    """How one goes to an address within a page."""
    chart: str
    """``{runs}`` and ``{experiments}`` are JSON, ``{ids}`` have commas between them."""
    curve: str
    """What there is of each curve, or of all, once they are drawn."""
    curves: int


_COLUMNS = ",".join(f"{kind}.{kind[0]}{n}" for kind in ("params", "metrics") for n in range(COLUMNS))
PAGES = {
    "autotrack": Pages(
        f"/?{urlencode({'columns': _COLUMNS})}&e={{experiment}}&sort={{sort}} DESC&where={{where}}",
        "table.runs tbody td:nth-child(2):has(a)", "dispatchEvent(new CustomEvent('go', {detail: ADDRESS}))",
        "/?compare={ids}", ".plot canvas", 1,
    ),
    "mlflow": Pages(
        "/#/experiments/{experiment}/runs?orderByKey={sort}&orderByAsc=false&startTime=ALL&searchFilter={where}",
        ".ag-pinned-left-cols-container .ag-row[row-index='0']", "location.hash = ADDRESS.slice(2)",
        '/#/metric/loss?runs={runs}&metric="loss"&experiments={experiments}&plot_metric_keys=["loss"]&x_axis=step',
        ".js-plotly-plot .js-line", CURVES,
    ),
}  # fmt: skip
SEEN = """window.seen = new Promise((done) => {
  const look = () => (document.querySelectorAll(SELECTOR).length >= COUNT ? done(performance.now() / 1000)
    : performance.now() > 300_000 ? done(NaN) : requestAnimationFrame(look));
  look();
})"""
CHANGED = """() => new Promise((done) => {
  const row = () => document.querySelector(SELECTOR)?.textContent ?? "";
  const [before, begin] = [row(), performance.now()];
  const look = () => {
    const took = performance.now() - begin;
    if (row() && row() !== before) done(took / 1000);
    else if (took > 60_000) done(NaN);
    else requestAnimationFrame(look);
  };
  ACT;
  look();
})"""


def measure(tracker: type[Tracker]) -> Measured:
    """Fill a server, and look at it."""
    pages = PAGES.get(tracker.module)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if pages is None or chromium is None:
        return Measured()
    from playwright.sync_api import sync_playwright  # only where there is a browser to drive

    figures: dict[str, float] = {}
    with closing(Served(tracker, "sqlite")) as served, sync_playwright() as driver:
        address = f"http://127.0.0.1:{served.port}"
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with closing(Connection(served.port)) as connection:
            many = _table(connection, served)
            figures |= _looked_at(browser, address, pages, many)
            curved, ids = _curves(connection, served, tracker)
        quoted = {"runs": json.dumps(ids), "experiments": json.dumps([curved]), "ids": ",".join(ids)}
        for name in ("cold", "chart"):
            with _tab(browser, pages.curve, pages.curves) as (tab, sent):
                tab.goto(address + pages.chart.format(**quoted))
                figures[name] = _seen(tab)
                figures["sent"] = sent() / 1000
        if tracker.module == "autotrack":
            figures["grown"] = _grown(browser, address, served.port, curved) / 1000
        browser.close()
    return Measured({name: value for name, value in figures.items() if not math.isnan(value)})  # within five minutes


def _looked_at(browser: Any, address: str, pages: Pages, experiment: str) -> dict[str, float]:
    def shown(sort: str = "attributes.start_time", where: str = "") -> str:
        return pages.runs.format(experiment=experiment, sort=sort, where=where)

    def changed(to: str) -> float:
        act = pages.go.replace("ADDRESS", json.dumps(to))
        found: float = tab.evaluate(CHANGED.replace("SELECTOR", json.dumps(pages.row)).replace("ACT", act))
        return found

    with _tab(browser, pages.row) as (tab, sent):
        tab.goto(address + shown())
        figures = {"first": _seen(tab)}
        tab.wait_for_timeout(3000)
        before = sent()
        tab.wait_for_timeout(IDLE_SECONDS * 1000)
        figures["idle"] = (sent() - before) / IDLE_SECONDS
        for name, addresses in (("sort", [shown(sort) for sort in SORTS]),
                                # Each leads to another first row, by which one sees that it is there.
                                ("filter", list(map(shown, SORTS, FILTERS)))):  # fmt: skip
            figures[name] = quantile([changed(one) for one in addresses], 0.95)
    return figures


@contextmanager
def _tab(browser: Any, selector: str, count: int = 1) -> Iterator[tuple[Any, Any]]:
    """A tab of a browser that knows nothing yet, which notes when it sees something; and how many bytes it was sent."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    tab.set_default_timeout(120_000)
    watch = SEEN.replace("SELECTOR", json.dumps(selector)).replace("COUNT", str(count))
    tab.add_init_script(watch)
    session, sizes = context.new_cdp_session(tab), list[float]()
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    session.send("Network.enable")
    yield tab, lambda: sum(sizes)
    context.close()


def _seen(tab: Any) -> float:
    """Seconds from the request for the page."""
    found: float = tab.evaluate("window.seen")
    return found


def _grown(browser: Any, address: str, port: int, experiment: str) -> float:
    with _tab(browser, "h1") as (tab, _), closing(Connection(port)) as connection:
        session = tab.context.new_cdp_session(tab)

        def held() -> float:
            session.send("HeapProfiler.collectGarbage")
            found: float = session.send("Runtime.getHeapUsage")["usedSize"]
            return found

        created = connection.ask(post("runs/create", {"experiment_id": experiment, "run_name": "live"}))
        run = json.loads(created)["run"]["info"]["run_id"]
        connection.ask(_points(run, 0, 100))
        tab.clock.install()
        tab.goto(f"{address}/?run={run}")
        tab.wait_for_selector("figure canvas")
        first = 0.0
        for tick in range(TICKS):
            connection.ask(_points(run, 100 + tick, 1))
            with tab.expect_response(lambda _: True):
                tab.clock.run_for(TICK_MS)
            if tick == TICKS // 12:
                first = held()
        return held() - first


def _table(connection: Connection, served: Served) -> str:
    """An experiment with many runs."""
    experiment: str = json.loads(connection.ask(post("experiments/create", {"name": "many"})))["experiment_id"]
    for one in runs(MADE):
        created = connection.ask(post("runs/create", {
            "experiment_id": experiment, "run_name": f"run {one.number}", "start_time": one.start,
        }))  # fmt: skip
        run = json.loads(created)["run"]["info"]["run_id"]
        connection.ask(post("runs/log-batch", {
            "run_id": run, "params": [{"key": f"p{n}", "value": one.params[f"p{n}"]} for n in range(COLUMNS)],
            "metrics": [
                {"key": f"m{n}", "value": one.metrics[f"m{n}"], "timestamp": one.end, "step": 0} for n in range(COLUMNS)
            ],
        }))  # fmt: skip
        connection.ask(post("runs/update", {"run_id": run, "status": "FINISHED", "end_time": one.end}))
    copy_runs(served.store, experiment, RUNS // MADE - 1)
    return experiment


def _curves(connection: Connection, served: Served, tracker: type[Tracker]) -> tuple[str, list[str]]:
    """An experiment with long curves: by batches, or where that would take an hour by rows, as the server has them."""
    experiment = json.loads(connection.ask(post("experiments/create", {"name": "curves"})))["experiment_id"]
    ids = []
    for number in range(CURVES):
        named = {"experiment_id": experiment, "run_name": f"curve {number}"}
        run = json.loads(connection.ask(post("runs/create", named)))["run"]["info"]["run_id"]
        ids.append(run)
        last = _points(run, POINTS - 1, 1, number)
        if tracker.module == "mlflow":
            with closing(sqlite3.connect(served.store.removeprefix("sqlite:///"), timeout=60)) as store, store:
                store.executemany(
                    "INSERT INTO metrics (key, is_nan, value, timestamp, run_uuid, step)"
                    " VALUES ('loss', 0, ?, ?, ?, ?)",
                    ((_value(step, number), _moment(step), run, step) for step in range(POINTS - 1)),
                )
        else:
            flood(served.port, [
                _points(run, begin, min(BATCH, POINTS - 1 - begin), number) for begin in range(0, POINTS - 1, BATCH)
            ])  # fmt: skip
        connection.ask(last)
        connection.ask(post("runs/update", {"run_id": run, "status": "FINISHED", "end_time": _moment(POINTS)}))
    return experiment, ids


def _value(step: int, number: int = 0) -> float:
    return math.exp(-step / POINTS * 3) + 0.1 * math.sin(step / 1000 + number)


def _moment(step: int) -> int:
    return int(time.time()) // 100_000 * 100_000_000 - POINTS + step


def _points(run: str, begin: int, count: int, number: int = 0) -> bytes:
    return post("runs/log-batch", {"run_id": run, "metrics": [
        {"key": "loss", "value": _value(step, number), "timestamp": _moment(step), "step": step}
        for step in range(begin, begin + count)
    ]})  # fmt: skip
