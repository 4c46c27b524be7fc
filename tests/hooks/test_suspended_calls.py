"""Hooks on coroutines, generators and asynchronous generators: recorded to their end, marked only while they run."""

import asyncio
import inspect
import traceback
from contextvars import copy_context

import pytest
import toyframework

from autotrack import current
from autotrack.call import inside

DATA = (1.0, 2.0, 3.0)


@pytest.fixture(autouse=True)
def hooked(toy, record):
    """Every target that can be suspended records its parameters and, if there is one, its model."""

    @toy.hook("toyframework:train_async", "toyframework:train_steps", "toyframework:train_stream")
    def train(call):
        call.run.params(call.arguments["params"])
        model = yield
        if model is not None:
            call.run.metric("loss", model.losses[-1])

    toy.switch()


def marks():
    """What of a recorded call can be seen from here."""
    return inside.get(), current.own()


async def nothing():
    """A pause that hands over to other tasks."""
    await asyncio.sleep(0)


def test_a_coroutine_is_recorded_when_it_has_finished(record):
    """The run spans all of it, and its result is the user's."""

    async def program():
        waiting = toyframework.train_async({"rate": 0.5}, DATA, nothing)
        assert inspect.iscoroutine(waiting)
        assert record.run.status == ""
        return await waiting

    assert asyncio.run(program()).losses[-1] == 0.25
    assert (record.run.status, record.run.params, record.run.metrics) == ("FINISHED", {"rate": "0.5"}, {"loss": [0.25]})


def test_interleaved_coroutines_do_not_mix(record):
    """Fifty trainings at once are fifty complete runs."""

    async def program():
        rates = [number / 100 for number in range(50)]
        return await asyncio.gather(*(toyframework.train_async({"rate": rate}, DATA, nothing) for rate in rates))

    models = asyncio.run(program())
    assert {run.params["rate"]: run.metrics["loss"] for run in record.runs} == {
        str(model.rate): [model.losses[-1]] for model in models
    }
    assert {run.status for run in record.runs} == {"FINISHED"}


def test_the_marks_are_there_while_a_coroutine_runs_and_gone_while_it_waits(record):
    """A task that is awaited elsewhere sees nothing of it, before, between and after."""
    running, waiting = [], []

    async def program():
        async def pause():
            running.append(marks())
            await asyncio.sleep(0)
            running.append(marks())

        training = toyframework.train_async({}, DATA, pause).__await__()
        for _ in training:
            waiting.append(marks())
            await asyncio.sleep(0)
        waiting.append(marks())

    asyncio.run(program())
    assert waiting == [(None, None)] * 4
    assert len(running) == 6
    assert all(call is not None and run is not None for call, run in running)


def test_a_generator_gives_takes_and_returns_as_without_us(record):
    """What is yielded, sent and returned passes unchanged, and the consumer's context stays its own."""

    def consume():
        training = toyframework.train_steps({"rate": 0.5}, DATA)
        assert inspect.isgenerator(training)
        given = [next(training), training.send(1.0)]
        seen = marks()
        try:
            given.append(next(training))
            next(training)
        except StopIteration as stop:
            return given, stop.value, seen
        raise AssertionError("it must stop")

    given, model, seen = consume()
    assert given == [1.0, 0.0, 0.0]
    assert isinstance(model, toyframework.Model)
    assert seen == marks() == (None, None)
    assert record.run.metrics == {"loss": [0.0]}
    assert record.run.status == "FINISHED"


def test_a_generator_may_be_resumed_in_another_context(record):
    """The marks are put and taken in the context of each resume."""
    training = toyframework.train_steps({}, DATA)
    contexts = [copy_context() for _ in range(3)]
    assert len([context.run(next, training) for context in contexts]) == 3
    assert [context.run(marks) for context in contexts] == [(None, None)] * 3
    with pytest.raises(StopIteration):
        next(training)
    assert record.run.status == "FINISHED"


def test_an_asynchronous_generator_gives_what_it_gives(record):
    """Recorded when it is exhausted."""
    waiting = []

    async def program():
        found = []
        async for loss in toyframework.train_stream({"rate": 0.5}, DATA, nothing):
            waiting.append(marks())
            found.append(loss)
        return found

    assert asyncio.run(program()) == [1.0, 0.5, 0.25]
    assert waiting == [(None, None)] * 3
    assert record.run.status == "FINISHED"


def test_what_the_user_throws_in_comes_out_as_the_same_object(record):
    """`throw` passes through; the traceback shows what it would show without us."""
    mine = KeyError("mine")

    def thrown(function):
        training = function({}, DATA)
        next(training)
        try:
            training.throw(mine)
        except KeyError as error:
            frames = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
            context, error.__traceback__ = error.__context__, None
            return error, context, frames
        raise AssertionError("it must raise")

    plain = toyframework.train_steps.__wrapped__
    assert thrown(toyframework.train_steps) == thrown(plain) == (mine, None, ["thrown", "train_steps"])
    assert record.run.status == "FAILED"


def test_what_the_user_throws_into_an_asynchronous_generator_comes_out_as_the_same_object(record):
    """`athrow` passes through; the traceback shows what it would show without us."""
    mine = KeyError("mine")

    async def thrown(function):
        training = function({}, DATA, nothing)
        await anext(training)
        try:
            await training.athrow(mine)
        except KeyError as error:
            frames = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
            context, error.__traceback__ = error.__context__, None
            return error, context, frames
        raise AssertionError("it must raise")

    plain = toyframework.train_stream.__wrapped__
    expected = (mine, None, ["thrown", "train_stream"])
    assert asyncio.run(thrown(toyframework.train_stream)) == asyncio.run(thrown(plain)) == expected
    assert record.run.status == "FAILED"


def test_what_a_coroutine_raises_shows_no_frame_of_ours(record):
    """The awaiting code sees the framework's frames below its own."""
    mine = KeyError("mine")

    async def pause():
        await asyncio.sleep(0)
        raise mine

    async def program(function):
        try:
            await function({}, DATA, pause)
        except KeyError as error:
            frames = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
            context, error.__traceback__ = error.__context__, None
            return error, context, frames
        raise AssertionError("it must raise")

    plain = toyframework.train_async.__wrapped__
    expected = (mine, None, ["program", "train_async", "pause"])
    assert asyncio.run(program(toyframework.train_async)) == asyncio.run(program(plain)) == expected
    assert record.run.status == "FAILED"


def test_a_generator_that_is_left_ends_its_run(record):
    """A consumer that breaks off closes the training; that is an end like another."""
    for number, _ in enumerate(toyframework.train_steps({}, DATA)):
        if number == 1:
            break
    assert record.run.status == "FINISHED"


def test_an_asynchronous_generator_that_is_left_ends_its_run(record):
    """`aclose` reaches the framework's own generator first."""
    mine = []

    async def pause():
        try:
            await asyncio.sleep(0)
        finally:
            mine.append("paused")

    async def program():
        training = toyframework.train_stream({}, DATA, pause)
        await anext(training)
        await training.aclose()

    asyncio.run(program())
    assert mine == ["paused"]
    assert record.run.status == "FINISHED"


def test_a_cancelled_task_is_a_killed_run(record):
    """As after Ctrl-C, and the canceller gets the very CancelledError."""

    async def program():
        task = asyncio.create_task(toyframework.train_async({}, DATA, lambda: asyncio.sleep(60)))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(program())
    assert record.run.status == "KILLED"


def test_a_run_that_the_user_starts_inside_stays_active_between_resumes(record):
    """What a suspended function does to its own context is not undone by our marks."""

    async def program():
        async def pause():
            if current.own() is None or current.own().name != "mine":
                current.start("mine")
            await asyncio.sleep(0)
            assert current.own().name == "mine"

        await toyframework.train_async({}, DATA, pause)

    asyncio.run(program())
    assert sorted(run.name for run in record.runs if run.name == "mine") == ["mine"]
