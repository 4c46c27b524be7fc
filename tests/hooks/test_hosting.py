"""Calls that are no training themselves, such as a search: what is trained inside them is recorded too."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import toyframework

from autotrack import current
from autotrack.hooks import Integration

DATA = (1.0, 2.0, 3.0)


@pytest.fixture
def search(toy):
    """`Search.fit` hosts, in a run named "search"; `Model.fit` is recorded by another integration."""

    @toy.hook("toyframework:Search.fit", hosts=True)
    def search(call):
        call.run.trained("search")
        yield

    other = Integration("other")

    @other.hook("toyframework:Model.fit")
    def fit(call):
        call.run.trained("fit")
        call.run.params({"rate": call.instance.rate})
        yield

    toy.switch()
    other.switch()
    return toy


def family(record):
    """`(name, name of the parent, parameters)` of every run."""
    names = {run.run_id: run.name for run in record.runs}
    return [(run.name, names.get(run.parent), run.params) for run in record.runs]


def test_what_is_trained_inside_is_recorded_below(search, record):
    """A host's own run is the host's: each training gets one below."""
    toyframework.Search().fit(DATA)
    assert family(record) == [
        ("search", None, {}),
        *(("fit", "search", {"rate": rate}) for rate in ("0.1", "0.5", "0.9")),
    ]
    assert {run.status for run in record.runs} == {"FINISHED"}


def test_a_host_in_the_programs_run_takes_it(search, record):
    """As a training does; what is trained inside goes below."""
    with current.start("mine"):
        toyframework.Search().fit(DATA)
    assert [name for name, parent, _ in family(record) if parent == "mine"] == ["fit"] * 3
    assert len(record.runs) == 4


def test_a_host_does_not_take_in_what_other_threads_train(search, record):
    """Only its own context is hosted."""

    class Waiting(toyframework.Search):
        def fit(self, data, rounds=3, callbacks=()):
            return super().fit(data, rounds, [lambda *_: began.set() or ended.wait(10)])

    began, ended = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(Waiting().fit, DATA)
        began.wait(10)
        toyframework.Model(0.7).fit(DATA)
        ended.set()
        waiting.result()
    assert ("fit", None, {"rate": "0.7"}) in family(record)


def test_inside_a_recorded_fit_a_host_passes_through(search, record):
    """A search that is a part of a training is no run."""

    @search.hook("toyframework:train")
    def train(call):
        call.run.trained("train")
        yield

    search.disable()
    search.enable()
    toyframework.train({}, DATA, rounds=1, callbacks=[lambda *_: toyframework.Search().fit(DATA)])
    assert family(record) == [("train", None, {})]


def each(jobs):
    """Calls a function with three numbers, in threads."""
    return lambda function: list(ThreadPoolExecutor(jobs).map(function, range(3)))


@pytest.fixture
def trials(toy, monkeypatch):
    """`toyframework.search(function, spread)` hands a function of the program's to `spread`; each call of it gets a
    run below the search's. `Model.fit` is recorded too."""
    monkeypatch.setattr(toyframework, "search", lambda function, spread: spread(function), raising=False)

    @toy.hook("toyframework:search", hosts=True)
    def search(call):
        call.run.trained("search")

        def trial(each):
            number = each.args[0]
            each.below(call.run, f"trial {number}")
            try:
                result = yield
            except GeneratorExit:
                each.run.tags({"error": repr(each.error)})
                raise
            each.run.metrics({"value": result})

        call.replace(function=toy.around(call.arguments["function"], trial))
        yield

    @toy.hook("toyframework:Model.fit")
    def fit(call):
        call.run.trained("fit")
        call.run.params({"rate": call.instance.rate})
        yield

    toy.switch()


@pytest.mark.parametrize("spread", [lambda function: [function(number) for number in range(3)], each(1), each(3)])
def test_calls_of_the_programs_function_have_runs_of_their_own(trials, record, spread):
    """Whichever thread makes them; what is trained first in one is recorded in its run, the next below that."""

    def objective(number):
        models = [toyframework.Model(number / 10).fit(DATA), toyframework.Model(number / 20).fit(DATA)]
        assert current.current().name == f"trial {number}"
        return models[0].mean

    results = toyframework.search(objective, spread)
    assert sorted(family(record), key=str) == sorted(
        [
            ("search", None, {}),
            *((f"trial {number}", "search", {"rate": str(number / 10)}) for number in range(3)),
            *(("fit", f"trial {number}", {"rate": str(number / 20)}) for number in range(3)),
        ],
        key=str,
    )
    assert sorted(run.metrics["value"] for run in record.runs if run.name.startswith("trial")) == [[r] for r in results]
    assert current.current() is None


def test_a_call_that_fails_is_recorded_as_failed_and_fails_alone(trials, record):
    """The hook learns what was raised; the program gets the very object, with its own frames only."""
    mine = ValueError("mine")

    def objective(number):
        if number == 1:
            raise mine
        return number

    def careful(function):
        found = []
        for number in range(3):
            try:
                found.append(function(number))
            except ValueError as error:
                found.append(error)
        return found

    result = toyframework.search(objective, careful)
    assert result == [0, mine, 2]
    frames = []
    trace = mine.__traceback__
    while trace:
        frames.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    assert frames == ["careful", "objective"]
    assert [run.status for run in record.runs] == ["FINISHED", "FINISHED", "FAILED", "FINISHED"]
    assert [run.tags.get("error") for run in record.runs] == [None, None, "ValueError('mine')", None]


def test_a_run_may_outlive_its_call(toy, record):
    """For what is only known later: a hook that says so ends it itself."""
    kept = []

    @toy.hook("toyframework:train")
    def train(call):
        kept.append(call.run)
        yield
        call.owns_run = False

    toy.switch()
    toyframework.train({}, DATA)
    assert record.run.status == ""
    kept[0].end()
    assert record.run.status == "FINISHED"


@pytest.mark.lenient
def test_a_hook_around_a_function_that_fails_leaves_the_function_as_it_is(toy, record, monkeypatch):
    """The function is called once, with its own arguments."""
    monkeypatch.setattr(
        toyframework, "search", lambda function: [function(number) for number in range(20)], raising=False
    )
    calls = []

    @toy.hook("toyframework:search", hosts=True)
    def search(call):
        def trial(each):
            calls.append(each.args)
            raise RuntimeError("ours")
            yield

        call.replace(function=toy.around(call.arguments["function"], trial))
        yield

    toy.switch()
    assert toyframework.search(lambda number: number) == list(range(20))
    assert calls == [(number,) for number in range(8)]
