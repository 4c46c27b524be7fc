"""House-keeping: what goes goes whole, and what anybody may still need stays."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import Place, place

from autotrack.event import Ended, LifeStage, ModelBegun, ModelChanged, ModelsLinked, RunCreated
from autotrack.exceptions import AutotrackException
from autotrack.sinks.uploads.outbox import Outbox
from autotrack.store.garbage import Policy
from autotrack.store.garbage.policy import age
from autotrack.wire.address import Address

PARENT = "mlflow.parentRunId"
EVERYWHERE = pytest.mark.parametrize("home", ["directory", "sqlite", "postgresql"], indirect=True)


@pytest.fixture(params=["directory", "sqlite"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """An empty store, of journals and of a database; for some tests of the other kind of database too."""
    url = request.getfixturevalue("postgresql") if request.param == "postgresql" else ""
    with place(request.param, tmp_path, url) as made:
        yield made


@EVERYWHERE
def test_what_was_deleted_goes_and_nothing_else(home: Place):
    """With its rows and its files; the others are as they were."""
    kept = home.run("kept")
    before = home.files(), home.rows()
    gone = [home.run(f"gone {number}") for number in range(3)]
    for run_id in gone:
        home.client.delete_run(run_id)
    told = home.collect(dry=True)
    assert home.runs() == {kept, *gone}
    found = home.collect()
    assert {one.run_id for one in found.removed} == set(gone)
    assert found == told
    assert found.kept == found.left == {}
    assert found.freed > 3 * 100
    assert (home.files(), home.rows()) == before
    assert home.whole(kept)
    assert home.collect().removed == {}
    with pytest.raises(AutotrackException, match="not found"):
        home.client.get_run(gone[0])


def test_a_run_that_was_restored_stays(home: Place):
    """Whole, and deleted once more it goes."""
    run_id = home.run()
    home.client.delete_run(run_id)
    home.client.restore_run(run_id)
    assert home.collect().removed == {}
    assert home.whole(run_id)
    home.client.delete_run(run_id)
    assert len(home.collect().removed) == 1
    assert home.files() == set()


@EVERYWHERE
def test_what_is_needed_stays_and_says_why(home: Place):
    """Registered, running, nested above, with the context or a model of a run that stays, named by a tag of it."""
    names = ("running", "registered", "by model", "parent", "context", "maker", "named", "nobody's")
    runs = {name: home.run(name, ended=name != "running") for name in names}
    client = home.client
    for name, source in (
        ("registered", f"runs:/{runs['registered']}/model"), ("by model", f"models:/m-{runs['by model'][:31]}"),
    ):  # fmt: skip
        client.create_registered_model(name)
        client.create_model_version(name, source, runs[name] if name == "registered" else None)
    home.run("child", tags={PARENT: runs["parent"]})
    home.run("context of another", tags={"autotrack.context": runs["context"], "resumed from": runs["named"]})
    reader = home.run("reader")
    home.store.editor.event(reader, ModelsLinked("input", {f"m-{runs['maker'][:31]}": 0}))
    for run_id in runs.values():
        client.delete_run(run_id)
    found = home.collect()
    assert [one.name for one in found.removed] == ["nobody's"]
    why = {one.name: reason for one, reason in found.kept.items()}
    assert why["running"] == "it is running"
    assert why["registered"] == "it made version 1 of the registered model 'registered'"
    assert why["by model"] == "it made version 1 of the registered model 'by model'"
    assert "nested in it" in why["parent"]
    assert "(autotrack.context)" in why["context"]
    assert "reads a model of it" in why["maker"]
    assert "(resumed from)" in why["named"]
    client.restore_run(runs["running"])
    client.set_terminated(runs["running"])
    client.delete_run(runs["running"])
    client.delete_model_version("registered", "1")
    assert {one.name for one in home.collect().removed} == {"running", "registered"}


def test_a_model_that_no_run_made_keeps_what_holds_it(home: Place):
    """Such a run is deleted from its beginning; it goes when the model is deleted."""
    run_id = "0123456789abcdef" * 2
    home.store.editor.create(run_id, [(None, RunCreated("0", "Default", "m")), (None, Ended("FINISHED"))])
    home.store.editor.event(run_id, ModelBegun(f"m-{run_id}", "m"))
    home.store.editor.event(run_id, LifeStage("deleted"))
    assert list(home.collect().kept.values()) == [f"it holds the model m-{run_id}"]
    for event in (LifeStage("active"), ModelChanged(f"m-{run_id}", stage="deleted"), LifeStage("deleted")):
        home.store.editor.event(run_id, event)
    assert len(home.collect().removed) == 1
    assert home.runs() == set()


def test_a_run_stays_beside_the_one_that_it_is_nested_in(home: Place):
    """Unless it was deleted itself; parent and children go together."""
    study = home.run("study")
    good, bad, deleted = (
        home.run(name, tags={PARENT: study}, status="FINISHED" if name == "good" else "FAILED")
        for name in ("good", "bad", "deleted")
    )
    home.client.delete_run(deleted)
    found = home.collect(Policy(failed=True, active=True))
    assert [one.run_id for one in found.removed] == [deleted]
    assert [one.run_id for one in found.kept] == [bad]
    assert home.runs() == {study, good, bad}
    assert len(home.collect(Policy(where="run_name != ''", active=True)).removed) == 3


def test_each_option_narrows_what_goes(home: Place):
    """By age, state and filter, deleted runs alone or all of them."""
    now = int(time.time() * 1000)
    old, failed, tagged = home.run("old"), home.run("failed", status="FAILED", start=now), home.run("tagged", start=now)
    home.client.set_tag(tagged, "keep", "no")
    assert home.collect(Policy(older_than=age("2 days"))).removed == {}
    for run_id in (old, failed, tagged):
        home.client.delete_run(run_id)
    active = home.run("active")

    def would(policy: Policy) -> set[str]:
        return {one.name for one in home.collect(policy, dry=True).removed}

    assert would(Policy()) == {"old", "failed", "tagged"}
    assert would(Policy(older_than=age("2 days"))) == {"old"}
    assert would(Policy(failed=True)) == {"failed"}
    assert would(Policy(where="tags.keep = 'no'")) == {"tagged"}
    assert would(Policy(where="tags.keep = 'no'", failed=True)) == set()
    assert would(Policy(experiment_ids=["1"])) == set()
    assert would(Policy(older_than=age("2 days"), active=True)) == {"old", "active"}
    assert home.runs() == {old, failed, tagged, active}
    with pytest.raises(AutotrackException, match="say which"):
        Policy(active=True)
    with pytest.raises(AutotrackException, match="by which metric"):
        Policy(keep_best=3)
    with pytest.raises(AutotrackException, match="no age"):
        age("long")


@EVERYWHERE
def test_the_best_of_each_experiment_stay(home: Place):
    """Whichever value is the better one, by the metric's name or as told; NaN is never the best."""
    other = home.client.create_experiment("other")
    losses = [0.3, 0.1, float("nan"), 0.2, 0.4]
    runs = [home.run(str(loss), loss=loss) for loss in losses]
    home.run("alone", experiment=other)

    def stay(**policy: object) -> set[str]:
        gone = {one.name for one in home.collect(Policy(active=True, **policy), dry=True).removed}  # type: ignore[arg-type]
        return {*map(str, losses), "alone"} - gone

    assert stay(keep_best=2, metric="loss") == {"0.1", "0.2", "alone"}
    assert stay(keep_best=1, metric="loss", mode="max") == {"0.4", "alone"}
    with pytest.raises(AutotrackException, match="better"):
        stay(keep_best=1, metric="how it went")
    home.client.delete_run(runs[0])
    home.client.delete_run(runs[1])
    assert [one.name for one in home.collect(Policy(keep_best=1, metric="loss")).removed] == ["0.3"]


def test_runs_of_a_deleted_experiment_go(home: Place):
    """As they are deleted with it, until it is restored."""
    experiment = home.client.create_experiment("e")
    home.run(experiment=experiment)
    home.client.delete_experiment(experiment)
    assert len(home.collect(dry=True).removed) == 1
    home.client.restore_experiment(experiment)
    assert home.collect().removed == {}


def test_what_is_not_sent_yet_stays(tmp_path: Path):
    """A server that is away has it when it is back."""
    with place("directory", tmp_path) as home:
        run_id = home.run()
        home.client.delete_run(run_id)
        outbox = Outbox(tmp_path / "store", Address("http://127.0.0.1:9"))
        outbox.add(run_id)
        assert "still to be sent" in next(iter(home.collect().kept.values()))
        outbox.done(run_id)
        assert len(home.collect().removed) == 1


def test_a_dry_run_says_what_is_freed(tmp_path: Path):
    """To the byte, and without what another run has too by a further name of the same file."""
    with place("directory", tmp_path) as home:
        one, two = home.run(text="x" * 5000), home.run()
        runs = tmp_path / "store" / "runs"
        shared = runs / two / "artifacts" / "shared.txt"
        shared.hardlink_to(runs / one / "artifacts" / "notes" / "a.txt")
        home.client.delete_run(one)

        def used() -> int:
            facts = [file.stat() for file in runs.rglob("*") if file.is_file()]
            return sum({(fact.st_dev, fact.st_ino): fact.st_size for fact in facts}.values())

        before = used()
        told = home.collect(dry=True).freed
        assert used() == before
        assert home.collect().freed == told == before - used()
        assert shared.read_text() == "x" * 5000


def test_a_bucket_holds_nothing_of_it(tmp_path: Path, s3):
    """Nor is anything else gone from there."""
    with place("sqlite", tmp_path, files=s3.bucket()) as home:
        kept, gone = home.run(), home.run()
        home.client.delete_run(gone)
        found = home.collect(dry=True)
        assert found.freed > 100
        assert home.collect().left == {}
        assert home.owners() == {kept}
        assert home.whole(kept)


def test_files_that_cannot_be_removed_are_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The run is gone, and the next collection knows what is left of it."""
    with place("sqlite", tmp_path) as home:
        home.client.delete_run(home.run())
        assert home.objects is not None

        async def away(_prefix: str) -> None:
            raise AutotrackException("the bucket does not answer", "TEMPORARILY_UNAVAILABLE")

        with monkeypatch.context() as patch:
            patch.setattr(home.objects, "delete", away)
            assert list(home.collect().left.values()) == ["the bucket does not answer"]
        assert home.runs() == set()
        assert home.files()
        assert home.collect().left == {}
        assert home.files() == set()
        assert home.rows() == 0


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("log"), st.integers(0, 5)),
        st.tuples(st.sampled_from(["delete", "restore", "register"]), st.integers(0, 7)),
        st.tuples(st.just("gc"), st.sampled_from([0, 1, 2])),
    ),
    max_size=10,
)
POLICIES = (Policy(), Policy(failed=True, active=True), Policy(keep_best=1, metric="loss", active=True))


@pytest.mark.parametrize("kind", ["directory", "sqlite"])
@given(steps=STEPS)
@settings(max_examples=8, deadline=None)
def test_after_anything_files_are_those_of_the_runs_that_are_there(kind: str, steps: list[tuple[str, int]]):
    """Any order of logging, deleting, restoring, registering and collecting."""
    with TemporaryDirectory() as root, place(kind, Path(root)) as home:
        home.client.create_registered_model("net")
        runs: list[str] = []
        safe: set[str] = set()
        for verb, number in steps:
            there = [run_id for run_id in runs if run_id in home.runs()]
            if verb == "log":
                tags = {PARENT: there[0]} if there and number == 5 else {}
                runs.append(home.run(loss=number, status=("FINISHED", "FAILED")[number % 2], tags=tags))
            elif verb == "gc":
                home.collect(POLICIES[number])
            elif number < len(there):
                chosen = there[number]
                if verb == "register" and home.client.get_run(chosen).info.lifecycle_stage == "active":
                    home.client.create_model_version("net", f"models:/m-{chosen[:31]}")
                    safe.add(chosen)
                elif verb != "register":
                    (home.client.delete_run if verb == "delete" else home.client.restore_run)(chosen)
            assert home.owners() == home.runs() >= safe
        home.collect()
        assert all(map(home.whole, home.runs()))


def test_those_who_write_meanwhile_lose_nothing(tmp_path: Path):
    """Four threads record, delete and restore while a fifth collects without a pause."""
    with place("directory", tmp_path) as home:
        keep = [home.run()]
        stop = threading.Event()
        failed: list[BaseException] = []

        def write(number: int) -> None:
            try:
                for n in range(6):
                    keep.append(home.run(f"{number} {n}"))
                    home.client.delete_run(home.run("to go"))
            except BaseException as error:
                failed.append(error)
                raise

        def collect() -> None:
            try:
                while not stop.is_set():
                    home.collect()
            except BaseException as error:
                failed.append(error)
                raise

        threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        collector = threading.Thread(target=collect)
        for thread in (*threads, collector):
            thread.start()
        for thread in threads:
            thread.join()
        stop.set()
        collector.join()
        home.collect()
        assert failed == []
        assert home.owners() == set(keep)
        assert all(map(home.whole, keep))


def test_one_collection_at_a_time(tmp_path: Path):
    """A second one says so."""
    fcntl = pytest.importorskip("fcntl")
    with place("directory", tmp_path) as home:
        home.run()
        with (tmp_path / "store" / "autotrack.json").open("rb") as mark:
            fcntl.flock(mark, fcntl.LOCK_EX)
            with pytest.raises(AutotrackException, match="is under way"):
                home.collect()
            home.collect(dry=True)


@pytest.mark.parametrize(
    ("kind", "every"),
    [
        ("directory", 7),
        ("sqlite", 17),
        pytest.param("directory", 1, marks=pytest.mark.slow),
        pytest.param("sqlite", 1, marks=pytest.mark.slow),
    ],
)
def test_one_that_is_killed_is_finished_by_the_next(kind: str, every: int, tmp_path: Path):
    """At any moment: what stays is whole all the time, what goes goes to the last file."""
    command = [
        sys.executable,
        str(Path(__file__).with_name("killed.py")),
        kind,
        str(tmp_path),
        str(every // 2),
        str(every),
    ]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([os.environ["PYTHONPATH"], str(Path(__file__).parent.parent)])
    }
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) > (2 if every > 1 else 20)
