"""What the author of an integration uses: declare where to hook, say what to record, never call the framework.

    INTEGRATION = Integration("xgboost", distribution="xgboost", supports=">=2.0,<4")

    @INTEGRATION.hook("xgboost.training:train", "xgboost:train")
    def train(call: Call) -> Steps:
        call.run.params(call.arguments["params"])                  # before
        booster = yield                                            # xgboost runs here, called by autotrack, once
        call.run.params({"trees": booster.num_boosted_rounds()})   # after

A hook that returns before its ``yield`` records nothing. One that fails before it leaves the user's call as it was;
one that fails after it leaves the result as it was; either costs one warning.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from functools import partial, wraps
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any, TypeVar

from autotrack import current, guard, settings
from autotrack._aside import aside
from autotrack._engine import STOPPED, record, relayer, watcher
from autotrack._loops import Loop, Loops
from autotrack._origins import origin, remember
from autotrack._registered import INTEGRATIONS, registered
from autotrack._variables import caller, variable, variables
from autotrack._watch import when_imported
from autotrack._weak import weak
from autotrack._workers import worker_environment
from autotrack.call import Call, child_run, inside, training_run
from autotrack.capture import filedigest
from autotrack.context.testament import Testament
from autotrack.contribution import Contribution
from autotrack.event import DatasetUsed
from autotrack.exceptions import AutotrackException
from autotrack.options import Options
from autotrack.run import Run

__all__ = [
    "STOPPED", "Call", "Contribution", "DatasetUsed", "Integration", "Loop", "Loops", "Options", "Run", "Steps",
    "Testament", "aside", "caller", "current", "filedigest", "inside", "origin", "remember", "variable", "variables",
    "weak", "worker_environment",
]  # fmt: skip

Steps = Generator[None, Any, None]
"""What a hook function returns."""

_C = TypeVar("_C", bound=type)
_F = TypeVar("_F", bound=Callable[..., Any])


class DeclaredHook:
    """One function of an integration, and the places where it is to be called."""

    def __init__(
        self, integration: Integration, function: Callable[..., Any], targets: tuple[str, ...], *, kind: str,
        joins: bool = False, hosts: bool = False, stops: bool = False, methods: tuple[str, ...] = (),
        unless: Callable[[type], bool] | None = None,
    ) -> None:  # fmt: skip
        self.integration = integration
        self.integration_name = integration.name
        self.function = function
        self.targets = targets
        self.kind = kind
        self.joins = joins
        self._outermost = not joins and kind not in ("watch", "relay")
        self.hosts = hosts
        self.stops = stops
        self.methods = methods
        self.unless = unless
        self.site = f"{integration.name}: {function.__name__}"
        self.fired = 0
        self.states: dict[str, str] = dict.fromkeys(targets, "waiting for the import")
        self.wrapper: Callable[..., Any]
        if kind == "watch":
            self.wrapper = watcher(self, stops=stops)
        elif kind == "relay":
            self.wrapper = relayer(self)
        else:
            self.wrapper = partial(record, self)

    @property
    def options(self) -> Options:
        """The options in force now."""
        return self.integration.options

    def active(self) -> bool:
        """Whether a call that begins now is this hook's to record; asked before each, so it costs next to nothing."""
        outer = inside.get()
        if outer is not None and self._outermost:
            return False  # first of all, as a round of a recorded fit may come by here
        if not self.integration.enabled or guard.tripped(self.site):
            return False
        if outer is None or self.kind in ("watch", "relay"):
            return True
        # Only the outermost fit records; a joining hook adds to a call of its own integration, one level down.
        return self.joins and isinstance(outer, Call) and outer.integration == self.integration_name and not outer.outer


class Integration:
    """One framework: what is hooked there and what is recorded.

    ``distribution`` is the name under which pip knows the framework, ``supports`` the range of its versions for
    which the hooks were written. An older version is left alone with one warning; a newer one is tried. ``needs``
    names integrations that go on together with this one.
    """

    def __init__(
        self,
        name: str,
        *,
        distribution: str | None = None,
        supports: str = "",
        options: type[Options] = Options,
        needs: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.distribution = distribution or name
        self.supports = supports
        self.options_class = options
        self.options = options()
        self.needs = needs
        self.enabled = False
        self.specific = False
        """Whether the user configured this integration by name; then the general ``autolog()`` leaves it so."""
        self.why_not = ""
        self.others: frozenset[str] = frozenset()
        """Top-level modules of the frameworks that other integrations record."""
        self.hooks: list[DeclaredHook] = []
        self._shared: dict[int, Any] = {}
        self._started: list[tuple[Callable[[], Callable[[], None] | None], str]] = []
        self._undo: list[Callable[[], object]] = []
        self._checked = False

    def hook(
        self, *targets: str, joins: bool = False, hosts: bool = False
    ) -> Callable[[Callable[[Call], Steps]], Callable[[Call], Steps]]:
        """Record the calls of a function or method, named ``"module:qualified.name"``; all the names of one function
        belong in one call. With ``joins`` the hook also runs inside a recorded call of the same integration and adds
        to its run. With ``hosts`` what is trained inside the call is recorded too, each training in a run below.

        A target ``"module:function[variable]"`` is the function that a decorator's wrapper knows by that variable; so
        calls are recorded also where the program has imported the function before recording began. With ``*`` for the
        function it is each that the module's ``__all__`` names and that is decorated so."""

        def declare(function: Callable[[Call], Steps]) -> Callable[[Call], Steps]:
            self.hooks.append(DeclaredHook(self, function, targets, kind="record", joins=joins, hosts=hosts))
            return function

        return declare

    def around(self, function: Callable[..., Any], steps: Callable[[Call], Steps]) -> Callable[..., Any]:
        """A function that the program handed in, with its calls recorded by ``steps``, a hook, in whichever thread
        they are made; :meth:`Call.replace` passes it on.

        What is trained in such a call is recorded too: the first training in the call's own run, the others below.
        """
        from autotrack._patch import Patched  # loads wrapt, which whatever leads here has loaded

        hook = DeclaredHook(self, steps, (), kind="record", hosts=True)
        return Patched(function, hook.wrapper, lambda: not guard.tripped(hook.site))

    def hook_subclasses(
        self, base: str, *methods: str, unless: Callable[[type], bool] | None = None
    ) -> Callable[[Callable[[Call], Steps]], Callable[[Call], Steps]]:
        """Record methods of a class and of all its subclasses, those that exist and those that are yet to be defined.

        A class for which ``unless`` is true, or that belongs to another integration's framework, is left alone.
        """

        def declare(function: Callable[[Call], Steps]) -> Callable[[Call], Steps]:
            hook = DeclaredHook(self, function, (base,), kind="subclasses", methods=methods, unless=unless)
            self.hooks.append(hook)
            return function

        return declare

    def watch(self, *targets: str, stops: bool = False) -> Callable[[_F], _F]:
        """Look at the calls of a function that is called often: ``look(instance, args, kwargs, result)`` after each,
        with the function itself in the place of an instance where there is none.

        It opens no run and costs well under a microsecond of its own. With ``stops`` it is also told, by the result
        :data:`STOPPED`, when an iterator's ``__next__`` was exhausted.
        """

        def declare(function: _F) -> _F:
            self.hooks.append(DeclaredHook(self, function, targets, kind="watch", stops=stops))
            return function

        return declare

    def watch_subclasses(self, base: str | tuple[str, ...], *methods: str) -> Callable[[_F], _F]:
        """Look at methods of a class, or of several, and of all subclasses, those that exist and those that are yet to
        be defined, in the way of :meth:`watch`. A method that a class has from a mixin beside the family counts too,
        and so does a class of another integration's framework."""
        targets = (base,) if isinstance(base, str) else base

        def declare(function: _F) -> _F:
            self.hooks.append(DeclaredHook(self, function, targets, kind="watch", methods=methods))
            return function

        return declare

    def relay(self, *targets: str) -> Callable[[_F], _F]:
        """Pass the calls of a function on, no run being opened: ``step(instance, args, kwargs)`` before each returns
        ``(args, kwargs, mark)`` to call it with, or ``None`` to leave the call alone.

        Under a ``mark``, any text, the call and what it calls count as inside a recorded fit; so the mark gets to
        other threads and processes together with the work that was given to them.
        """

        def declare(function: _F) -> _F:
            self.hooks.append(DeclaredHook(self, function, targets, kind="relay"))
            return function

        return declare

    def attempt(self, what: str) -> guard.guard:
        """A part of a hook that may fail without taking the rest with it; each part warns once::

        with INTEGRATION.attempt("model"):
            ...
        """
        return guard.guard(f"{self.name}: {what}")

    def warn(self, place: str, message: str) -> None:
        """Tell the user something, once per place."""
        guard.warn(f"{self.name}: {place}", f"{self.name}: {message}")

    def on_start(self, module: str) -> Callable[[Callable[[], Callable[[], None] | None]], Any]:
        """Call once when recording is switched on and ``module`` is imported; what it returns undoes it.

        For frameworks that have hooks of their own.
        """

        def declare(function: Callable[[], Callable[[], None] | None]) -> Any:
            self._started.append((function, module))
            return function

        return declare

    def guarded(self, cls: Any = None, *, default: Any = None) -> Any:
        """A class decorator for callbacks handed to a framework: what their methods raise stops here; a method that
        failed returns ``default``, or its own where that is a mapping."""

        def decorate(cls: _C) -> _C:
            for name, function in list(vars(cls).items()):
                if isinstance(function, FunctionType) and (not name.startswith("__") or name == "__call__"):
                    fallback = default.get(name) if isinstance(default, Mapping) else default
                    setattr(cls, name, _guarded(f"{self.name}: {cls.__name__}.{name}", function, fallback))
            return cls

        return decorate if cls is None else decorate(cls)

    def open_run(self) -> tuple[Run, bool]:
        """The run for a training that no single call spans, and whether the integration is to end it."""
        return training_run(self.name, self.options)

    def child_run(self, parent: Run, name: str, began: int | None = None) -> Run:
        """A run below another for a part of what is recorded there, such as one trial of a search. The integration
        ends it; ``began`` is when it began, in ms since 1970, now if left out."""
        return child_run(self.name, self.options, parent, name, began)

    def autolog(self, **options: Any) -> None:
        """Record this framework from now on, or with ``disable=True`` no longer.

        An option that the integration does not have is an error.
        """
        self.options = self.read_options(options, strict=True)
        self.specific = True
        guard.silent = self.options.silent
        if not settings.disabled():
            self.switch()

    def read_options(self, given: Mapping[str, Any], *, strict: bool) -> Options:
        """The integration's options from keyword arguments; unknown ones are an error or, if not strict, ignored."""
        fields = self.options_class.__dataclass_fields__
        unknown = [name for name in given if name not in fields]
        if unknown and strict:
            raise AutotrackException.invalid(
                f"autotrack.{self.name}.autolog has no option {unknown[0]!r}; it has {', '.join(sorted(fields))}"
            )
        return self.options_class(**{name: value for name, value in given.items() if name in fields})

    def switch(self) -> None:
        """On or off, as the options say."""
        known[self.name] = self
        if self.options.disable:
            self.disable()
        else:
            self.enable()

    def enable(self) -> None:
        """Put the hooks in place, each when its module is imported."""
        if self.enabled:
            return
        self.enabled = True
        if not self.others:
            self.others = frozenset(
                module
                for module, package in registered(INTEGRATIONS).items()
                if module != self.name and package != f"autotrack_{self.name}"
            )
        for hook in self.hooks:
            for target in hook.targets:
                hook.states[target] = "waiting for the import"
                when_imported(target.partition(":")[0], partial(self._install, hook, target))
        for function, module in self._started:
            when_imported(module, partial(self._start, function))
        for name in self.needs:
            when_imported(name, partial(_switch_on, name))

    def disable(self) -> None:
        """Put the very objects back that were there before."""
        self.enabled = False
        for undo in reversed(self._undo):
            with guard.guard(f"{self.name}: disable"):
                undo()
        self._shared, self._undo = {}, []
        for hook in self.hooks:
            hook.states = dict.fromkeys(hook.targets, "off")

    def _start(self, function: Callable[[], Callable[[], None] | None], _module: ModuleType) -> None:
        if self.enabled and self._version_fits():
            undo = function()
            if undo is not None:
                self._undo.append(undo)

    def _install(self, hook: DeclaredHook, target: str, module: ModuleType) -> None:
        if not self.enabled:
            return
        if not self._version_fits():
            hook.states[target] = f"skipped: {self.why_not}"
            return
        from autotrack._installing import install  # loads wrapt: only once there is something to patch

        try:
            self._undo.append(install(hook, target, module, self._shared))
            hook.states[target] = "installed"
        except AttributeError as error:
            hook.states[target] = f"skipped: {error}"
            guard.warn(f"{self.name}: {target}", f"{self.name}: {target} cannot be recorded: {error}")

    def _version_fits(self) -> bool:
        if not self._checked:
            self._checked = True
            with guard.guard(f"{self.name}: version"):
                from autotrack._versions import problem  # loads packaging: only for a framework that is in use

                self.why_not, fatal = problem(self.distribution, self.supports)
                if self.why_not:
                    guard.warn(f"{self.name}: version", self.why_not)
                if not fatal and not self.options.disable_for_unsupported_versions:
                    self.why_not = ""
        return not self.why_not


def _switch_on(name: str, _module: ModuleType) -> None:
    integration: Integration = import_module(f"autotrack_{name}").INTEGRATION
    known[integration.name] = integration
    integration.enable()


known: dict[str, Integration] = {}
"""The integrations that were switched on in this process, by name."""


def _guarded(site: str, function: FunctionType, default: Any) -> Any:
    @wraps(function)
    def method(*args: Any, **kwargs: Any) -> Any:
        if guard.tripped(site):
            return default
        try:
            result = function(*args, **kwargs)
        except Exception as error:
            if guard.strict():
                raise
            guard.failed(site, error)
            return default
        guard.succeeded(site)
        return result

    return method
