"""What every sink keeps to, ours and those of third parties."""

from __future__ import annotations

import math
import os
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

from autotrack.event import ArtifactStored, Ended, ExperimentCreated, Joined, Params, RunCreated, Tags
from autotrack.journal.format import LATE, new_run_id, raw_step
from autotrack.journal.process import this_process
from autotrack.sinks.base import Sink, Stream
from autotrack.testing.recorded import RecordedRun

_TEXTS = (
    "plain",
    "with space/slash.dot",
    "Überfluß",
    "日本語",
    "🎉",
    "\ud800",
    "a\0b",
    "tab\tline\nend",
    "%s {} \\",
    "k" * 5000,
)


class SinkContract:
    """Derive a test class, say how a sink is made and how what it keeps is read, and let pytest collect it::

    class TestMine(SinkContract):
        def sink(self, directory):
            return MySink(f"mine:{directory}")

        def runs(self, sink):
            return [...]        # RecordedRun objects, oldest first
    """

    outlives_the_process = True
    """Whether another process reads what this one recorded."""

    def sink(self, directory: Path) -> Sink:
        """A new sink; ``directory`` is the test's own."""
        raise NotImplementedError

    def runs(self, sink: Sink) -> list[RecordedRun]:
        """What the sink keeps."""
        raise NotImplementedError

    def test_a_run_is_kept_whole(self, tmp_path: Path) -> None:
        """Its beginning, its facts in their order, its values, its end."""
        sink = self.sink(tmp_path)
        run_id, stream = begin(sink)
        stream.event(Params({"rate": "0.5"}))
        stream.point("loss", 0, 0, 1, 0.5)
        stream.points([("loss", 0, 1, 2, 0.25), ("accuracy", 0, 1, 2, 1.0)])
        stream.event(Tags({"team": "blue", "colour": "red"}))
        stream.event(Tags({"colour": None}))
        stream.event(ArtifactStored("file.txt", 3))
        stream.event(Ended("FINISHED"))
        stream.close()
        (run,) = self.runs(sink)
        assert (run.run_id, run.name, run.experiment, run.status) == (run_id, "first", "Default", "FINISHED")
        assert run.params == {"rate": "0.5"}
        assert {name: value for name, value in run.tags.items() if name in ("team", "colour")} == {"team": "blue"}
        assert run.metrics == {"loss": [0.5, 0.25], "accuracy": [1.0]}
        assert run.steps == {"loss": [0, 1], "accuracy": [1]}
        assert run.artifacts == {"file.txt": 3}
        assert sink.has(run_id)
        assert not sink.has(new_run_id())

    def test_every_float_and_every_step_is_kept_to_the_bit(self, tmp_path: Path) -> None:
        """NaN, infinities, the smallest and the greatest; any integer of 64 bits and any float as a step."""
        sink = self.sink(tmp_path)
        _, stream = begin(sink)
        values = [0.0, -0.0, 0.1, 5e-324, 1.7976931348623157e308, math.inf, -math.inf, math.nan]
        steps = [0, -1, 2**63 - 1, -(2**63), 0.5, -1e300, math.inf, 2**53 + 1]
        for value, step in zip(values, steps, strict=True):
            field, flags = raw_step(step)
            stream.point("value", flags, field, 1, value)
        stream.close()
        (run,) = self.runs(sink)
        assert [struct.pack("<d", value) for value in run.metrics["value"]] == [struct.pack("<d", v) for v in values]
        assert run.steps["value"] == steps
        assert [type(step) for step in run.steps["value"]] == [type(step) for step in steps]

    def test_names_and_texts_are_any_text(self, tmp_path: Path) -> None:
        """Of parameters, tags, metrics, models and data sets; also what UTF-8 has no bytes for."""
        sink = self.sink(tmp_path)
        _, stream = begin(sink)
        stream.event(Params({name: name for name in _TEXTS}))
        stream.event(Tags({name: name for name in _TEXTS}))
        for name in _TEXTS:
            stream.point((name, name, name, name), 0, 0, 1, 1.0)
        stream.close()
        (run,) = self.runs(sink)
        assert run.params == {name: name for name in _TEXTS}
        assert {name: run.tags[name] for name in _TEXTS} == {name: name for name in _TEXTS}
        assert {(p.key, p.model, p.dataset, p.digest) for p in run.points} == {(name,) * 4 for name in _TEXTS}

    def test_a_closed_stream_opens_again_when_it_is_used(self, tmp_path: Path) -> None:
        """A score may be added to a run that has ended."""
        sink = self.sink(tmp_path)
        _, stream = begin(sink)
        stream.event(Ended("FINISHED"))
        stream.close()
        stream.close()
        stream.point("score", LATE, 0, 1, 0.9)
        stream.close()
        stream.event(Tags({"reviewed": "yes"}))
        stream.close()
        (run,) = self.runs(sink)
        assert [(point.key, point.value, point.late) for point in run.points] == [("score", 0.9, True)]
        assert run.tags["reviewed"] == "yes"
        assert run.status == "FINISHED"

    def test_several_streams_feed_one_run(self, tmp_path: Path) -> None:
        """As several processes do, and one that resumes a run."""
        sink = self.sink(tmp_path)
        run_id, first = begin(sink)
        second = sink.open(run_id, Joined(this_process()))
        for number in range(10):
            first.point("first", 0, number, number, float(number))
            second.point("second", 0, number, number, float(-number))
        first.event(Params({"one": "1"}))
        second.event(Params({"two": "2"}))
        first.close()
        second.close()
        (run,) = self.runs(sink)
        assert run.metrics == {"first": [float(n) for n in range(10)], "second": [float(-n) for n in range(10)]}
        assert run.params == {"one": "1", "two": "2"}
        assert run.writers == 2

    def test_threads_may_share_a_stream(self, tmp_path: Path) -> None:
        """Nothing is lost, nothing torn; what one thread writes keeps its order."""
        sink = self.sink(tmp_path)
        _, stream = begin(sink)

        def write(number: int) -> None:
            for step in range(200):
                stream.point(f"thread {number}", 0, step, 1, float(step))
                stream.points([(f"thread {number}", 0, step, 1, step + 0.25), ("all", 0, step, 1, float(number))])
                if step % 50 == 0:
                    stream.event(Params({f"{number}.{step}": "x"}))

        at_once(write, 16)
        stream.close()
        (run,) = self.runs(sink)
        expected = [value for step in range(200) for value in (float(step), step + 0.25)]
        assert all(run.metrics[f"thread {number}"] == expected for number in range(16))
        assert sorted(run.metrics["all"]) == sorted(float(number) for number in range(16) for _ in range(200))
        assert len(run.params) == 64
        assert run.damage == []

    def test_threads_may_open_runs_at_once(self, tmp_path: Path) -> None:
        """The first of all runs too, which makes the place."""
        sink = self.sink(tmp_path)

        def write(number: int) -> None:
            _, stream = begin(sink, name=f"run {number}")
            stream.point("number", 0, 0, 1, float(number))
            stream.close()

        at_once(write, 16)
        assert {run.name: run.metrics["number"] for run in self.runs(sink)} == {
            f"run {number}": [float(number)] for number in range(16)
        }

    def test_a_forked_child_may_go_on(self, tmp_path: Path) -> None:
        """In the midst of other threads' writing; what it writes does not damage what its parent writes."""
        sink = self.sink(tmp_path)
        _, stream = begin(sink)
        going = threading.Event()
        going.set()

        def busy() -> None:
            step = 0
            while going.is_set():
                stream.point("parent", 0, step, 1, float(step))
                step += 1

        thread = threading.Thread(target=busy)
        thread.start()
        for number in range(8):

            def child(number: int = number) -> None:
                for step in range(50):
                    stream.point(f"child {number}", 0, step, 1, float(step))
                begin(sink, name=f"of child {number}")[1].point("own", 0, 0, 1, 1.0)

            assert exit_code_of(child) == 0
        going.clear()
        thread.join()
        stream.close()
        runs = {run.name: run for run in self.runs(sink)}
        parents = runs["first"].metrics["parent"]
        assert parents == [float(step) for step in range(len(parents))]
        assert all(run.damage == [] for run in runs.values())
        if self.outlives_the_process:
            for number in range(8):
                assert runs["first"].metrics[f"child {number}"] == [float(step) for step in range(50)]
                assert runs[f"of child {number}"].metrics == {"own": [1.0]}

    def test_what_a_call_returned_from_survives_the_process(self, tmp_path: Path) -> None:
        """A child that is killed right after its last call leaves all of it."""
        if not self.outlives_the_process:
            return
        sink = self.sink(tmp_path)

        def child() -> None:
            _, stream = begin(sink)
            stream.event(Params({"rate": "0.5"}))
            for step in range(100):
                stream.point("loss", 0, step, 1, float(step))
            os.kill(os.getpid(), 9)

        assert exit_code_of(child) == -9
        (run,) = self.runs(sink)
        assert run.params == {"rate": "0.5"}
        assert run.metrics == {"loss": [float(step) for step in range(100)]}
        assert run.status == ""

    def test_a_call_does_not_wait(self, tmp_path: Path) -> None:
        """A thousand values take well under a second."""
        sink = self.sink(tmp_path)
        _, stream = begin(sink)
        started = time.perf_counter()
        for step in range(1000):
            stream.point("loss", 0, step, 1, float(step))
        took = time.perf_counter() - started
        stream.close()
        assert took < 1

    def test_an_experiment_is_made_known_once(self, tmp_path: Path) -> None:
        """Making it known again changes nothing."""
        sink = self.sink(tmp_path)
        for _ in range(2):
            sink.experiment(ExperimentCreated("67601917337600206", "fraud"))
        assert self.runs(sink) == []

    def test_the_uri_names_the_sink(self, tmp_path: Path) -> None:
        """It is text that a user can set."""
        sink = self.sink(tmp_path)
        assert sink.uri
        assert isinstance(sink.uri, str)


def begin(sink: Sink, name: str = "first") -> tuple[str, Stream]:
    """A new run of a sink: its id and a stream into it."""
    run_id = new_run_id()
    return run_id, sink.open(run_id, RunCreated("0", "Default", name, None, "ada", this_process()))


def at_once(work: Callable[[int], object], threads: int) -> None:
    """Call from many threads that begin at the same time; what one raises is raised."""
    barrier = threading.Barrier(threads)
    failures: list[BaseException] = []

    def body(number: int) -> None:
        try:
            barrier.wait()
            work(number)
        except BaseException as error:
            failures.append(error)
            raise

    running = [threading.Thread(target=body, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if failures:
        raise failures[0]


def exit_code_of(child: Callable[[], object]) -> int:
    """Do something in a forked child; 0 if it did it, 1 if it raised, minus the signal that killed it.

    A child that has not ended after ten seconds is killed.
    """
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            child()
            code = 0
        finally:
            os._exit(code)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(pid, 9)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
