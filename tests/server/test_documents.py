"""Runs on the wire: what a page has of each is what the protocol's messages make of it."""

import json
import math

import pytest

from autotrack.event import DatasetUsed, ExperimentCreated, ModelsLinked, Params, Process, RunCreated, Tags
from autotrack.journal.format import EXACT, experiment_id, new_run_id, raw_step
from autotrack.server.app import encoded
from autotrack.server.documents import document
from autotrack.store import Search
from autotrack.store.database import context, open_database
from autotrack.store.made import Made
from autotrack.wire.messages import RUN

TEXTS = ("plain", "ä \U0001f600", 'quote " \\ / \n \x01', "half \ud800 of a pair", "NUL \0", "")
BIG = 2**63 + 1


@pytest.fixture
def store(database):
    """A database of each kind."""
    found = open_database(database, "mlflow-artifacts:")
    yield found
    found.close()


def test_a_run_of_a_page_is_the_message_of_a_run(store, monkeypatch):
    """Values of every kind, links and lost runs included, one by one and on a page."""
    here = experiment_id("here")
    store.editor.experiment(ExperimentCreated(here, "here"))
    begun = RunCreated(here, "here", "a run", None, "ada", Process("host", "boot", "ns", 1, 0))
    full, bare = new_run_id(), new_run_id()
    store.editor.create(full, [(2000, begun)])
    store.editor.create(bare, [(1000, begun)])
    changes = [
        Params({f"p{number}": text for number, text in enumerate(TEXTS)}),
        Tags({f"t{number}": text for number, text in enumerate(TEXTS)}),
        DatasetUsed("data", "1", "code", "x", "", "", "train", {"a": "b"}),
        ModelsLinked("input", {"m-1": 0}),
        ModelsLinked("output", {"m-2": 3}),
    ]
    points = [
        *(point(key, value) for key, value in (("a", 0.1), ("nan", math.nan), ("inf", math.inf), ("-inf", -math.inf))),
        point("half", 1.0, 0.5),
        point(("of", "m-1", "data", "1"), 2.0),
        ("big", raw_step(0)[1] | EXACT, 0, 5, float(BIG)),
    ]
    store.editor.batch(full, [(3000, one) for one in changes], points, [("big", 0, 5, str(BIG))])
    found = listed(store, here)
    assert [one.info.run_id for one in found] == [full, bare]
    assert [read(document(one)) for one in found] == [message(store, full), message(store, bare)]
    assert read(document(store.listed_run(full))) == message(store, full)
    monkeypatch.setattr(context, "LEASE_MS", -60_000)  # no sign of life is young enough
    lost = [read(document(one)) for one in listed(store, here)]
    assert [one["info"]["status"] for one in lost] == ["FAILED", "FAILED"]
    assert lost == [message(store, full), message(store, bare)]


def listed(store, experiment):
    """The runs of an experiment, of which nothing is made."""
    return list(store.made_of_runs(Search([experiment]), Made(lambda run: run, lambda _: 1, 0)))


def point(key, value, step=0):
    raw, flags = raw_step(step)
    return key, flags, raw, 5, value


def message(store, run_id):
    """The run as its entity is written."""
    return read(RUN.write(store.run(run_id), points=store.last_metrics(run_id)))


def read(written):
    """A document as it is sent, its entries by key."""
    sent = json.loads(encoded(written))
    for name in ("metrics", "params", "tags"):
        sent["data"].get(name, []).sort(key=lambda one: one["key"])
    return sent
