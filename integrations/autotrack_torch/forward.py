"""What a model takes and gives, from one call that the program makes itself."""

from __future__ import annotations

import inspect
import sys
import threading
import weakref
from functools import partial
from typing import Any

import torch
from torch.compiler import is_dynamo_compiling

from autotrack.models import ModelSignature
from autotrack.models.signature import schema
from autotrack_torch.integration import INTEGRATION
from autotrack_torch.standin import hide  # noqa: F401 - the covering function asks for it by name

_watched: dict[type, list[weakref.ref[Forward]]] = {}
_lock = threading.Lock()
_OWN = "autotrack_own"
"""Under this name a covering function keeps what was there before."""


class Forward:
    """Looks at single calls of a model, through its class, so that the model itself stays as it is.

    At first it waits for the call from which the signature is taken; later, in each pass, for the first one.
    """

    def __init__(self, model: Any) -> None:
        self.signature: ModelSignature | None = None
        self.model = weakref.ref(model)
        self.called = False
        """Whether it was ever seen being called; a compiled model is not."""
        self.heard = False
        """Whether it was called since `listen`."""
        self._class: type = type(model)
        self._due = True
        self.listen()

    def listen(self) -> None:
        """Wait for the next call."""
        self.heard = False
        with _lock:
            waiting = _watched.setdefault(self._class, [])
            if all(ref() is not self for ref in waiting):
                waiting.append(weakref.ref(self))
            if len(waiting) == 1:
                _cover(self._class)

    def look(self, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """A model of the class was called."""
        if self.model() is not model:
            return
        self.called = self.heard = True
        if self._due and torch.is_grad_enabled():
            self._due = False
            inputs = _named(model, args, kwargs)
            if inputs is not None:
                self.signature = ModelSignature(_schema(inputs), _schema(result))
        if not self._due:
            self.stop()

    def stop(self) -> None:
        """Wait no longer."""
        self._due = False
        _leave(self._class, self)


def _leave(cls: type, leaving: Forward | None = None) -> None:
    """Take one, and those that are gone, off those that wait for calls of a class."""
    with _lock:
        waiting = _watched.get(cls)
        if waiting is None:
            return
        waiting[:] = [ref for ref in waiting if ref() not in (None, leaving)]
        if not waiting:
            del _watched[cls]
            _uncover(cls)


def stop_all() -> None:
    """Look at nothing any longer."""
    with _lock:
        for cls in list(_watched):
            del _watched[cls]
            _uncover(cls)


def _cover(cls: Any) -> None:
    own = vars(cls).get("__call__")

    # A class that is pickled by value, as that of a notebook is, takes this along to where autotrack may not be: it
    # refers to nothing of ours but by name.
    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807 - it takes this very method's place
        call = partial(own, self) if own is not None else super(cls, self).__call__
        if is_dynamo_compiling():
            return call(*args, **kwargs)
        ours = sys.modules.get("autotrack_torch.forward")
        try:
            result = call(*args, **kwargs)
        except BaseException as error:
            if ours is not None:
                ours.hide(error)
            raise
        if ours is not None:
            ours.called(self, args, kwargs, result)
        return result

    vars(__call__)[_OWN] = own
    cls.__call__ = __call__


def _uncover(cls: Any) -> None:
    ours = vars(cls).get("__call__")
    if _OWN not in getattr(ours, "__dict__", ()):
        return  # somebody else has replaced it meanwhile
    own = vars(ours)[_OWN]
    if own is None:
        del cls.__call__
    else:
        cls.__call__ = own


def called(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
    """A model was called."""
    for ref in _watched.get(type(model), [])[:]:
        forward = ref()
        with INTEGRATION.attempt("signature"):
            if forward is not None:
                forward.look(model, args, kwargs, result)
            else:
                _leave(type(model))


def _named(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """One tensor, or several by the names of their parameters; ``None`` where the call takes more than tensors."""
    if len(args) == 1 and not kwargs:
        return args[0]
    bound = inspect.signature(model.forward).bind(*args, **kwargs)
    return dict(bound.arguments)


def _schema(data: Any) -> list[dict[str, Any]] | None:
    """The tensors in a call's data, without anything else; ``None`` if it has no word for them."""
    if isinstance(data, torch.Tensor):
        return schema(data) if data.dim() else None
    if isinstance(data, dict) and data and all(isinstance(one, torch.Tensor) and one.dim() for one in data.values()):
        return schema(data)
    return None
