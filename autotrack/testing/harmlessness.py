"""The part of the contract that the program sees: nothing."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

from autotrack import guard
from autotrack._engine import watcher
from autotrack.hooks import DeclaredHook
from autotrack.run import Run
from autotrack.testing.program import reset
from autotrack.testing.sameness import digest, frames, picture, random_state
from autotrack.testing.subject import Subject, load

_DONE = object()


class Broken(RuntimeError):
    """What a test has our own code raise."""


class Harmless(Subject):
    """Recording changes no result, no argument, no exception, whatever of ours fails."""

    not_reached: frozenset[str] = frozenset()
    """The hooks, by the names of their functions, that ``workload`` does not lead to."""

    def test_the_workload_reaches_every_hook(self) -> None:
        """Else the tests below would prove nothing about it; it is named in ``not_reached`` if there is no way."""
        with self.recording():
            self.program("workload")()
            fired = {hook.function.__name__: hook.fired for hook in self.integration.hooks}
        assert {name for name, count in fired.items() if not count} <= self.not_reached

    def test_results_are_the_same_to_the_bit(self) -> None:
        """Recorded or not; and the program is recorded the same each time."""
        plain, recorded, again = self.plain(), self.recorded(), self.recorded()
        assert digest(recorded.result) == digest(plain.result)
        assert recorded.lines == []
        assert recorded.runs
        assert recorded.outlines == again.outlines
        assert {run.status for run in recorded.runs} == {"FINISHED"}

    def test_no_random_stream_moves(self) -> None:
        """Those of random, numpy and torch stand where they would stand."""
        self.plain()
        before = random_state()
        self.recorded()
        assert random_state() == before

    def test_nothing_is_printed(self) -> None:
        """What the program prints is what it prints."""

        def output(run: Callable[[], object]) -> tuple[str, str]:
            out, err = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                run()
            return out.getvalue(), err.getvalue()

        assert output(self.recorded) == output(self.plain)

    def test_what_the_user_hands_in_stays_as_it_was(self) -> None:
        """No hook changes an argument, an instance or a result."""
        changed: list[str] = []
        with _functions(self.integration.hooks, lambda hook: _comparing(hook, changed)):
            self.recorded()
        assert changed == []

    def test_the_users_exception_arrives_as_it_is(self) -> None:
        """The same object, no context added, no frame of ours in its traceback; the run has FAILED, and says why."""
        program, mine = self.program("failing_workload"), getattr(load(self.workload), "ERROR", None)

        def caught() -> Exception:
            if mine is not None:
                mine.__traceback__ = None
            try:
                program()
            except Exception as error:  # noqa: BLE001 - the one that the workload raises
                return error
            raise AssertionError("failing_workload() must raise")

        reset()
        plain = caught()
        expected = (type(plain), str(plain), type(plain.__context__), type(plain.__cause__), frames(plain))
        with self.recording() as record:
            error = caught()
            found = (type(error), str(error), type(error.__context__), type(error.__cause__), frames(error))
            record.finish(error)
        assert found == expected
        assert mine is None or error is mine
        assert [run.status for run in record.runs if run.error] == ["FAILED"]
        assert {run.status for run in record.runs} <= {"FAILED", "FINISHED"}
        assert type(error).__name__ in "".join(run.error or "" for run in record.runs)

    def test_a_half_of_a_hook_that_fails_changes_nothing_but_one_warning(self) -> None:
        """Each hook's first half, and then its second."""
        expected = digest(self.plain().result)
        for hook in self.integration.hooks:
            for half in (1, 2):
                raised: list[int] = []
                with _functions([hook], lambda hook, half=half, raised=raised: _breaking(hook, half, raised)):
                    trial = self.recorded(strict=False)
                where = f"{hook.site}, half {half}: {trial.lines}"
                assert digest(trial.result) == expected, where
                assert len(trial.lines) == bool(raised), where
                assert {run.status for run in trial.runs} <= {"FINISHED"}, where

    def test_a_run_that_takes_nothing_changes_nothing(self) -> None:
        """Callbacks that a framework calls fail like hooks do: without harm."""
        expected = digest(self.plain().result)
        for method in ("params", "metric", "metrics", "tags", "dataset", "model", "text", "artifact_directory"):
            plain = getattr(Run, method)
            raised: list[Any] = []

            def refuse(*given: Any, raised: list[Any] = raised, **named: Any) -> None:
                raised.append(given)
                raise Broken(f"ours, of {len(given) + len(named)} arguments")

            setattr(Run, method, refuse)
            try:
                trial = self.recorded(strict=False)
            finally:
                setattr(Run, method, plain)
            assert digest(trial.result) == expected, method
            assert bool(trial.lines) == bool(raised), (method, trial.lines)
            assert len(set(trial.lines)) == len(trial.lines), method

    def test_a_hook_that_keeps_failing_is_switched_off(self) -> None:
        """After some failures in a row at one place it is not called again."""
        hook = next(hook for hook in self.integration.hooks if hook.function.__name__ not in self.not_reached)
        raised: list[int] = []
        with _functions([hook], lambda hook: _breaking(hook, 1, raised)), self.recording(strict=False):
            for _ in range(guard.STRIKES + 2):
                self.program("workload")()
            assert guard.tripped(hook.site)
        assert len(raised) == guard.STRIKES

    def test_no_training_value_is_written_after_the_end(self) -> None:
        """What follows a run's end is marked late, and is no value of a training that was still being recorded."""
        for run in self.recorded().runs:
            assert [point for point in run.after_end if not point.late] == []
            late = {(point.key, point.model, point.dataset) for point in run.points if point.late}
            trained = {(point.key, point.model, point.dataset) for point in run.points if not point.late}
            assert late & trained == set()


@contextlib.contextmanager
def _functions(hooks: list[DeclaredHook], make: Callable[..., Callable[..., Any]]) -> Any:
    """Other functions in the places of the hooks' own for a while."""
    reset()
    own = [hook.function for hook in hooks]
    try:
        for hook in hooks:
            _put(hook, make(hook))
        yield
    finally:
        reset()
        for hook, function in zip(hooks, own, strict=True):
            _put(hook, function)


def _put(hook: DeclaredHook, function: Callable[..., Any]) -> None:
    hook.function = function
    if hook.kind == "watch":
        hook.wrapper = watcher(hook, stops=hook.stops)


def _comparing(hook: DeclaredHook, changed: list[str]) -> Callable[..., Any]:
    real = hook.function

    def compare(what: str, act: Callable[[], Any], *values: Any) -> Any:
        before = picture(values)
        try:
            return act()
        finally:
            if picture(values) != before:
                changed.append(f"{hook.site}: {what}")

    def record(call: Any) -> Any:
        args, kwargs, instance = call.args, call.kwargs, call.instance
        steps = real(call)
        if compare("before the call", lambda: next(steps, _DONE), args, kwargs, instance) is _DONE:
            return
        try:
            result = yield
        except GeneratorExit:
            steps.close()
            raise
        compare("after the call", lambda: _send(steps, result), args, kwargs, instance, result)

    def look(instance: Any, args: Any, kwargs: Any, *result: Any) -> Any:
        return compare("looking", lambda: real(instance, args, kwargs, *result), instance, args, kwargs, result)

    return _named(real, record if hook.kind in ("record", "subclasses") else look)


def _breaking(hook: DeclaredHook, half: int, raised: list[int]) -> Callable[..., Any]:
    real = hook.function

    def fail() -> None:
        raised.append(half)
        raise Broken("ours")

    def record(call: Any) -> Any:
        if half == 1:
            fail()
        steps = real(call)
        if next(steps, _DONE) is _DONE:
            return
        try:
            yield
        finally:
            steps.close()
        fail()

    def look(instance: Any, args: Any, kwargs: Any, *result: Any) -> Any:
        if half == 2:
            real(instance, args, kwargs, *result)
        fail()

    return _named(real, record if hook.kind in ("record", "subclasses") else look)


def _named(real: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    function.__name__ = real.__name__
    return function


def _send(steps: Any, result: Any) -> None:
    try:
        steps.send(result)
    except StopIteration:
        return
    raise AssertionError("a hook yields once")
