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

_MOST = 4
"""Models that may be called between two losses and are told apart."""
_watched: dict[type, list[weakref.ref[Forward]]] = {}
_lock = threading.Lock()
_OWN = "autotrack_own"
"""Under this name a covering function keeps what was there before."""


class _Here(threading.local):
    """What one thread has called without gradients, of the classes that are watched."""

    def __init__(self) -> None:
        self.calls: list[weakref.ref[Any]] = []


_here = _Here()


class Forward:
    """Looks at single calls of a model, through its class, so that the model itself stays as it is.

    At first it waits for the call from which the signature is taken; later, in each pass, for the first one.
    """

    def __init__(self, model: Any) -> None:
        self.signature: ModelSignature | None = None
        self.autocast = ""
        """The type of number that autocast has the model compute in; empty without it."""
        self.model = weakref.ref(model)
        self.called = False
        """Whether it was ever seen being called; a compiled model is not."""
        self.heard = False
        """Whether it was called since `listen`."""
        self._class: type = type(model)
        self.due = True
        """Whether its first call is still waited for."""
        self._stays = False
        self.listen()

    def listen(self, *, stay: bool = False) -> None:
        """Wait for the next call, or for all of them."""
        self.heard, self._stays = False, stay
        with _lock:
            waiting = _watched.setdefault(self._class, [])
            if all(ref() is not self for ref in waiting):
                waiting.append(weakref.ref(self))
            if not _covered(self._class):
                _cover(self._class)

    def look(self, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """A model of the class was called."""
        if self.model() is not model:
            return
        self.called = self.heard = True
        if self.due and torch.is_grad_enabled():
            self.due = False
            self.autocast = _autocast(result)
            inputs = _named(model, args, kwargs)
            if inputs is not None:
                self.signature = ModelSignature(_schema(inputs), _schema(result))
        if not self.due and not self._stays:
            self.stop()

    def stop(self) -> None:
        """Wait no longer."""
        self.due = self._stays = False
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


def _covered(cls: type) -> bool:
    return _OWN in getattr(vars(cls).get("__call__"), "__dict__", ())


def _cover(cls: Any) -> None:
    own = vars(cls).get("__call__")
    inherited = super(cls, cls).__call__

    # A class that is pickled by value, as that of a notebook is, takes this along to where autotrack may not be: it
    # refers to nothing of ours but by name.
    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807 - it takes this very method's place
        if is_dynamo_compiling():  # it takes what `super` gives here for this very function
            return (own or inherited)(self, *args, **kwargs)
        call = partial(own, self) if own is not None else super(cls, self).__call__
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
    if not _covered(cls):
        return  # somebody else has replaced it meanwhile
    own = vars(vars(cls)["__call__"])[_OWN]
    if own is None:
        del cls.__call__
    else:
        cls.__call__ = own


def called(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
    """A model was called."""
    if not torch.is_grad_enabled() and len(_here.calls) < _MOST and all(ref() is not model for ref in _here.calls):
        _here.calls.append(weakref.ref(model))
    for ref in _watched.get(type(model), [])[:]:
        forward = ref()
        with INTEGRATION.attempt("signature"):
            if forward is not None:
                forward.look(model, args, kwargs, result)
            else:
                _leave(type(model))


def calls() -> list[Any]:
    """The models that this thread has called without gradients since `forget`; of any others nothing is known."""
    return [model for ref in _here.calls if (model := ref()) is not None]


def forget() -> None:
    """Begin anew."""
    _here.calls.clear()


def _autocast(result: Any) -> str:
    """The type that autocast is set to where a result has come about just now."""
    tensor = next((found for found in _tensors(result) if isinstance(found, torch.Tensor)), None)
    kind = tensor.device.type if tensor is not None else ""
    on = kind and torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
    return str(torch.get_autocast_dtype(kind)).removeprefix("torch.") if on else ""


def _tensors(result: Any) -> list[Any]:
    if isinstance(result, dict):  # as the outputs of Hugging Face's models are
        return list(result.values())
    return list(result) if isinstance(result, tuple | list) else [result]


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
