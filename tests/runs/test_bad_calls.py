"""Whatever a log call is given, the program goes on: at most a warning, no exception, no output, no waiting."""

import logging
import os
import sys
import threading
import time
from pathlib import Path

import pytest

import autotrack
from autotrack import values
from autotrack.client import Client
from autotrack.testing import recorded

pytestmark = pytest.mark.lenient


class Hostile:
    """Fails whatever is done with it."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __repr__(self):
        raise RuntimeError

    __str__ = __hash__ = __eq__ = __bool__ = __len__ = __iter__ = __float__ = __fspath__ = __repr__


class Slow:
    """Takes its time."""

    over = threading.Event()

    def __repr__(self):
        self.over.wait(20)
        return "slow"


@pytest.fixture(autouse=True)
def no_thread_is_left():
    """What hangs is let go when the test is over."""
    Slow.over.clear()
    yield
    Slow.over.set()
    for thread in threading.enumerate():
        if thread.name == "autotrack-text":
            thread.join(20)


class Leaves(BaseException):
    """What no one expects."""


class Leaving:
    """Raises what is no Exception."""

    def __repr__(self):
        raise Leaves


class Plain:
    """An object of the program's own."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"Plain({self.name})"


BAD = [
    None, "", "x", b"x", "\0", "a\nb", "../x", "/etc/passwd", "é\ud800", "x" * 5000, 1, 2**70, -1.5, float("nan"), True,
    1j, [], {}, [1], {"a": 1}, {1: 2}, {None: None}, set(), object(), os, sys.stdout, threading.Lock(), range(3), ...,
    Plain, Plain("x"), Hostile(), [Hostile()], {"k": Hostile()}, Exception("x"), NotImplemented,
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: type(bad).__name__)
def test_a_log_call_takes_anything(bad, caplog, capsys, monkeypatch):
    """In every place of every function, also of a run by its id."""
    monkeypatch.setenv("AUTOTRACK_TOLD", "1")
    run = autotrack.start_run()
    for call in (
        lambda: autotrack.log_metric("key", bad),
        lambda: autotrack.log_metric(bad, 1.0),
        lambda: autotrack.log_metric("key", 1.0, bad),
        lambda: autotrack.log_metric("key", 1.0, timestamp=bad),
        lambda: autotrack.log_metric("key", 1.0, model_id=bad, dataset=bad),
        lambda: autotrack.log_metric("key", 1.0, run_id=bad),
        lambda: autotrack.log_metrics(bad, bad),
        lambda: autotrack.log_metrics({"key": bad, "good": 1}),
        lambda: autotrack.log_param("key", bad),
        lambda: autotrack.log_param(bad, 1),
        lambda: autotrack.log_params(bad),
        lambda: autotrack.log_params({"key": bad}, run_id="0" * 32),
        lambda: autotrack.set_tag("key", bad),
        lambda: autotrack.set_tag(bad, 1),
        lambda: autotrack.set_tags(bad),
        lambda: autotrack.set_tags({"mlflow.runName": bad}),
        lambda: autotrack.delete_tag(bad),
        lambda: autotrack.log_artifact(bad, bad),
        lambda: autotrack.log_artifacts("nowhere", bad),
        lambda: autotrack.log_text(bad, "t.txt"),
        lambda: autotrack.log_text("text", bad),
        lambda: autotrack.log_dict(bad, "d.json"),
        lambda: autotrack.log_dict({"key": bad}, "d.yaml"),
        lambda: autotrack.log_figure(bad, "f.png"),
        lambda: autotrack.log_image(bad, "i.png"),
        lambda: autotrack.log_image([[1, 2]], key=bad, step=bad, timestamp=bad),
        lambda: autotrack.log_table(bad, "t.json"),
        lambda: autotrack.log_table({"a": bad}, bad),
        lambda: autotrack.log_input(bad, bad, bad),
        lambda: autotrack.log_inputs(bad, bad, bad),
        lambda: autotrack.log_stream(bad, "s.bin"),
        lambda: run.log_metric(bad, bad, bad),
    ):
        call()
    autotrack.log_metric("after", 1.0)
    autotrack.end_run()
    found = Client().get_run(run.info.run_id)
    assert (found.info.status, found.data.metrics["after"], found.data.metrics["good"]) == ("FINISHED", 1.0, 1.0)
    assert capsys.readouterr() == ("", "")
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == len(set(messages)) < 16
    assert not any("\n" in message for message in messages)


def test_what_hangs_costs_its_own_field(capsys):
    """The others of the call are read, and the call is back at once; a thread that fails says nothing."""
    begin = time.monotonic()
    with autotrack.start_run():
        autotrack.log_params({"hangs": Slow(), "leaves": Leaving(), "good": Plain("good"), Slow(): "key"})
        autotrack.set_tag(Slow(), Slow())
        autotrack.log_dict({"hangs": Slow(), "good": 1}, "d.json")
    assert time.monotonic() - begin < 10 * values.BUDGET
    (run,) = recorded(Path(autotrack.get_tracking_uri()))
    assert run.params["good"] == "Plain(good)"
    assert "took too long" in run.params["hangs"]
    assert "raised Leaves" in run.params["leaves"]
    assert "Exception in thread" not in capsys.readouterr().err


def test_many_objects_of_the_programs_own(caplog):
    """Fifty thousand parameters in one call are all read."""
    with autotrack.start_run() as run:
        autotrack.log_params({f"p{n}": Plain(n) for n in range(50_000)})
    params = Client().get_run(run.info.run_id).data.params
    assert len(params) == 50_000
    assert params["p49999"] == "Plain(49999)"
    assert caplog.records == []


def test_files_that_cannot_be_kept_cost_themselves(caplog, tmp_path):
    """Of a directory with loops, broken links, pipes and unreadable files the rest is kept."""
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "good.txt").write_text("good")
    (source / "deep/good.txt").write_text("good")
    (source / "loop").symlink_to(source)
    (source / "broken").symlink_to(tmp_path / "nowhere")
    (source / "self").symlink_to(source / "self")
    os.mkfifo(source / "pipe")
    with autotrack.start_run() as run:
        autotrack.log_artifacts(source, "kept")
        for missing in (tmp_path / "nowhere", source / "broken", source / "self", source / "pipe", "", "x" * 300):
            autotrack.log_artifact(missing)
        autotrack.log_text("text", f"{'long' * 100}.txt")
        autotrack.log_text("text", "fine.txt")
    client = Client()
    kept = [file.path for file in client.list_artifacts(run.info.run_id, "kept")]
    assert kept == ["kept/deep", "kept/good.txt"]
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["fine.txt", "kept"]
    assert 0 < len(caplog.records) < 4


def test_a_store_is_not_kept_within_itself(monkeypatch):
    """Not when the whole project is logged, again and again."""
    monkeypatch.delenv("AUTOTRACK_TRACKING_URI")
    Path("train.py").write_text("print()")
    for _ in range(2):
        with autotrack.start_run() as run:
            autotrack.log_artifacts(".")
    assert [file.path for file in Client().list_artifacts(run.info.run_id)] == ["train.py"]


def test_a_broken_logging_of_the_programs_does_not_matter(monkeypatch):
    """Nor does a standard error that is closed."""
    monkeypatch.setattr(logging.getLogger("autotrack"), "warning", lambda *_, **__: 1 / 0)
    monkeypatch.setattr(sys, "stderr", None)
    with autotrack.start_run():
        autotrack.log_metric("key", "no number")
