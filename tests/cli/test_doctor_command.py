"""`autotrack doctor`: what is recorded here, where to, and what stands in the way."""

from __future__ import annotations

import json
import os
import sys

import autotrack as at


def test_in_order(autotrack, store):
    """Versions, the store, and every hook in its place in the frameworks that are installed."""
    with at.start_run():
        pass
    found = autotrack("doctor", "--json")
    findings = json.loads(found.out)
    assert (findings["attention"], found.code) == ([], 0)
    assert findings["store"] == {
        "uri": str(store), "state": "in order", "runs": 1, "experiments": 2, "faults": []
    }  # fmt: skip
    assert findings["environment"]["AUTOTRACK_TRACKING_URI"] == str(store)
    rows = {row["integration"]: row for row in findings["integrations"]}
    assert rows["sklearn"]["state"] == "on"
    assert rows["sklearn"]["version"]
    assert {state for hook in rows["sklearn"]["hooks"] for state in hook["targets"].values()} == {"installed"}


def test_for_a_reader(autotrack):
    """The same as a page."""
    found = autotrack("doctor", "--no-load")
    assert found.code == 0
    assert "sklearn" in found.out
    assert sys.executable in found.out
    assert found.out.rstrip().endswith("all in order")


def test_switched_off(autotrack, monkeypatch):
    """What keeps everything from being recorded is said, with exit code 1."""
    monkeypatch.setenv("AUTOTRACK_DISABLED", "1")
    found = autotrack("doctor")
    assert found.code == 1
    assert "! AUTOTRACK_DISABLED is set: nothing is recorded; unset it" in found.out


def test_foreign_store(autotrack, store):
    """A store that is not ours is reported, not raised."""
    store.mkdir()
    (store / "file").write_text("not ours")
    found = autotrack("doctor", "--no-load")
    assert found.code == 1
    assert "did not make" in found.out


def test_damaged_journal(autotrack, store):
    """A line that is no event is passed over, and named here."""
    with at.start_run():
        at.log_metric("loss", 1.0)
    (journal,) = store.glob("runs/*/events-*.jsonl")
    journal.write_bytes(b"{damaged}\n" + journal.read_bytes())
    found = autotrack("doctor", "--no-load")
    assert found.code == 1
    assert journal.name in found.out


def test_no_store_yet(autotrack, store):
    """Looking makes nothing."""
    assert "not there yet" in autotrack("doctor", "--no-load").out
    assert not store.exists()


def test_secrets_are_not_shown(autotrack, monkeypatch):
    """A password in the environment stays there."""
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "correct horse")
    assert "correct horse" not in autotrack("doctor", "--no-load").out
    assert "correct horse" not in autotrack("doctor", "--no-load", "--json").out
    assert os.environ["MLFLOW_TRACKING_PASSWORD"]


def test_what_was_inferred(autotrack):
    """From what the newest run's record was inferred where the program does not say it; `autotrack show` has it too."""
    with at.start_run(run_name="net", tags={"autotrack.torch.epoch": "a pass over loader, train.py line 4"}) as run:
        pass
    findings = json.loads(autotrack("doctor", "--no-load", "--json").out)
    assert findings["inferred"] == {"run": "net", "why": {"epoch": "a pass over loader, train.py line 4"}}
    assert "inferred for net  epoch: a pass over loader, train.py line 4" in autotrack("doctor", "--no-load").out
    assert "a pass over loader, train.py line 4" in autotrack("show", run.info.run_id).out
