"""Which model an optimizer trains: the module that its parameters belong to."""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import GeneratorType
from typing import Any

from autotrack.hooks import weak
from autotrack_torch.integration import INTEGRATION
from autotrack_torch.labels import attribute, called

_WRAPPERS = ("torch._dynamo.", "torch.nn.parallel.", "torch.distributed.")
_parents: dict[int, tuple[weakref.ref[Any], weakref.ref[Any]]] = {}
"""For each module that was put into another one: itself and the other one, by ``id``."""
_TENSORS = 10_000
"""Parameters of a group whose owner is looked for."""
_HOLDERS = 16
_trained: dict[int, weakref.ref[Any]] = {}
"""The models that are or were trained, by ``id``."""
listed: set[int] = set()
"""Modules of which it is of interest whether another one is put into them, by ``id``."""
altered: set[int] = set()
"""Those of them where that has happened."""
_clock = itertools.count(1)


class Built:
    """What was known of an optimizer when it was built."""

    __slots__ = ("born", "called", "forwards", "modules", "ref", "schedule", "thread")

    def __init__(self, optimizer: Any, modules: list[weakref.ref[Any]]) -> None:
        key = id(optimizer)

        def forget(_: Any) -> None:
            built.pop(key, None)
            unstepped.pop(key, None)

        self.ref = weak(optimizer, forget)
        self.modules = modules
        self.called = ""
        """What the program calls the module."""
        self.born = now()
        self.thread = threading.get_ident()
        self.schedule: dict[str, Any] = {}
        """Settings of what changes its learning rate."""
        self.forwards: list[Any] = []
        """What looks at the first call of each model."""


built: dict[int, Built] = {}
"""The optimizers that are alive and were seen when they were built, by ``id``."""
unstepped: dict[int, Built] = {}
"""Those of them that belong to no training yet."""


def now() -> int:
    """A number that grows; to tell what came first."""
    return next(_clock)


def remember(optimizer: Any, modules: list[weakref.ref[Any]]) -> Built:
    """An optimizer was built of these modules' parameters."""
    facts = built[id(optimizer)] = unstepped[id(optimizer)] = Built(optimizer, modules)
    with INTEGRATION.attempt("what a model is called"):
        facts.called = _called(optimizer, modules)
    return facts


def label_of(optimizer: Any, models: list[Any], others: list[Any]) -> str:
    """A name for what an optimizer trains: the class of its model, or what the program calls it where that says nothing
    (a class of torch's own) or ``others``, models that are trained beside it, are of the same class."""
    if not models:
        return type(optimizer).__name__
    kind = type(models[0])
    facts = built.get(id(optimizer))
    told = facts.called if facts is not None else ""
    alike = any(type(other) is kind for other in others if other is not models[0])
    if told and (alike or kind.__module__.startswith("torch.")):
        return told
    return kind.__name__


def models_waiting(thread: int) -> list[Any]:
    """The models of the optimizers that have not stepped yet."""
    return [model for facts in waiting(thread) for model in models_of(facts.ref())]


def _called(optimizer: Any, modules: list[weakref.ref[Any]]) -> str:
    found = [module for ref in modules if (module := ref()) is not None] or models_of(optimizer)
    if not found:
        return ""
    known = _parents.get(id(found[0]))
    parent = known[1]() if known is not None and known[0]() is found[0] else None
    return called(found[0]) or attribute(parent, found[0])


def is_trained(model: Any) -> bool:
    """Whether a model, or what it is in, is trained or was."""
    known = _trained.get(id(whole := outermost(model)))
    return known is not None and known() is whole


def trained(model: Any) -> None:
    """A model is trained."""
    key = id(model)
    _trained[key] = weak(model, lambda _: _trained.pop(key, None))


def waiting(thread: int) -> list[Built]:
    """The optimizers that a thread has built and that are alive and have not stepped yet, oldest first."""
    if not unstepped:
        return []
    mine = [facts for facts in list(unstepped.values()) if facts.thread == thread]
    return [facts for facts in mine if facts.ref() is not None]


def enrolled(optimizer: Any) -> Built | None:
    """An optimizer belongs to a training now; what was known of it when it was built."""
    unstepped.pop(id(optimizer), None)
    return built.get(id(optimizer))


class Watched:
    """The first parameter that an optimizer really changes, as long as the optimizer lives.

    There is no weak reference to the parameter itself: torch refuses to exchange a tensor that has one, as
    `Module.to` does where it is set to.
    """

    __slots__ = ("_ref", "group", "index")

    def __init__(self, optimizer: Any, group: int, index: int) -> None:
        self._ref = weakref.ref(optimizer)
        self.group, self.index = group, index

    def __call__(self) -> Any:
        optimizer = self._ref()
        try:
            return None if optimizer is None else optimizer.param_groups[self.group]["params"][self.index]
        except LookupError:  # the program has put other groups there
            return None


def watched(optimizer: Any) -> Watched | None:
    """What tells by its version whether an optimizer has stepped; ``None`` where nothing requires gradients."""
    for at, group in enumerate(optimizer.param_groups):
        for index, tensor in enumerate(group["params"]):
            if tensor.requires_grad:
                return Watched(optimizer, at, index)
    return None


def newest(thread: int) -> Watched | None:
    """The same of the optimizer that a thread built last, if it is alive."""
    for facts in reversed(list(built.values())):
        optimizer = facts.ref()
        if optimizer is not None and facts.thread == thread:
            return watched(optimizer)
    return None


def modules_behind(parameters: Any) -> list[weakref.ref[Any]]:
    """The modules whose ``parameters()`` an optimizer is being given; nothing is taken from the iterator."""
    found: list[Any] = []
    for source in _sources(parameters):
        module = _of_generator(source)
        if module is not None and all(module is not known for known in found):
            found.append(module)
    return [weakref.ref(module) for module in found]


def models_of(optimizer: Any) -> list[Any]:
    """The models that an optimizer trains: the outermost module around each, without the wrappers of torch's own."""
    facts = built.get(id(optimizer))
    modules = [module for ref in facts.modules if (module := ref()) is not None] if facts else []
    if not modules:
        modules = _holders(optimizer)
    found: list[Any] = []
    for module in modules:
        model = outermost(module)
        if all(model is not known for known in found):
            found.append(model)
    return found


def watch() -> Callable[[], None]:
    """Note from now on which module is put into which; returns what ends that."""
    from torch.nn.modules.module import register_module_module_registration_hook  # torch is loaded when this is called

    return register_module_module_registration_hook(_note_parent).remove


def _note_parent(parent: Any, _name: str, child: Any) -> None:
    if child is None:
        return
    key = id(child)
    if id(parent) in listed:
        altered.add(id(parent))
    try:
        _parents[key] = (weak(child, lambda _: _parents.pop(key, None)), weakref.ref(parent))
    except Exception as error:  # noqa: BLE001 - whatever a program makes a module of
        INTEGRATION.warn("module tree", f"a {type(child).__name__} takes no weak reference ({error})")


def outermost(module: Any) -> Any:
    """The module around a module that is in no other one, without the wrappers of torch's own."""
    seen: set[int] = set()
    while id(module) not in seen:
        seen.add(id(module))
        known = _parents.get(id(module))
        parent = known[1]() if known is not None and known[0]() is module else None
        if parent is None or type(parent).__module__.startswith(_WRAPPERS):
            break
        module = parent
    while type(module).__module__.startswith(_WRAPPERS):
        inner = getattr(module, "_orig_mod", None) or getattr(module, "module", None)
        if inner is None:
            break
        module = inner
    return module


def holders(module: Any) -> list[Any]:
    """The modules that a module is in, innermost first."""
    found: list[Any] = []
    while len(found) < _HOLDERS:
        known = _parents.get(id(module))
        module = known[1]() if known is not None and known[0]() is module else None
        if module is None:
            break
        found.append(module)
    return found


def wrappers_of(model: Any) -> list[Any]:
    """Torch's own wrappers around a model."""
    found: list[Any] = []
    while len(found) < 4:
        known = _parents.get(id(model))
        model = known[1]() if known is not None and known[0]() is model else None
        if model is None or not type(model).__module__.startswith(_WRAPPERS):
            break
        found.append(model)
    return found


def _holders(optimizer: Any) -> list[Any]:
    """The modules that hold an optimizer's parameters, among those that were seen being put together."""
    wanted = {id(tensor) for group in optimizer.param_groups for tensor in group["params"][:_TENSORS]}
    found: list[Any] = []
    seen: set[int] = set()
    for refs in list(_parents.values()):
        for ref in refs:
            module = ref()
            if module is not None and id(module) not in seen:
                seen.add(id(module))
                own = vars(module).get("_parameters", {})
                if any(id(tensor) in wanted for tensor in own.values()):
                    found.append(module)
    return found


def _sources(parameters: Any) -> Iterator[Any]:
    if isinstance(parameters, Mapping):
        yield parameters.get("params")
    elif isinstance(parameters, list | tuple):
        for group in itertools.islice(parameters, 64):
            if isinstance(group, Mapping):
                yield group.get("params")
    else:
        yield parameters


def _of_generator(source: Any) -> Any:
    """The module of ``module.parameters()`` that has not been begun, also inside a ``filter`` or another generator."""
    for _ in range(4):
        frame = getattr(source, "gi_frame", None)
        if frame is not None:
            given = frame.f_locals
            if isinstance(given.get(".0"), GeneratorType):  # a generator expression over another one
                source = given[".0"]
                continue
            owner = given.get("self")
            return owner if callable(getattr(owner, "named_parameters", None)) else None
        if type(source) is not filter:
            return None
        parts: Any = source.__reduce__()  # looks inside, takes nothing
        source = parts[1][1]
    return None


def parameters_of(models: Iterable[Any]) -> set[int]:
    """The ``id`` of each parameter."""
    return {id(tensor) for model in models for tensor in model.parameters()}
