"""What of ours fails costs one warning, and nothing of the user's."""

import os
import subprocess
import sys

import pytest
import toyframework

from autotrack import guard
from autotrack.run import Run
from autotrack.testing import recorded, said

DATA = (1.0, 2.0, 3.0)
pytestmark = pytest.mark.lenient


def test_a_hook_that_fails_before_its_yield_leaves_the_call_as_it_was(toy, record):
    """What it had replaced is the user's again; a run that it had opened ends with the call."""

    @toy.hook("toyframework:train")
    def train(call):
        call.run.params({"half": "done"})
        call.replace(params={"rate": 1.0})
        raise RuntimeError("ours")
        yield

    toy.switch()
    with said() as lines:
        assert toyframework.train({"rate": 0.5}, DATA).rate == 0.5
        assert toyframework.train({"rate": 0.5}, DATA).rate == 0.5
    assert lines == ["autotrack: toy: train failed (RuntimeError: ours); the program itself is unaffected"]
    assert [run.status for run in record.runs] == ["FINISHED", "FINISHED"]


def test_a_hook_that_fails_after_its_yield_leaves_the_result_as_it_was(toy, record):
    """The run is FINISHED: the training was."""

    @toy.hook("toyframework:train")
    def train(call):
        call.run.params({})
        yield
        raise RuntimeError("ours")

    toy.switch()
    with said() as lines:
        assert toyframework.train({}, DATA).mean == 1.75
    assert len(lines) == 1
    assert record.run.status == "FINISHED"


def test_a_hook_that_yields_twice_is_told_so(toy, record):
    """It is a mistake in the integration, and one warning."""

    @toy.hook("toyframework:train")
    def train(call):
        yield
        yield

    toy.switch()
    with said() as lines:
        assert toyframework.train({}, DATA).mean == 1.75
    assert "a hook yields once" in lines[0]


def test_a_hook_that_is_no_generator_is_told_so(toy, record):
    """A forgotten yield costs the warning, not the training."""

    @toy.hook("toyframework:train")
    def train(call):
        call.run.params({})

    toy.switch()
    with said() as lines:
        assert toyframework.train({}, DATA).mean == 1.75
    assert len(lines) == 1


def test_the_users_exception_wins_over_ours(toy, record):
    """A hook whose clean-up fails while the user's exception passes adds nothing to it."""

    @toy.hook("toyframework:train")
    def train(call):
        call.run.params({})
        try:
            yield
        finally:
            raise RuntimeError("ours")

    mine = KeyError("mine")

    def callback(number, loss):
        raise mine

    toy.switch()
    with said() as lines, pytest.raises(KeyError) as caught:
        toyframework.train({}, DATA, callbacks=[callback])
    assert caught.value is mine
    assert mine.__context__ is None
    assert "RuntimeError: ours" in lines[0]
    assert record.run.status == "FAILED"


def test_a_place_that_keeps_failing_is_left_alone(toy, record):
    """After some failures in a row the hook is off; the others stay on."""
    tried = []

    @toy.hook("toyframework:train")
    def train(call):
        tried.append(call)
        raise RuntimeError("ours")
        yield

    @toy.hook("toyframework:Model.fit")
    def fit(call):
        call.run.params({})
        yield

    toy.switch()
    with said() as lines:
        for _ in range(20):
            toyframework.train({}, DATA)
            toyframework.Model().fit(DATA)
    assert len(tried) == guard.STRIKES
    assert len(lines) == 1
    assert len(record.runs) == 20


def test_a_place_that_works_in_between_is_not_left_alone(toy):
    """Only failures in a row count."""
    tried = []

    @toy.hook("toyframework:train")
    def train(call):
        tried.append(call)
        yield
        if len(tried) % 3:
            raise RuntimeError("ours")

    toy.switch()
    with said():
        for _ in range(30):
            toyframework.train({}, DATA)
    assert len(tried) == 30


def test_a_guarded_callback_gives_its_default_when_it_fails(toy):
    """One default for all methods, or one each; private and called methods are guarded too."""

    @toy.guarded(default={"after": False, "__call__": "called"})
    class Callback:
        def after(self):
            return 1 / 0

        def before(self):
            return 1 / 0

        def fine(self, value):
            return value

        def __call__(self):
            return 1 / 0

    @toy.guarded(default=True)
    class Other:
        def after(self):
            raise KeyError("ours")

    @toy.guarded
    class Plain:
        def after(self):
            raise KeyError("ours")

    with said() as lines:
        callback = Callback()
        assert (callback.after(), callback.before(), callback(), callback.fine(3)) == (False, None, "called", 3)
        assert Other().after() is True
        assert Plain().after() is None
    assert len(lines) == 5


def test_a_guarded_callback_that_keeps_failing_is_not_called_again(toy):
    """It goes on giving its default; one that works in between is called on."""
    tried = []

    @toy.guarded(default=False)
    class Callback:
        def after(self):
            tried.append(self)
            raise RuntimeError("ours")

        def now_and_then(self, number):
            if number % 2:
                raise RuntimeError("ours")
            return number

    callback = Callback()
    with said() as lines:
        assert [callback.after() for _ in range(20)] == [False] * 20
        assert [callback.now_and_then(number) for number in range(40)][-2:] == [38, False]
    assert len(tried) == guard.STRIKES
    assert len(lines) == 2


def test_ctrl_c_passes_through_our_code(toy):
    """An interruption is the user's, wherever it arrives."""

    @toy.hook("toyframework:train")
    def train(call):
        raise KeyboardInterrupt
        yield

    toy.switch()
    with pytest.raises(KeyboardInterrupt):
        toyframework.train({}, DATA)


def test_a_run_that_takes_nothing_costs_nothing_but_warnings(toy, record, monkeypatch):
    """Whatever a medium answers, the training gets its result."""

    @toy.hook("toyframework:train")
    def train(call):
        call.run.params(call.arguments["params"])
        call.run.metric("rounds", 3)
        yield

    def refuse(*given, **named):
        raise OSError("no space left")

    toy.switch()
    for method in ("event", "point", "points", "exact", "close"):
        monkeypatch.setattr("autotrack.sinks.memory.MemoryStream." + method, refuse)
    with said() as lines:
        assert [toyframework.train({}, DATA).mean for _ in range(3)] == [1.75] * 3
    assert len(lines) == 1
    assert "no space left" in lines[0]


def test_silence_is_kept(toy):
    """With `silent=True` failures are counted, not said."""

    @toy.hook("toyframework:train")
    def train(call):
        raise RuntimeError("ours")
        yield

    toy.autolog(silent=True)
    with said() as lines:
        toyframework.train({}, DATA)
    assert lines == []
    assert guard.failures() == {"toy: train": 1}


def test_silence_is_that_of_the_whole_program(store):
    """Not a word of where the record goes, though what hears of the program's arguments and files is on too."""
    program = (
        "import autotrack; autotrack.autolog(silent=True); from sklearn.linear_model import Ridge; "
        "Ridge().fit([[0.0], [1.0]], [0.0, 1.0])"
    )
    environment = {name: value for name, value in os.environ.items() if name != "AUTOTRACK_CONTEXT"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
    assert len(recorded(store)) == 1


def test_a_failing_exit_callback_is_one_warning(toy, record):
    """The runs are ended all the same."""
    from autotrack import current

    run = current.start("mine")
    run.before_end.append(lambda: 1 / 0)
    with said() as lines:
        record.finish()
    assert isinstance(run, Run)
    assert record.run.status == "FINISHED"
    assert len(lines) == 1
