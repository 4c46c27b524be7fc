"""One call of a hooked function, as the author of an integration sees it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

from autotrack import current
from autotrack.options import Options
from autotrack.run import Run

_signatures: WeakKeyDictionary[Any, inspect.Signature] = WeakKeyDictionary()


class Call:
    """A call that is being recorded. ``args`` and ``kwargs`` are the user's own; look, do not touch: change the call
    with :meth:`replace`."""

    __slots__ = (
        "_arguments",
        "_run",
        "args",
        "duration",
        "error",
        "function",
        "hosts",
        "instance",
        "integration",
        "kwargs",
        "options",
        "outer",
        "owns_run",
    )  # fmt: skip

    def __init__(
        self,
        integration: str,
        options: Options,
        function: Any,
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        outer: Call | None = None,
        *,
        hosts: bool = False,
    ) -> None:
        self.integration = integration
        self.options = options
        self.function = function
        self.instance = instance
        self.args = args
        self.kwargs = kwargs
        self.outer = outer
        self.duration = 0.0
        """Seconds that the framework's own function took; known after the ``yield``."""
        self.error: BaseException | None = None
        """What the framework raised; known to a hook that is closed instead of resumed."""
        self.hosts = hosts
        """Whether what is trained inside the call is recorded too, as against being a part of it."""
        self.owns_run = False
        """Whether the run ends with the call; a hook that ends it later says no."""
        self._arguments: Mapping[str, Any] | None = None
        self._run: Run | None = None

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments by parameter name, defaults filled in; those of ``**kwargs`` stand beside the others."""
        if self._arguments is None:
            signature = _signature(self.function)
            try:
                bound = signature.bind(*self.args, **self.kwargs)
            except TypeError:  # frameworks take keywords by position too, with a warning, while they deprecate that
                signature = _by_position(signature)
                bound = signature.bind(*self.args, **self.kwargs)
            bound.apply_defaults()
            found = dict(bound.arguments)
            for name, parameter in signature.parameters.items():
                if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                    found.update(found.pop(name))
            self._arguments = MappingProxyType(found)
        return self._arguments

    def replace(self, **changes: Any) -> None:
        """Call the framework with other values for these parameters. The user's own objects stay as they are."""
        args, kwargs = list(self.args), dict(self.kwargs)
        names = list(_signature(self.function).parameters)
        for name, value in changes.items():
            # As the user passed it, by position or by name: a framework may look at that.
            if name in names[: len(args)] and name not in kwargs:
                args[names.index(name)] = value
            else:
                kwargs[name] = value
        self.args, self.kwargs = tuple(args), kwargs

    @property
    def run(self) -> Run:
        """The run that this call is recorded in; opened when it is first asked for.

        It is the run that the program has open, if this is the first training in it; a second one gets a run below
        it, so that the two do not mix. Without one the call gets a run that ends with it.
        """
        if self._run is None:
            if self.outer is not None:
                self._run = self.outer.run
            else:
                self._run, self.owns_run = training_run(self.integration, self.options)
                self._run.hosts |= self.hosts
        return self._run

    def below(self, parent: Run, name: str) -> Run:
        """Open this call's run below another one, instead of where :attr:`run` would; asked for once, before it."""
        self._run, self.owns_run = child_run(self.integration, self.options, parent, name), True
        self._run.hosts = self.hosts
        return self._run

    @property
    def opened(self) -> Run | None:
        """The run, if it has been asked for."""
        return self._run


inside: ContextVar[Call | str | None] = ContextVar("autotrack_inside", default=None)
"""The recorded call around what happens now; a text where the mark came with a task from another worker."""


def training_run(integration: str, options: Options) -> tuple[Run, bool]:
    """The run for a training that begins now, and whether the integration is to end it."""
    ambient = current.host()
    if ambient is not None and ambient.claim():
        return ambient, False
    run = child_run(integration, options, ambient)
    run.claim()
    return run, True


def child_run(
    integration: str, options: Options, parent: Run | None, name: str | None = None, began: int | None = None
) -> Run:
    """A new run below another; the integration ends it."""
    return current.start(
        name,
        parent=parent,
        experiment=parent.experiment if parent else None,
        tags={**(options.extra_tags or {}), "mlflow.autologging": integration},
        activate=False,
        managed=True,
        began=began,
    )


def _by_position(signature: inspect.Signature) -> inspect.Signature:
    either = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return signature.replace(
        parameters=[
            parameter.replace(kind=either) if parameter.kind is inspect.Parameter.KEYWORD_ONLY else parameter
            for parameter in signature.parameters.values()
        ]
    )


def _signature(function: Any) -> inspect.Signature:
    plain = getattr(function, "__func__", function)
    if type(function).__name__ == "PartialCallableObjectProxy":
        plain = function.__wrapped__  # wrapt's, for `Class.method(instance)`: bound, though it does not look so
    try:
        signature = _signatures.get(plain)
        if signature is None:
            signature = _signatures[plain] = inspect.signature(plain)
    except TypeError:  # a callable that takes no weak reference
        return inspect.signature(function)
    if plain is function:
        return signature
    return signature.replace(parameters=list(signature.parameters.values())[1:])
