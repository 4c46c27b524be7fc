"""Which run a program is in: in threads, executors, tasks, generators, contexts and forked or spawned processes."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from autotrack import current, settings
from autotrack.exceptions import AutotrackException
from autotrack.testing import fresh, recorded, recording, said


@pytest.fixture(autouse=True)
def record():
    """What is recorded during the test."""
    with recording() as made:
        yield made


def in_a_thread(function):
    """What a function gives in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


def test_without_a_run_there_is_none():
    """Before the first, and after the last has ended."""
    assert current.current() is None
    current.start("mine").end()
    assert current.current() is None
    assert in_a_thread(current.current) is None


def test_the_innermost_open_run_is_the_one():
    """A nested run, then its parent again."""
    with current.start("outer") as outer:
        with current.start("inner", parent=outer) as inner:
            assert current.current() is inner
        assert current.current() is outer
    assert current.current() is None


def test_a_thread_uses_the_one_open_run():
    """With exactly one line of runs open there is no doubt."""
    with current.start("outer") as outer:
        assert in_a_thread(current.current) is outer
        with current.start("inner", parent=outer) as inner:
            assert in_a_thread(current.current) is inner


def test_among_several_runs_a_thread_cannot_know():
    """It then belongs to none; an explicit log call says what to do."""
    with current.start("one") as one, current.start("two") as two:
        assert current.current() is two
        assert in_a_thread(current.current) is None
        with pytest.raises(AutotrackException, match=r"run.log_metric"):
            in_a_thread(current.forbid_ambiguity)
        two.end()
        assert in_a_thread(current.current) is one


def test_threads_have_runs_of_their_own():
    """Thirty-two of them, none sees another's."""
    barrier = threading.Barrier(32)

    def work(number):
        with current.start(f"run {number}") as mine:
            barrier.wait()
            for step in range(20):
                assert current.current() is mine
                mine.metric("number", number, step)
            barrier.wait()
        return current.own()

    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(work, range(32))) == [None] * 32


def test_a_thread_that_is_used_again_does_not_remember(record):
    """A run that was left open in an executor's thread and has ended is forgotten."""
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(current.start, "first").result()
        assert pool.submit(current.current).result() is first
        first.end()
        assert pool.submit(current.current).result() is None


def test_tasks_have_runs_of_their_own(record):
    """asyncio.gather, with pauses in between."""

    async def job(number):
        with current.start(f"run {number}") as mine:
            for step in range(5):
                await asyncio.sleep(0)
                assert current.current() is mine
                current.current().metric("number", number, step)

    async def program():
        await asyncio.gather(*(job(number) for number in range(20)))
        assert current.current() is None

    asyncio.run(program())
    assert {run.name: run.metrics["number"] for run in record.runs} == {f"run {n}": [float(n)] * 5 for n in range(20)}


def test_a_task_inherits_the_run_around_it():
    """And a thread that asyncio starts for it."""

    async def program():
        with current.start("outer") as outer:
            assert await asyncio.create_task(asyncio.sleep(0, result=None)) is None
            assert await asyncio.to_thread(current.current) is outer

            async def child():
                with current.start("inner", parent=outer) as inner:
                    await asyncio.sleep(0)
                    assert current.current() is inner

            await asyncio.gather(child(), child())
            assert current.current() is outer

    asyncio.run(program())


def test_a_run_is_found_again_in_the_next_cell_of_a_notebook():
    """Each cell with a top-level await runs in a context of its own; the one open run is the one."""

    async def cell(body):
        return body()

    loop = asyncio.new_event_loop()
    try:
        run = loop.run_until_complete(cell(lambda: current.start("mine")))
        assert loop.run_until_complete(cell(current.current)) is run
        loop.run_until_complete(cell(run.end))
        assert loop.run_until_complete(cell(current.current)) is None
    finally:
        loop.close()


def test_a_generator_that_starts_a_run_is_a_part_of_its_consumer():
    """As Python's own contexts have it; when it has ended its run the consumer's is back."""

    def steps():
        with current.start("of the generator", parent=current.current()) as mine:
            yield mine
            yield mine

    with current.start("outer") as outer:
        for mine in steps():
            assert current.current() is mine
        assert current.current() is outer


def test_a_copied_context_keeps_its_run():
    """Whatever happens around it."""
    outer = current.start("outer")
    context = copy_context()
    second = current.start("second")
    assert current.current() is second
    assert context.run(current.current) is outer
    outer.end()
    assert context.run(current.current) is second
    second.end()
    assert context.run(current.current) is None


def test_runs_may_end_in_any_order():
    """What remains open is the current one."""
    one, two, three = (current.start(name) for name in ("one", "two", "three"))
    two.end()
    assert current.current() is three
    three.end()
    assert current.current() is one
    one.end()
    assert current.current() is None


def test_a_run_may_be_ended_by_another_thread(record):
    """It is over everywhere."""
    run = current.start("mine")
    in_a_thread(run.end)
    assert current.current() is None
    assert record.run.status == "FINISHED"


def test_a_run_ends_once(record):
    """Whoever comes second changes nothing, whichever state it names."""
    run = current.start("mine")
    barrier = threading.Barrier(8)

    def end(number):
        barrier.wait()
        run.end(("FINISHED", "FAILED")[number % 2])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(end, range(8)))
    events = [type(event).__name__ for event in record.sink.streams[run.run_id].events]
    assert events.count("Ended") == 1


def test_what_is_logged_after_the_end_is_an_addition(record):
    """Marked late; the state stays."""
    run = current.start("mine")
    run.metric("loss", 1.0)
    run.end()
    run.metric("score", 2.0)
    run.metrics({"score": 3.0})
    run.params({"late": 1})
    run.tags({"late": 1})
    assert [(point.value, point.late) for point in record.run.points] == [(1.0, False), (2.0, True), (3.0, True)]
    assert record.run.params == {"late": "1"}
    assert record.run.status == "FINISHED"


def test_a_process_joins_the_run_that_its_environment_names(store, tmp_path):
    """A child that is given AUTOTRACK_RUN_ID logs into that run, and does not end it for others still there."""
    settings.choose(tracking_uri=str(store))
    with current.start("mine") as run:
        run.metric("loss", 1.0)
        fresh(
            "from autotrack import current\ncurrent.current().metric('of child', 2)\n",
            directory=tmp_path,
            environ={"AUTOTRACK_RUN_ID": run.run_id, "AUTOTRACK_TRACKING_URI": str(store)},
        )
        run.metric("loss", 3.0)
    (found,) = recorded(store)
    assert found.metrics == {"loss": [1.0, 3.0], "of child": [2.0]}
    assert (found.writers, found.status) == (2, "FINISHED")


@pytest.mark.lenient
def test_an_unknown_run_in_the_environment_is_one_warning(monkeypatch):
    """The program records runs of its own then."""
    monkeypatch.setenv("AUTOTRACK_RUN_ID", "0" * 32)
    with said() as lines:
        assert [current.current() for _ in range(3)] == [None] * 3
        with current.start("mine") as mine:
            assert current.current() is mine
    assert len(lines) == 1
    assert "there is no run 0000" in lines[0]


def test_a_run_goes_on(store):
    """By its id; an id that nobody has is an error that says where to look."""
    settings.choose(tracking_uri=str(store))
    with current.start("mine") as first:
        first.metric("loss", 1.0, 0)
    with current.start(run_id=first.run_id) as again:
        assert again.run_id == first.run_id
        again.metric("loss", 2.0, 1)
    with pytest.raises(AutotrackException, match="there is no run") as caught:
        current.start(run_id="f" * 32)
    assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    (found,) = recorded(store)
    assert {(point.step, point.value) for point in found.points} == {(0, 1.0), (1, 2.0)}
    assert (found.name, found.writers, found.status) == ("mine", 2, "FINISHED")


def test_disabled_runs_take_everything_and_keep_nothing(monkeypatch, tmp_path, store):
    """AUTOTRACK_DISABLED=1: the same calls, no file, no thread, not a word."""
    settings.choose(tracking_uri=None)
    monkeypatch.setenv("AUTOTRACK_DISABLED", "1")
    threads = set(threading.enumerate())
    with said() as lines, current.start("mine") as run:
        run.metric("loss", 1.0)
        run.metrics({"a": 1})
        run.params({"long": "x" * 10_000})
        run.tags({"a": 1})
        run.text("text", "file.txt")
        run.artifact(__file__)
        run.rename("other")
        assert current.current() is run
    assert lines == []
    assert set(threading.enumerate()) <= threads
    assert not store.exists()
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.lenient
@pytest.mark.parametrize("make", ["file", "foreign directory", "newer", "damaged"])
def test_a_store_that_is_none_of_ours_is_left_as_it_is(make, tmp_path, store):
    """The record goes to the project's own store, with one warning that says why."""
    settings.choose(tracking_uri=None)
    if make == "file":
        store.write_text("mine")
    else:
        store.mkdir()
        (store / {"foreign directory": "mine.txt"}.get(make, "autotrack.json")).write_text(
            {"newer": '{"product": "autotrack", "format": 99}', "damaged": "{"}.get(make, "mine")
        )
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with said() as lines, current.start("mine") as run:
        run.metric("loss", 1.0)
    assert len(lines) == 1
    assert str(store) in lines[0]
    after = {path: path.read_bytes() for path in before}
    assert after == before
    (found,) = recorded(tmp_path / "work" / ".autotrack")
    assert found.metrics == {"loss": [1.0]}
