"""The weights of a model at the moment when the program drops it.

A model is gone before its modules are, and these before their tensors: when the reference to the model says that it is
gone, the modules can still be asked. That is all that happens then; nothing is copied or written.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch

from autotrack_torch import owner
from autotrack_torch.reading import unseen

Optimizers = Callable[[], list[Any]]
"""Gives the optimizers of a training that are alive."""


class Remains:
    """Knows a model's modules weakly, and by which names its weights go."""

    def __init__(self, model: Any, optimizers: Optimizers) -> None:
        self._optimizers = optimizers
        self._modules: list[tuple[str, weakref.ref[Any]]] = []
        self._own: list[tuple[str, int]] = []
        """The weights that lie in the model itself, which is gone first: an optimizer has them, if it is there."""
        self.whole = False
        """Whether these are all weights that the model saves."""
        with torch.no_grad(), unseen():
            saved = list(model.state_dict(keep_vars=True))
        for prefix, module in model.named_modules(remove_duplicate=False):
            if module is not model:
                self._modules.append((f"{prefix}.", weakref.ref(module)))
        self._own = [(name, id(tensor)) for name, tensor in _weights(model)]
        names = [name for name, _ in self._own]
        for prefix, ref in self._modules:
            names += [prefix + name for name, _ in _weights(ref())]
        self.whole = sorted(names) == sorted(saved)
        self._ids = {id(module) for module in model.modules()}
        owner.listed |= self._ids
        owner.altered -= self._ids

    def same(self, model: Any) -> bool:
        """Whether the model's modules are still these."""
        modules = [module for _, module in model.named_modules(remove_duplicate=False)][1:]
        return len(modules) == len(self._modules) and all(
            ref() is module for (_, ref), module in zip(self._modules, modules, strict=True)
        )

    def forget(self) -> None:
        """It is no longer of interest what is done to the modules."""
        owner.listed -= self._ids

    def state(self) -> dict[str, torch.Tensor] | None:
        """The weights by name, no copies; ``None`` where some are gone, or a module was put into the model since."""
        if not self.whole or not self._ids.isdisjoint(owner.altered):
            return None
        found: dict[str, torch.Tensor] = {}
        given: dict[int, Any] = {}
        if self._own:
            groups = [group for optimizer in self._optimizers() for group in optimizer.param_groups]
            given = {id(tensor): tensor for group in groups for tensor in group["params"]}
        for name, key in self._own:
            if key not in given:
                return None
            found[name] = given[key]
        for prefix, ref in self._modules:
            module = ref()
            if module is None:
                return None
            for name, tensor in _weights(module):
                found[prefix + name] = tensor
        with torch.no_grad(), unseen():
            return {name: tensor.detach() for name, tensor in found.items()}


def _weights(module: Any) -> list[tuple[str, Any]]:
    """A module's own parameters and the buffers that it saves."""
    held = vars(module)
    left = held.get("_non_persistent_buffers_set", ())
    found = [*held["_parameters"].items(), *((n, b) for n, b in held["_buffers"].items() if n not in left)]
    return [(name, tensor) for name, tensor in found if tensor is not None]
