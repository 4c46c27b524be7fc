"""The contract suite passes on an integration as it should be, and fails on one that is not."""

import random
from pathlib import Path

import autotrack_toy
import pytest

from autotrack.testing import IntegrationContract

HOOKS = {hook.function.__name__: hook for hook in autotrack_toy.INTEGRATION.hooks}


class TestContract(IntegrationContract):
    """An integration as it should be."""

    package = "autotrack_toy"
    module = "toyframework"
    workload = Path(__file__).parent / "toyworkload.py"


def train_that_changes_an_argument(call):
    call.run.params(call.arguments["params"])
    call.arguments["params"].setdefault("rate", 0.5)
    call.arguments["data"].append(0.0)
    yield


def train_that_draws(call):
    call.run.params({"run": random.random()})
    yield


def train_that_prints(call):
    print(call.run.name)  # noqa: T201 - what is tested
    yield


def train_that_writes_too_late(call):
    call.run.metric("loss", 1.0)
    model = yield
    call.run.end()
    call.run.metric("loss", model.losses[-1], late=False)


def train_that_changes_the_result(call):
    call.run.params({})
    model = yield
    model.losses.append(0.0)


def train_that_swallows(call):
    def ours(number, loss):
        call.run.metric("loss", loss)
        raise KeyError("ours")

    call.replace(callbacks=[*call.arguments["callbacks"], ours])
    yield


def train_without_a_guard(call):
    call.replace(callbacks=[*call.arguments["callbacks"], lambda _, loss: call.run.metric("loss", loss)])
    yield


KEPT = []


def fit_that_keeps_models(call):
    call.run.params({"rate": call.instance.rate})
    KEPT.append(call.instance)
    yield


def fit_that_leaves_a_mark_on_models(call):
    call.run.params({"rate": call.instance.rate})
    yield
    call.instance.recorded_by = autotrack_toy._Losses


def fit_with_one_memory(call, memory=[]):  # noqa: B006 - what is tested
    memory.append(call.run)
    memory[0].params({"class": type(call.instance).__name__})
    yield


@pytest.mark.parametrize(
    ("function", "test"),
    [
        (train_that_changes_an_argument, "test_what_the_user_hands_in_stays_as_it_was"),
        (train_that_draws, "test_no_random_stream_moves"),
        (train_that_prints, "test_nothing_is_printed"),
        (train_that_writes_too_late, "test_no_training_value_is_written_after_the_end"),
        (train_that_changes_the_result, "test_what_the_user_hands_in_stays_as_it_was"),
        (train_that_changes_the_result, "test_results_are_the_same_to_the_bit"),
        (train_that_swallows, "test_the_users_exception_arrives_as_it_is"),
        (train_without_a_guard, "test_a_run_that_takes_nothing_changes_nothing"),
        (fit_that_keeps_models, "test_a_fitted_model_is_let_go"),
        (fit_that_leaves_a_mark_on_models, "test_fitted_models_are_pickled_and_copied_without_a_trace"),
        (fit_with_one_memory, "test_threads_leave_complete_runs_of_their_own"),
    ],
)
def test_the_contract_finds_what_breaks_it(function, test, monkeypatch):
    """Each of these mistakes fails the test that is there for it."""
    monkeypatch.setattr(HOOKS[function.__name__.partition("_")[0]], "function", function)
    with pytest.raises((AssertionError, KeyError, RuntimeError)):
        getattr(TestContract(), test)()
    KEPT.clear()


def test_the_contract_finds_a_hook_that_the_workload_does_not_reach(monkeypatch):
    """A hook that is never called is not tested."""
    monkeypatch.setattr(HOOKS["step"], "targets", ("toyframework:Loader.__next__",))
    with pytest.raises(AssertionError, match="step"):
        TestContract().test_the_workload_reaches_every_hook()


def test_the_contract_finds_a_place_that_is_not_there(monkeypatch):
    """A framework that has changed is noticed."""
    monkeypatch.setattr(HOOKS["step"], "targets", ("toyframework:Optimizer.leap",))
    with pytest.raises((AssertionError, AttributeError)):
        TestContract().test_every_place_is_patched()
