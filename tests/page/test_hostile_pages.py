"""Texts that would run, load or hide something if a page took them for more than texts; nothing does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from hostile import EVERY, FILES
from visiting import Site, Visit, expect, serve

from autotrack.client import Client
from autotrack.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from autotrack.event import Ended, ModelLogged
from autotrack.exceptions import AutotrackException

FOUND = r"""() => {
  const found = [];
  const ours = (text) => !/^\s*[a-z][a-z0-9+.-]*:/i.test(text) || /^(blob:|data:(image\/|,$))/.test(text)
    || text.startsWith(location.origin);
  const strange = /^(object|embed|applet|base|frame|frameset|math|foreignobject|animate|set|use|template|style)$/i;
  const address = /^(href|src|action|formaction|data|poster|background|srcset|xlink:href)$/i;
  const leadsOut = (one) => one.localName === "a" && /^https?:/.test(one.href) && /noreferrer/.test(one.rel);
  for (const one of document.querySelectorAll("*")) {
    const name = one.localName;
    if (one instanceof HTMLUnknownElement || name.includes("-") || strange.test(name)) found.push(name);
    if (name === "script" && one.parentNode !== document.head) found.push(name);
    const cage = one.getAttribute("sandbox");
    if (name === "iframe" && (cage === null || /allow-(scripts|same-origin)/.test(cage))) found.push(name);
    for (const { name: key, value } of one.attributes) {
      if (/^on/i.test(key)) found.push(`${name}[${key}]`);
      if (address.test(key) && !ours(value) && !leadsOut(one)) found.push(`${name}[${key}=${value.slice(0, 80)}]`);
    }
  }
  if ({}.polluted !== undefined || [].polluted !== undefined) found.push("Object.prototype");
  return [...new Set(found)];
}"""
"""What is in a page that none of its own modules makes, in words."""
ASKED = (
    "run", "compare", "trials", "model", "where", "sort", "columns", "group", "e", "axes", "x", "study", "experiment",
    "versions",
)  # fmt: skip
"""Parts of an address."""
UNFOLD = """() => {
  const some = [...document.querySelectorAll("main details:not([open])")];
  for (const one of some) one.open = true;
  return some.length;
}"""


@dataclass
class Hostile(Site):
    """Runs that have all of the texts between them."""

    runs: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)

    def record(self, texts: Sequence[str], name: str) -> str:
        """A run that has texts wherever it may have several, and one wherever there is one."""
        client = self.client
        run_id = client.create_run(self.experiment, run_name=name).info.run_id
        pairs = list(zip(texts, (*texts[1:], texts[0]), strict=True))
        points = [Metric(key, float(step), 1000, step) for key in texts for step in range(3)]
        client.log_batch(run_id, points, [Param(*pair) for pair in pairs], [RunTag(*pair) for pair in pairs])
        for tag in ("mlflow.note.content", "mlflow.source.name", "mlflow.source.git.commit", "autotrack.launcher"):
            client.set_tag(run_id, tag, name)
        for text in texts[:20]:
            used = Dataset(text[:400], text[:30], text, text, json.dumps({"mlflow_colspec": [{"name": text}]}), text)
            client.log_inputs(run_id, [DatasetInput(used, [InputTag("mlflow.data.context", text)])])
            with suppress(AutotrackException, OSError, ValueError):  # no name of a file
                client.log_text(run_id, text, text)
        for file, content in FILES.items():
            client.log_text(run_id, content, file)
        signature = {"inputs": json.dumps([{"name": name, "type": name}]), "outputs": name}
        logged = ModelLogged(f"m-{run_id}", name, "model", (name,), json.dumps(signature), 1)
        for event in (logged, Ended("FAILED", error="\n".join((*texts, name)))):
            client.store.editor.event(run_id, event, after=client.store.last_event_time(run_id))
        self.runs.append(run_id)
        return run_id

    def register(self, run_id: str, text: str) -> None:
        """A model of that name, if it may have it, whose every description, tag, alias and reason is the text."""
        client, name = self.client, text.translate(dict.fromkeys(map(ord, "/:")))
        tags, reason = {f"-{text[:200]}": text}, text[:1000]
        try:
            client.create_registered_model(name, tags, text, reason=reason)
        except AutotrackException:
            name = f"model {len(self.models)}"
            client.create_registered_model(name, tags, text, reason=reason)
        client.create_model_version(name, f"runs:/{run_id}/model", run_id, tags, description=text, reason=reason)
        client.transition_model_version_stage(name, "1", "Staging", reason=reason)
        with suppress(AutotrackException):  # no name of an alias
            client.set_registered_model_alias(name, text, "1", reason=reason)
        self.models.append(name)


@pytest.fixture(scope="module")
def site(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three runs that share all texts, and each tenth text as the name of an experiment, of a run and of a model."""
    client = Client(str(tmp_path_factory.mktemp("hostile") / "store"))
    made = Hostile("", client, client.create_experiment(EVERY[0]))
    for part in range(3):
        made.record(EVERY[part::3], EVERY[part])
    for text in EVERY[::10]:
        with suppress(AutotrackException):  # no name of an experiment
            client.set_experiment_tag(client.create_experiment(text), "mlflow.note.content", text)
        run_id = client.create_run(made.experiment, run_name=text).info.run_id
        client.set_terminated(run_id)
        made.register(made.runs[0], text)
    for tag in ("mlflow.note.content", "autotrack.question", "autotrack.objective", "autotrack.columns"):
        client.set_experiment_tag(made.experiment, tag, "\n\n".join(EVERY[:150]))
    with serve(client.store.directory) as made.url:
        yield made


def look(visit: Visit, **query: str) -> Any:
    """Open a page, unfold all that folds, and see that there is nothing in it that the pages do not make."""
    page = visit.page
    if not page.url.startswith(visit.site.url):
        page.set_viewport_size({"width": 1280, "height": 20_000})  # all of it is in sight
        visit.to()
    page.evaluate("query => dispatchEvent(new CustomEvent('go', {detail: `/?${new URLSearchParams(query)}`}))", query)
    visit.ready()
    while page.evaluate(UNFOLD):
        expect(page.locator("main p.dim").get_by_text("…", exact=True)).to_have_count(0)
    assert page.evaluate(FOUND) == []
    return page


def test_all_texts_are_recorded_and_told_apart(site):
    """What the pages are shown below: each of the 200 as parameter, metric, tag and part of a traceback."""
    assert len(EVERY) >= 200
    found = [site.client.get_run(run_id).data for run_id in site.runs[:3]]
    for of in ("params", "metrics", "tags"):
        assert len({key for one in found for key in getattr(one, of)} & set(EVERY)) >= 195, of


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in (1, 2))])
def test_a_run_of_hostile_texts_is_shown_as_texts(part, visit, site):
    """Parameters, metrics, tags, data, model, traceback, console, and every file as it is looked at."""
    page = look(visit, run=site.runs[part])
    said = page.locator("main").inner_text()
    for text in EVERY[part:60:3]:
        assert text in said, text
    assert page.locator("details iframe[sandbox='']").count() >= 1


def test_tables_of_hostile_texts_are_tables(visit, site):
    """Names of runs and of experiments, columns of any name, groups, trials, and the runs beside one another."""
    page = look(visit, columns="params.`__proto__`,tags.`constructor`,metrics.`<svg onload=alert(1)>`")
    assert "<svg onload=alert(1)>" in page.locator("thead").inner_text()
    look(visit, group="params.`__proto__`")
    look(visit, compare=",".join(site.runs[:3]), same="1")
    look(visit, compare="all", e=site.experiment, same="1")
    look(visit, compare="all", trials=site.runs[0])
    look(visit, study=site.runs[0])
    look(visit, experiments="all")
    look(visit, experiment=site.experiment)


def test_models_of_hostile_names_are_models(visit, site):
    """Listed, one by one, a version of each, and side by side."""
    look(visit, models="all")
    for name in site.models[::6]:
        page = look(visit, model=name)
        expect(page.locator("h1")).to_contain_text(name.strip() if name.isprintable() and len(name) < 200 else "")
        look(visit, model=name, version="1")


def test_a_hostile_address_is_an_error_or_nothing(visit, site):
    """Whatever stands in it."""
    for n, text in enumerate(EVERY[::8]):
        ask(visit, site, ASKED[n % len(ASKED)], text)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_each_text_alone_is_a_text(part, visit, site):
    """As the name, note, source and error of a run, and as a model's, its version's and its alias's."""
    for text in EVERY[part::8]:
        run_id = site.record([text, "plain"], text)
        site.register(run_id, text)
        look(visit, run=run_id)
        look(visit, compare=f"{run_id},{site.runs[0]}")
        look(visit, model=site.models[-1])
        look(visit, model=site.models[-1], version="1")


@pytest.mark.slow
@pytest.mark.parametrize("name", ASKED)
def test_each_text_in_each_part_of_an_address_is_an_error_or_nothing(name, visit, site):
    """Whatever stands in it."""
    for text in EVERY:
        ask(visit, site, name, text)


def ask(visit: Visit, site: Site, name: str, text: str) -> None:
    """Open a page with a text in its address."""
    beside = {name: {"compare": "all", "e": site.experiment} for name in ("trials", "axes", "x")}
    look(visit, **beside.get(name, {"model": site.models[0]} if name == "versions" else {}), **{name: text})
