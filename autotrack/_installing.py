"""Putting declared hooks in place, now that the framework is there."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import reduce
from inspect import isfunction
from types import ModuleType
from typing import TYPE_CHECKING, Any

from autotrack._patch import Patched, is_ours, patch, replace
from autotrack.guard import guard

if TYPE_CHECKING:
    from autotrack.hooks import DeclaredHook


def install(hook: DeclaredHook, target: str, module: ModuleType, shared: dict[int, Any]) -> Callable[[], object]:
    """Put a hook in place at ``"module:Class.method"``, or on a class and its subclasses; returns what undoes it.

    Raises ``AttributeError`` where there is no such thing.
    """
    *path, name = target.partition(":")[2].split(".")
    if name.endswith("]"):
        name, _, variable = name[:-1].partition("[")
        if name == "*":
            return _wrap_all_inside(hook, module, variable)
        return _wrap_inside(hook, reduce(getattr, [*path, name], module), variable)
    if not hook.methods:
        owner = reduce(getattr, path, module)
        return patch(owner, name, hook.wrapper, hook.active, shared, hot=hook.kind == "watch").revert
    return _Family(hook, reduce(getattr, [*path, name], module)).revert  # type: ignore[arg-type]  # a class by contract


def _wrap_inside(hook: DeclaredHook, decorated: Any, variable: str) -> Callable[[], None]:
    """Wrap the function that a decorator's wrapper calls: whoever has the wrapper, since whenever, comes by here."""
    free = getattr(getattr(decorated, "__code__", None), "co_freevars", ())
    if variable not in free:
        raise AttributeError(f"{getattr(decorated, '__qualname__', decorated)!r} has no variable {variable!r} inside")
    cell = decorated.__closure__[free.index(variable)]
    original = cell.cell_contents
    wrapped = cell.cell_contents = Patched(original, hook.wrapper, hook.active)

    def undo() -> None:
        if cell.cell_contents is wrapped:
            cell.cell_contents = original

    return undo


def _wrap_all_inside(hook: DeclaredHook, module: ModuleType, variable: str) -> Callable[[], None]:
    functions = {id(value): value for name in module.__all__ if isfunction(value := getattr(module, name))}
    decorated = [value for value in functions.values() if variable in value.__code__.co_freevars]
    if not decorated:
        raise AttributeError(f"no function of {module.__name__} has a variable {variable!r} inside")
    undos = [_wrap_inside(hook, function, variable) for function in decorated]

    def undo() -> None:
        for one in undos:
            one()

    return undo


class _Family:
    """A base class whose descendants are patched: those that exist, and those to come as they are defined."""

    def __init__(self, hook: DeclaredHook, base: type) -> None:
        self._hook = hook
        self._base = base
        self._covered: weakref.WeakSet[type] = weakref.WeakSet()
        for cls in _tree(base):
            self._cover(cls)
        self._watch = replace(base, "__init_subclass__", classmethod(self._hook_into(base)))

    def _hook_into(self, base: Any) -> Callable[..., None]:
        before = vars(base).get("__init_subclass__")

        def __init_subclass__(cls: Any, **kwargs: Any) -> None:  # noqa: N807 - it takes this very method's place
            if before is not None:
                before.__get__(None, cls)(**kwargs)
            else:
                super(base, cls).__init_subclass__(**kwargs)
            self._cover(cls)

        return __init_subclass__

    def _cover(self, cls: type) -> None:
        looks = self._hook.kind == "watch"
        if (not looks and self._belongs_elsewhere(cls)) or (self._hook.unless and self._hook.unless(cls)):
            return
        for method in self._hook.methods:
            owner = cls if method in vars(cls) else self._mixin(cls, method)
            own = vars(owner).get(method)
            if own is not None and not isinstance(own, property) and not is_ours(own):  # a property says "not here"
                with guard(f"{self._hook.site}: {owner.__qualname__}"):
                    patch(owner, method, self._hook.wrapper, self._hook.active, {}, hot=self._hook.kind == "watch")
                    self._covered.add(owner)

    def _mixin(self, cls: type, method: str) -> type:
        """The class beside the family that a method to be looked at is inherited from."""
        if self._hook.kind == "watch":
            for parent in cls.__mro__:
                if method in vars(parent):
                    return cls if issubclass(parent, self._base) else parent
        return cls

    def _belongs_elsewhere(self, cls: type) -> bool:
        """Whether it descends from the base through a class of a framework that another integration records."""
        others = self._hook.integration.others
        return any(
            self._base in parent.__mro__ and str(getattr(parent, "__module__", "")).partition(".")[0] in others
            for parent in cls.__mro__
        )

    def revert(self) -> None:
        """Put the very methods back."""
        self._watch.revert()
        for cls in list(self._covered):
            for method in self._hook.methods:
                if is_ours(wrapper := vars(cls).get(method)):
                    setattr(cls, method, wrapper.__wrapped__)  # type: ignore[union-attr]  # is_ours: a wrapper


def _tree(base: type) -> list[type]:
    found: dict[type, None] = {}
    waiting = [base]
    while waiting:
        cls = waiting.pop()
        if cls not in found:
            found[cls] = None
            waiting += type.__subclasses__(cls)
    return list(found)
