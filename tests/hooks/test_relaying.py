"""Calls that are passed on: with other arguments, or under the mark of a recorded fit."""

import threading
import traceback

import pytest
import toyframework

from autotrack.call import inside
from autotrack.testing import said

DATA = (1.0, 2.0, 3.0)


def test_a_mark_makes_a_call_count_as_inside_a_recorded_fit(toy, record):
    """What it calls, in a thread of its own too, opens no run."""

    @toy.relay("toyframework:Model.fit")
    def fit(instance, args, kwargs):
        return args, kwargs, "toy"

    @toy.hook("toyframework:Model.advance")
    def advance(call):
        call.run.params({})
        yield

    toy.switch()
    thread = threading.Thread(target=toyframework.Model().fit, args=(DATA,))
    thread.start()
    thread.join()
    assert toyframework.Model().fit(DATA).mean == 1.75
    assert record.runs == []
    assert inside.get() is None
    toyframework.Model().advance(DATA)
    assert len(record.runs) == 1


def test_a_call_may_be_left_alone_or_given_other_arguments(toy):
    """`None` leaves it as it is."""

    @toy.relay("toyframework:Optimizer.step")
    def step(instance, args, kwargs):
        return None if not args else ((args[0] * 2,), kwargs, None)

    toy.switch()
    optimizer = toyframework.Optimizer()
    assert (optimizer.step(), optimizer.step(3.0)) == (1, 2)
    assert toy.hooks[0].fired == 1


def test_what_the_call_raises_shows_no_frame_of_ours(toy):
    """And the mark is gone."""

    @toy.relay("toyframework:Optimizer.step")
    def step(instance, args, kwargs):
        return args, kwargs, "toy"

    toy.switch()
    with pytest.raises(ValueError, match="a step of nothing") as caught:
        toyframework.Optimizer().step(0)
    frames = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert frames == ["test_what_the_call_raises_shows_no_frame_of_ours", "step"]
    assert caught.value.__context__ is None
    assert inside.get() is None


@pytest.mark.lenient
def test_a_relay_that_fails_leaves_the_call_alone(toy):
    """One warning."""

    @toy.relay("toyframework:Optimizer.step")
    def step(instance, args, kwargs):
        raise RuntimeError("ours")

    toy.switch()
    optimizer = toyframework.Optimizer()
    with said() as lines:
        assert [optimizer.step() for _ in range(20)] == list(range(1, 21))
    assert len(lines) == 1
