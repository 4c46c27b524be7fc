"""Around the user's call: the hook before, the framework exactly once, the hook after."""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextvars import Token
from types import CodeType
from typing import Any, Protocol

from autotrack import current, guard
from autotrack._origins import remember
from autotrack.call import Call, inside
from autotrack.options import Options
from autotrack.outcome import outcome
from autotrack.run import Run

_DONE = object()
STOPPED = object()
"""What a watching function gets as the result of an iterator that was exhausted."""


class Hook(Protocol):
    """What the engine needs to know of a declared hook."""

    site: str
    integration_name: str
    function: Callable[..., Any]
    fired: int
    hosts: bool

    @property
    def options(self) -> Options:
        """The options in force now."""
        ...


class _Session:
    """The state of one recorded call, from before the framework runs to after."""

    __slots__ = ("_above", "_ambient", "_inside", "_site", "_started", "_steps", "call")

    def __init__(self, hook: Hook, call: Call) -> None:
        self.call = call
        self._site = hook.site
        self._steps: Generator[None, Any, None] | None = None
        self._inside: Token[Call | str | None] | None = None
        self._ambient: Run | None = None
        self._above: tuple[Run, ...] = ()
        self._started = 0.0

    def before(self, function: Callable[[Call], Generator[None, Any, None]]) -> None:
        """Run the hook up to its ``yield``; if it fails, the user's call is as if there were no hook."""
        args, kwargs = self.call.args, self.call.kwargs
        steps: Generator[None, Any, None] | None = None
        with guard.guard(self._site) as before:
            steps = function(self.call)
            if next(steps, _DONE) is _DONE:
                steps = None
        if before.failed:
            self.call.args, self.call.kwargs, steps = args, kwargs, None
        self._steps = steps
        self._activate()
        self._started = time.perf_counter()

    def enter(self) -> None:
        """Mark this context as being inside the recorded call."""
        if not self.call.hosts:
            self._inside = inside.set(self.call)
        self._activate()

    def _activate(self) -> None:
        if self._ambient is None and (run := self.call.opened) is not None:
            current.enter(run, self._above)
            self._ambient = run

    def leave(self) -> None:
        """Take the marks off this context."""
        if self._ambient is not None:
            self._above = current.leave(self._ambient)
            self._ambient = None
        if self._inside is not None:
            inside.reset(self._inside)
            self._inside = None

    def finish(self, result: Any) -> None:
        """Run the hook's second half and end the run that belongs to the call."""
        self.call.duration = time.perf_counter() - self._started
        self.enter()
        try:
            if self._steps is not None:
                with guard.guard(self._site) as after:
                    self._trained()
                    if _send(self._steps, result) is not _DONE:
                        raise RuntimeError("a hook yields once")
                if not after.failed:
                    guard.succeeded(self._site)
        finally:
            self.leave()
            self._end(None)

    def _trained(self) -> None:
        """What an outermost call has trained is known by its run, also to other integrations."""
        call = self.call
        if call.instance is not None and call.outer is None and not call.hosts and call.opened is not None:
            remember(call.instance, call.opened)

    def fail(self, error: BaseException | None) -> None:
        """The framework raised: end the run with what it raised."""
        self.call.error = error
        try:
            if self._steps is not None:
                with guard.guard(self._site):
                    self._steps.close()
        finally:
            self._end(error)

    def _end(self, error: BaseException | None) -> None:
        if self.call.owns_run:
            self.call.run.end(*outcome(error))


def _send(steps: Generator[None, Any, None], result: Any) -> object:
    try:
        return steps.send(result)
    except StopIteration:
        return _DONE


def record(hook: Hook, wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Stand in for a recorded function."""
    options = hook.options
    if options.exclusive and current.users_run() is not None:
        return wrapped(*args, **kwargs)
    outer = inside.get()
    hook.fired += 1
    call = Call(
        hook.integration_name, options, wrapped, instance, args, kwargs,
        outer if isinstance(outer, Call) else None, hosts=hook.hosts,
    )  # fmt: skip
    session = _Session(hook, call)
    returned = False
    try:
        session.enter()
        session.before(hook.function)
        result = wrapped(*call.args, **call.kwargs)  # the one line that may raise into the user's program
        returned = True
    finally:
        session.leave()
        if not returned:
            error = sys.exc_info()[1]
            forget_frames(error, record.__code__)
            session.fail(error)
    if inspect.iscoroutine(result):
        return _coroutine(session, result)
    if inspect.isgenerator(result):
        return _generator(session, result)
    if inspect.isasyncgen(result):
        return _async_generator(session, result)
    session.finish(result)
    return result


def watcher(hook: Hook, *, stops: bool) -> Callable[..., Any]:
    """Stand in for a function that is called often; ``function(instance, args, kwargs, result)`` looks after each,
    with the called function itself where there is no instance."""
    function = hook.function
    site = hook.site
    failing = False

    def watched(wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        returned = False
        result: Any = STOPPED
        try:
            result = wrapped(*args, **kwargs)
            returned = True
        finally:
            if not returned:
                error = sys.exc_info()[1]
                forget_frames(error, watched.__code__)
                if stops and isinstance(error, StopIteration):
                    look(wrapped if instance is None else instance, args, kwargs, STOPPED)
        look(wrapped if instance is None else instance, args, kwargs, result)
        return result

    def look(instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        nonlocal failing
        hook.fired += 1
        try:
            function(instance, args, kwargs, result)
            if failing:
                failing = False
                guard.succeeded(site)
        except Exception as error:
            if guard.strict():
                raise
            failing = True
            guard.failed(site, error)

    return watched


def relayer(hook: Hook) -> Callable[..., Any]:
    """Stand in for a function whose calls are passed on with other arguments or under the mark of a recorded fit."""

    def relayed(wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        changed = None
        with guard.guard(hook.site):
            changed = hook.function(instance, args, kwargs)
        mark = None
        if changed is not None:
            hook.fired += 1
            args, kwargs, mark = changed
        token = inside.set(mark) if mark is not None else None
        returned = False
        try:
            result = wrapped(*args, **kwargs)
            returned = True
        finally:
            if token is not None:
                inside.reset(token)
            if not returned:
                forget_frames(sys.exc_info()[1], relayed.__code__)
        return result

    return relayed


def forget_frames(error: BaseException | None, *ours: CodeType) -> None:
    """Take our own frames off a traceback on its way up: the user sees the one that he would see without us."""
    if error is None:
        return
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code in ours:
        trace = trace.tb_next
    error.__traceback__ = trace


class _Resumed:
    """Awaits or iterates something with the marks set while it runs, never while it is suspended."""

    def __init__(self, session: _Session, inner: Any) -> None:
        self._session = session
        self._inner = inner

    def __await__(self) -> Generator[Any, Any, Any]:
        return self.steps(self._inner.__await__())

    def steps(self, inner: Any) -> Generator[Any, Any, Any]:
        resume, value = inner.send, None
        while True:
            self._session.enter()
            try:
                item = resume(value)
            except StopIteration as stop:
                return stop.value
            finally:
                self._session.leave()
            try:
                value = yield item
                resume = inner.send
            except GeneratorExit:
                self._session.enter()
                try:
                    inner.close()
                finally:
                    self._session.leave()
                raise
            except BaseException as thrown:  # noqa: BLE001 - handed on to where the user's code waits
                forget_frames(thrown, _Resumed.steps.__code__)
                resume, value = inner.throw, thrown


async def _coroutine(session: _Session, inner: Any) -> Any:
    returned = False
    try:
        result = await _Resumed(session, inner)
        returned = True
    finally:
        if not returned:
            error = sys.exc_info()[1]
            forget_frames(error, _coroutine.__code__, _Resumed.steps.__code__)
            session.fail(_interruption(error))
    session.finish(result)
    return result


def _generator(session: _Session, inner: Any) -> Generator[Any, Any, Any]:
    returned = False
    try:
        result = yield from _Resumed(session, inner).steps(inner)
        returned = True
    finally:
        if not returned:
            error = sys.exc_info()[1]
            forget_frames(error, _generator.__code__, _Resumed.steps.__code__)
            session.fail(error)
    session.finish(result)
    return result


async def _async_generator(session: _Session, inner: Any) -> AsyncGenerator[Any, Any]:
    returned = False
    try:
        advance: Any = inner.asend(None)
        while True:
            try:
                item = await _Resumed(session, advance)
            except StopAsyncIteration:
                break
            try:
                value = yield item
                advance = inner.asend(value)
            except GeneratorExit:
                await _Resumed(session, inner.aclose())
                raise
            except BaseException as thrown:  # noqa: BLE001 - handed on to where the user's code waits
                forget_frames(thrown, _async_generator.__code__)
                advance = inner.athrow(thrown)
        returned = True
    finally:
        if not returned:
            error = sys.exc_info()[1]
            forget_frames(error, _async_generator.__code__, _Resumed.steps.__code__)
            session.fail(error)
    session.finish(None)


def _interruption(error: BaseException | None) -> BaseException | None:
    # A cancelled task was interrupted, as by Ctrl-C; asyncio is loaded if one exists.
    asyncio = sys.modules.get("asyncio")
    if error is not None and asyncio is not None and isinstance(error, asyncio.CancelledError):
        return KeyboardInterrupt("cancelled").with_traceback(error.__traceback__)
    return error
