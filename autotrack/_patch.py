"""Putting a wrapper in a function's place, and the very same function back. The only file that imports wrapt."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import wrapt

Wrapper = Callable[[Any, Any, tuple[Any, ...], dict[str, Any]], Any]
"""Called with ``(wrapped, instance, args, kwargs)``."""


class _Bound(wrapt.BoundFunctionWrapper[Any, Any]):
    def __reduce_ex__(self, protocol: Any) -> Any:
        owner = self._self_instance if self._self_instance is not None else self._self_owner
        return getattr, (owner, self.__wrapped__.__name__)

    def __reduce__(self) -> Any:
        return self.__reduce_ex__(2)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        reduce, (owner, name) = self.__reduce_ex__(2)
        import copy  # a few hundred microseconds that only a deep copy of a bound method needs

        return reduce(copy.deepcopy(owner, memo), name)


class Patched(wrapt.FunctionWrapper[Any, Any]):
    """Our wrapper: recognisable, and pickled by import path like the function that it stands for, so that a pickle
    does not need autotrack to load."""

    __bound_function_wrapper__ = _Bound

    def __reduce_ex__(self, protocol: Any) -> Any:
        if inspect.ismethod(self.__wrapped__):  # such as random.seed, a method of an object that has no name
            return self.__wrapped__.__reduce_ex__(protocol)
        return str(self.__wrapped__.__qualname__)

    def __reduce__(self) -> Any:
        return str(self.__wrapped__.__qualname__)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self


_get = wrapt.FunctionWrapper.__get__  # found once: this is looked up at every call of a method


class Method(Patched):
    """A wrapper of a class's function that the class hands out as the same object each time, as it does the function:
    cloudpickle goes by that, and pickles a function that is not found again with all that it refers to. A call on an
    instance takes 0.2 µs longer for it."""

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        bound: Any = _get(self, instance, owner)
        if instance is not None or vars(owner).get(self.__wrapped__.__name__) is not self:
            return bound
        try:
            return self._self_handed_out
        except AttributeError:
            self._self_handed_out = bound
            return bound


@dataclass(frozen=True, slots=True)
class Patch:
    """One attribute that was replaced. ``owned`` says whether the owner defined it itself or inherited it."""

    owner: Any
    attribute: str
    original: Any
    owned: bool
    wrapper: Any

    def revert(self) -> bool:
        """Put the original back; a stranger's later patch stays where it is, and then ours only passes through."""
        if vars(self.owner).get(self.attribute) is not self.wrapper:
            return False
        if self.owned:
            setattr(self.owner, self.attribute, self.original)
        else:
            delattr(self.owner, self.attribute)
        return True


def patch(
    owner: Any,
    attribute: str,
    wrapper: Wrapper,
    enabled: Callable[[], bool],
    shared: dict[int, Patched],
    *,
    hot: bool = False,
) -> Patch:
    """Wrap ``owner.attribute``; names for one function share one wrapper, so that it still pickles by identity.
    Of a ``hot`` method, each tenth of a microsecond counts.

    Raises ``AttributeError`` where there is no such attribute.
    """
    original = inspect.getattr_static(owner, attribute)
    owned = attribute in vars(owner)
    if is_ours(original) and any(original is wrapped for wrapped in shared.values()):
        # A name that took over another one's wrapper, because its module was imported later.
        return Patch(owner, attribute, original.__wrapped__, owned, original)
    wrapped = shared.get(id(original))
    if wrapped is None:
        kind = Method if inspect.isfunction(original) and inspect.isclass(owner) and not hot else Patched
        wrapped = shared[id(original)] = kind(original, wrapper, enabled)
    setattr(owner, attribute, wrapped)
    return Patch(owner, attribute, original, owned, wrapped)


def replace(owner: Any, attribute: str, new: Any) -> Patch:
    """Put any object in an attribute's place."""
    original = inspect.getattr_static(owner, attribute, None)
    owned = attribute in vars(owner)
    setattr(owner, attribute, new)
    return Patch(owner, attribute, original, owned, new)


def is_ours(value: Any) -> bool:
    """Whether an attribute, taken from its owner's ``__dict__``, is a wrapper of ours."""
    return issubclass(type(value), Patched)  # isinstance would ask the function inside
