"""What axe finds in each page: no serious fault, in light and in dark."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from visiting import expect

from autotrack.event import ModelLogged

RUN = """(rules) => axe.run(document, {iframes: false, ...rules}).then(({ violations }) => violations
  .filter((one) => ["serious", "critical"].includes(one.impact))
  .map((one) => [one.id, one.help, ...one.nodes.slice(0, 4).map((node) => node.html.slice(0, 200))]))"""
RULES = {"light": {}, "dark": {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}}
"""What a theme decides is asked of each; all else of one."""
PAGES = {
    "runs": "/?columns=params.lr,metrics.val/loss", "groups": "/?group=params.depth", "wrong": "/?where=nothing >",
    "run": "/?run={first}", "failed": "/?run={hostile}", "two": "/?compare={first},{second}",
    "many": "/?compare=all&e={experiment}", "search": "/?compare=all&trials={search}", "models": "/?models",
    "model": "/?model=churn", "version": "/?model=churn&version=1", "versions": "/?model=churn&versions=1,2",
    "experiments": "/?experiments", "experiment": "/?experiment={experiment}", "study": "/?study={search}",
    "nowhere": "/?run=0123456789abcdef0123456789abcdef",
}  # fmt: skip


@pytest.fixture(scope="module")
def named(site):
    """The runs that the addresses speak of; the first has files of all kinds, and a model of two versions."""
    client = site.client
    first, second = (site.run(f"try {n}", {"lr": f"0.{n}"}, {"val/loss": [2.0, 1.0]}) for n in (1, 2))
    evidence = {
        "confusion_matrix": {"labels": ["a", "b"], "counts": [[5, 1], [2, 4]]},
        "roc_curve": [{"class": "b", "false_positive_rate": [0, 1], "true_positive_rate": [0, 1], "area": 0.5}],
    }
    notebook = {"cells": [{"cell_type": "markdown", "source": "# Title"}, {"cell_type": "code", "source": "x = 1"}]}
    files = {
        "training_evidence.json": json.dumps(evidence), "notes.md": "# One\n\ntext", "console.log": "\x1b[31mred",
        "table.csv": "a,b\n1,2", "page.html": "<p>hello</p>", "book.ipynb": json.dumps(notebook), "x.diff": "-a\n+b",
    }  # fmt: skip
    for run_id in (first, second):
        for name, text in files.items():
            client.log_text(run_id, text, name)
        logged = ModelLogged(f"m-{run_id}", "model", "model", ("python_function",), "{}", 2048)
        client.store.editor.event(run_id, logged, after=client.store.last_event_time(run_id))
        client.register(f"runs:/{run_id}/model", "churn")
    client.transition_model_version_stage("churn", "1", "Production", reason="first")
    client.set_registered_model_alias("churn", "champion", "2")
    search = site.run("search", {}, {})
    rows = [[c, kernel, c / 10 + len(kernel)] for c in (1, 10) for kernel in ("rbf", "linear")]
    client.log_text(
        search, json.dumps({"columns": ["params_C", "params_kernel", "value"], "data": rows}), "trials.json"
    )
    hostile = client.search_runs([site.experiment], "metrics.loss > 0")[0].info.run_id
    return {"first": first, "second": second, "search": search, "hostile": hostile, "experiment": site.experiment}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_fault(theme, visit, named):
    """In no page, with all unfolded that folds."""
    place = find_spec("axe_core_python")
    if place is None or place.origin is None:
        pytest.skip("axe-core-python is not installed")
    axe = (Path(place.origin).parent / "axe.min.js").read_text("utf-8")
    page = visit.page
    page.set_viewport_size({"width": 1280, "height": 9000})  # all of it is in sight
    page.emulate_media(color_scheme=theme)
    found = {}
    for name, address in PAGES.items():
        visit.to(address.format(**named))
        page.evaluate("for (const one of document.querySelectorAll('main details')) one.open = true")
        expect(page.locator("main p.dim").get_by_text("…", exact=True)).to_have_count(0)
        page.evaluate(axe)
        if faults := page.evaluate(RUN, RULES[theme]):
            found[name] = faults
    assert not found, json.dumps(found, indent=1)
