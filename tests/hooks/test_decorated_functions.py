"""A function inside a decorator's wrapper is recorded under whatever name the program has the wrapper."""

import functools

import pytest
import toyframework

from autotrack.testing import said


def checked(function):
    """A decorator as frameworks have them."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        assert args
        return function(*args, **kwargs)

    return wrapper


@checked
def total(data, *, scale=1):
    return sum(data) * scale


@pytest.fixture
def taken(monkeypatch):
    """The function, as a program imports it before recording begins."""
    monkeypatch.setattr(toyframework, "total", total, raising=False)
    return total


def test_a_name_that_was_taken_before_is_recorded(toy, record, taken):
    """And no longer once recording is switched off; the function itself is the same object throughout."""

    @toy.hook("toyframework:total[function]")
    def add(call):
        call.run.params({"scale": call.arguments["scale"]})
        yield

    toy.switch()
    assert taken([1, 2], scale=2) == 6
    assert toyframework.total is taken
    assert record.run.params == {"scale": "2"}
    toy.disable()
    assert taken([1, 2]) == 3
    assert len(record.runs) == 1
    toy.switch()
    toy.switch()
    assert taken([1, 2]) == 3
    assert len(record.runs) == 2


@pytest.mark.parametrize("target", ["toyframework:total[inner]", "toyframework:train[function]", "toyframework:no[f]"])
def test_a_function_that_is_made_in_another_way_costs_one_warning(toy, record, taken, target):
    """As any target that is not there."""

    @toy.hook(target)
    def add(call):
        yield

    with said() as lines:
        toy.switch()
    assert len(lines) == 1
    assert toy.hooks[0].states[target].startswith("skipped: ")


def test_all_decorated_functions_of_a_module(toy, monkeypatch):
    """Of those that its `__all__` names; what is made in another way is left as it is."""
    seen = []
    monkeypatch.setattr(toyframework, "total", total, raising=False)
    monkeypatch.setattr(toyframework, "__all__", ["total", "train", "Model"], raising=False)

    @toy.watch("toyframework:*[function]")
    def look(instance, args, kwargs, result):
        seen.append((instance.__name__, result))

    toy.switch()
    assert total([1, 2]) == 3
    assert seen == [("total", 3)]
    toy.disable()
    total([1, 2])
    assert len(seen) == 1
