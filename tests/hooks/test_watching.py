"""Looking at functions that are called often: after each call, and when an iterator is exhausted."""

import pytest
import toyframework

from autotrack import guard
from autotrack.hooks import STOPPED
from autotrack.testing import said


def test_a_look_follows_every_call(toy, record):
    """It gets the instance, the arguments as they were given, and the result; it opens no run."""
    seen = []

    @toy.watch("toyframework:Optimizer.step")
    def step(instance, args, kwargs, result):
        seen.append((instance, args, kwargs, result))

    toy.switch()
    optimizer = toyframework.Optimizer()
    assert [optimizer.step(), optimizer.step(2.0), optimizer.step(size=3.0)] == [1, 2, 3]
    assert seen == [(optimizer, (), {}, 1), (optimizer, (2.0,), {}, 2), (optimizer, (), {"size": 3.0}, 3)]
    assert toy.hooks[0].fired == 3
    assert record.runs == []


def test_a_call_that_fails_is_not_looked_at(toy):
    """The user's exception passes, without a frame of ours."""
    seen = []

    @toy.watch("toyframework:Optimizer.step")
    def step(*given):
        seen.append(given)

    toy.switch()
    with pytest.raises(ValueError, match="a step of nothing") as caught:
        toyframework.Optimizer().step(0)
    assert caught.value.__context__ is None
    assert [frame.name for frame in caught.traceback] == ["test_a_call_that_fails_is_not_looked_at", "step"]
    assert seen == []


def test_an_exhausted_iterator_is_told_of(toy):
    """Only to a look that asks for it."""
    seen, plain = [], []

    @toy.watch("toyframework:Loader.__next__", stops=True)
    def batch(instance, args, kwargs, result):
        seen.append(result)

    toy.switch()
    assert list(toyframework.Loader(3)) == [2, 1, 0]
    assert seen == [2, 1, 0, STOPPED]
    toy.disable()
    toy.hooks.clear()

    @toy.watch("toyframework:Loader.__next__")
    def other(instance, args, kwargs, result):
        plain.append(result)

    toy.enable()
    assert list(toyframework.Loader(2)) == [1, 0]
    assert plain == [1, 0]


@pytest.mark.lenient
def test_a_look_that_fails_costs_one_warning_and_then_is_left_off(toy):
    """The program goes on; after some failures in a row the place is not tried again."""
    tried = []

    @toy.watch("toyframework:Optimizer.step")
    def step(*given):
        tried.append(given)
        raise RuntimeError("ours")

    toy.switch()
    optimizer = toyframework.Optimizer()
    with said() as lines:
        assert [optimizer.step() for _ in range(20)] == list(range(1, 21))
    assert len(lines) == 1
    assert "toy: step failed (RuntimeError: ours)" in lines[0]
    assert len(tried) == guard.STRIKES


@pytest.mark.lenient
def test_a_look_that_fails_now_and_then_stays_on(toy):
    """Only failures in a row count."""
    tried = []

    @toy.watch("toyframework:Optimizer.step")
    def step(instance, args, kwargs, result):
        tried.append(result)
        if result % 2:
            raise RuntimeError("ours")

    toy.switch()
    optimizer = toyframework.Optimizer()
    with said() as lines:
        for _ in range(50):
            optimizer.step()
    assert len(tried) == 50
    assert len(lines) == 1


def test_methods_of_a_class_and_of_all_below_it(toy, record):
    """Those that exist and those that are yet to be defined, also where a class beside them defines the method."""
    seen = []

    @toy.watch_subclasses("toyframework:Model", "predict")
    def look(instance, args, kwargs, result):
        seen.append((type(instance).__name__, result))

    toy.switch()

    class Later(toyframework.Model):
        def predict(self):
            return 7

    class Beside:
        def predict(self):
            return 8

    class Heir(Beside, toyframework.Model):
        pass

    toyframework.Slow().predict()
    Later().predict()
    Heir().predict()
    assert seen == [("Slow", 0.0), ("Later", 7), ("Heir", 8)]
    assert record.runs == []
    toy.disable()
    Later().predict()
    Heir().predict()
    assert len(seen) == 3
