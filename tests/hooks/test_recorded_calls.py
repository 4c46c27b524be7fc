"""A hook around a plain call: what it sees, what it may change, and that the framework runs exactly once."""

import inspect

import pytest
import toyframework

from autotrack.testing import said

DATA = (1.0, 2.0, 3.0)


def test_what_stands_before_the_yield_is_before_and_its_value_is_the_result(toy, record):
    """A hook frames the framework's call and sees its result and how long it took."""
    seen = []

    @toy.hook("toyframework:train")
    def train(call):
        seen.append("before")
        call.run.params({"rate": call.arguments["params"]["rate"]})
        model = yield
        seen.append(model)
        assert call.duration > 0
        call.run.metric("loss", model.losses[-1])

    toy.switch()
    model = toyframework.train({"rate": 0.5}, DATA)
    assert seen == ["before", model]
    assert record.run.status == "FINISHED"
    assert record.run.params == {"rate": "0.5"}
    assert record.run.metrics == {"loss": [0.25]}
    assert record.run.tags["mlflow.autologging"] == "toy"


def test_arguments_go_by_name_whichever_way_they_were_given(toy, record):
    """Positional, named and left out: a hook sees every parameter, defaults filled in."""
    seen = []

    @toy.hook("toyframework:Model.fit")
    def fit(call):
        seen.append(dict(call.arguments))
        yield

    toy.switch()
    toyframework.Model().fit(DATA, 2)
    toyframework.Model().fit(rounds=2, data=DATA)
    toyframework.Model.fit(toyframework.Model(), DATA, rounds=2)
    assert seen == [{"data": DATA, "rounds": 2, "callbacks": ()}] * 3


def test_the_instance_is_the_users_object(toy, record):
    """A method's hook sees the very object, a class method's the class, a static method's none."""
    seen = []

    @toy.hook("toyframework:Model.fit", "toyframework:Model.default", "toyframework:Model.average", joins=True)
    def fit(call):
        seen.append(call.instance)
        yield

    toy.switch()
    model = toyframework.Model()
    assert model.fit(DATA) is model
    assert toyframework.Model.average(DATA) == 2.0
    assert toyframework.Slow.default(DATA).losses
    assert seen[0] is model
    assert seen[1] is None
    assert seen[2] is toyframework.Slow


def test_a_replaced_argument_reaches_the_framework_and_the_users_own_stays(toy, record):
    """A callback is added to a list of ours, never to the user's."""

    @toy.hook("toyframework:train")
    def train(call):
        def watch(number, loss):
            call.run.metric("loss", loss, number)

        call.replace(callbacks=[*call.arguments["callbacks"], watch])
        yield

    toy.switch()
    mine: list = []
    heard = []
    toyframework.train({}, DATA, callbacks=mine)
    toyframework.train({}, DATA, callbacks=[lambda *given: heard.append(given)])
    assert mine == []
    assert heard == [(0, 1.0), (1, 0.5), (2, 0.25)]
    assert [run.metrics for run in record.runs] == [{"loss": [1.0, 0.5, 0.25]}] * 2


def test_a_hook_that_returns_before_its_yield_records_nothing(toy, record):
    """The call goes through as if there were no hook."""

    @toy.hook("toyframework:train")
    def train(call):
        return
        yield

    toy.switch()
    assert toyframework.train({}, DATA).mean == 1.75
    assert record.runs == []


def test_a_call_without_a_run_of_interest_opens_none(toy, record):
    """A run is opened when a hook first asks for it, not before."""

    @toy.hook("toyframework:train")
    def train(call):
        model = yield
        if model.mean > 100:
            call.run.metric("mean", model.mean)

    toy.switch()
    toyframework.train({}, DATA)
    assert record.runs == []
    toyframework.train({}, (1000.0,))
    assert record.run.metrics == {"mean": [875.0]}


def test_a_failure_reaches_the_user_as_it_is(toy, record):
    """The same object, nothing added to it, none of our frames in its traceback; the run is FAILED."""

    @toy.hook("toyframework:train")
    def train(call):
        call.run.params(call.arguments["params"])
        yield
        raise AssertionError("there is no result")

    mine = RuntimeError("mine")

    def callback(number, loss):
        raise mine

    def failed():
        with pytest.raises(RuntimeError) as caught:
            toyframework.train({"rate": 0.5}, DATA, callbacks=[callback])
        frames = [(frame.path.name, frame.name) for frame in caught.traceback]
        error, mine.__traceback__ = caught.value, None
        return error, error.__context__, error.__cause__, getattr(error, "__notes__", None), frames

    without = failed()
    toy.switch()
    assert failed() == without
    assert without[0] is mine
    assert record.run.status == "FAILED"
    assert "RuntimeError: mine" in record.run.error


def test_ctrl_c_and_exit_end_the_run_as_what_they_are(toy, record):
    """An interrupted training is KILLED, one that exits with a code FAILED, and without one FINISHED."""

    @toy.hook("toyframework:train")
    def train(call):
        call.run.params({})
        yield

    toy.switch()
    for ending in (KeyboardInterrupt(), SystemExit(3), SystemExit(0)):

        def callback(number, loss, ending=ending):
            raise ending

        with pytest.raises(type(ending)) as caught:
            toyframework.train({}, DATA, callbacks=[callback])
        assert caught.value is ending
    assert [run.status for run in record.runs] == ["KILLED", "FAILED", "FINISHED"]


def test_a_call_with_wrong_arguments_fails_as_without_us(toy, record):
    """Python's own message, from the user's line."""

    @toy.hook("toyframework:train")
    def train(call):
        call.run.params(call.arguments)
        yield

    with pytest.raises(TypeError) as without:
        toyframework.train(1, 2, 3, wrong=4)
    toy.switch()
    with pytest.MonkeyPatch.context() as patch, said() as lines:
        patch.delenv("AUTOTRACK_STRICT")
        with pytest.raises(TypeError) as within:
            toyframework.train(1, 2, 3, wrong=4)
    assert str(within.value) == str(without.value)
    assert len(within.traceback) == len(without.traceback)
    assert len(lines) == 1


def test_a_patched_function_looks_like_itself(toy):
    """Signature, name, documentation and source are the framework's."""

    @toy.hook("toyframework:train", *(f"toyframework:Model.{method}" for method in ("fit", "default", "average")))
    def train(call):
        yield

    def looks():
        functions = (
            toyframework.train, toyframework.Model.fit, toyframework.Model().fit, toyframework.Model.default,
            toyframework.Model.average,
        )  # fmt: skip
        return [
            (
                function.__name__, function.__qualname__, function.__doc__, function.__module__,
                inspect.signature(function), inspect.getsource(function), inspect.isroutine(function),
                inspect.iscoroutinefunction(function), inspect.isclass(function),
            )
            for function in functions
        ]  # fmt: skip

    before = looks()
    toy.switch()
    assert looks() == before
