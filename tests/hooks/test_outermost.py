"""Only the outermost fit records; what is inside passes through, or joins if it says so."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import toyframework

from autotrack import current
from autotrack.hooks import Integration, Options

DATA = (1.0, 2.0, 3.0)


def test_a_fit_inside_a_recorded_fit_passes_through(toy, record):
    """A search that fits three models is one run."""

    @toy.hook_subclasses("toyframework:Model", "fit")
    def fit(call):
        call.run.params({"class": type(call.instance).__name__})
        yield

    toy.switch()
    toyframework.Search().fit(DATA)
    assert record.run.params == {"class": "Search"}
    assert toy.hooks[0].fired == 1


def test_a_joining_hook_adds_to_the_run_of_its_own_integration(toy, record):
    """One level down, and not further."""

    @toy.hook("toyframework:Search.fit")
    def search(call):
        call.run.params({"class": "Search"})
        yield

    @toy.hook("toyframework:Model.fit", joins=True)
    def fit(call):
        yield
        call.run.metric("tried", call.instance.losses[-1])

    toy.switch()
    toyframework.Search().fit(DATA, 1)
    assert record.run.params == {"class": "Search"}
    assert record.run.metrics == {"tried": [1.8, 1.0, 0.19999999999999996]}


def test_a_fit_inside_another_frameworks_recorded_fit_passes_through(toy, record):
    """A joining hook joins its own integration only."""
    other = Integration("other")

    @other.hook("toyframework:Search.fit")
    def search(call):
        call.run.params({"by": "other"})
        yield

    @toy.hook("toyframework:Model.fit", joins=True)
    def fit(call):
        call.run.params({"by": "toy"})
        yield

    other.switch()
    toy.switch()
    toyframework.Search().fit(DATA, 1)
    assert record.run.params == {"by": "other"}


def test_exclusive_leaves_the_programs_own_run_alone(toy, record):
    """With the option, what is trained inside a run of the program is not recorded."""

    @toy.hook("toyframework:train")
    def train(call):
        call.run.params({"by": "toy"})
        yield

    toy.autolog(exclusive=True)
    with current.start("mine"):
        toyframework.train({}, DATA)
    toyframework.train({}, DATA)
    assert [(run.name == "mine", run.params) for run in record.runs] == [(True, {}), (False, {"by": "toy"})]


def test_the_first_training_joins_the_programs_run_and_the_next_ones_go_below_it(toy, record):
    """Two trainings in one run do not mix their values."""

    @toy.hook("toyframework:train")
    def train(call):
        call.run.params(call.arguments["params"])
        yield

    toy.switch()
    with current.start("mine") as mine:
        toyframework.train({"rate": 0.1}, DATA)
        toyframework.train({"rate": 0.2}, DATA)
        assert not mine.ended
    first, second = record.runs
    assert (first.name, first.params, first.status) == ("mine", {"rate": "0.1"}, "FINISHED")
    assert (second.parent, second.params, second.status) == (first.run_id, {"rate": "0.2"}, "FINISHED")


def test_threads_record_runs_of_their_own(toy, record):
    """Thirty-two at once, each complete."""

    @toy.hook("toyframework:train")
    def train(call):
        call.run.params(call.arguments["params"])
        model = yield
        call.run.metric("mean", model.mean)

    toy.switch()
    barrier = threading.Barrier(32)

    def work(number):
        barrier.wait()
        return [toyframework.train({"rate": number / 100}, DATA, rounds=50).mean for _ in range(5)]

    with ThreadPoolExecutor(32) as pool:
        means = list(pool.map(work, range(32)))
    assert len(record.runs) == 160
    assert {run.status for run in record.runs} == {"FINISHED"}
    found = sorted((float(run.params["rate"]), *run.metrics["mean"]) for run in record.runs)
    assert found == sorted((number / 100, mean) for number, many in enumerate(means) for mean in many)


def test_tasks_with_runs_of_their_own_record_into_them(toy, record):
    """asyncio.gather over blocks of `with start_run()`: each training lands in its own task's run."""

    @toy.hook("toyframework:train")
    def train(call):
        call.run.params(call.arguments["params"])
        yield

    toy.switch()

    async def job(number):
        with current.start(f"job {number}"):
            await asyncio.sleep(0.001 * (number % 3))
            toyframework.train({"rate": number}, DATA)
            await asyncio.sleep(0.001)

    async def program():
        await asyncio.gather(*(job(number) for number in range(20)))

    asyncio.run(program())
    assert {run.name: run.params["rate"] for run in record.runs} == {f"job {n}": str(n) for n in range(20)}


def test_extra_tags_are_on_every_run_that_an_integration_opens(toy, record):
    """Set once, for whatever is trained later."""

    @toy.hook("toyframework:train")
    def train(call):
        call.run.params({})
        yield

    toy.autolog(extra_tags={"team": "blue"})
    toyframework.train({}, DATA)
    assert record.run.tags["team"] == "blue"


def test_options_are_those_of_the_framework(toy):
    """An unknown one is an error that names the known."""
    assert toy.read_options({"log_models": False, "else": 1}, strict=False) == Options(log_models=False)
