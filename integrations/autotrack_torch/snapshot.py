"""A copy of a model's weights, and of its structure, from which the model can be built again."""

from __future__ import annotations

import io
import pickle
import time
from typing import Any

import torch

from autotrack.hooks import Run

_BYTES = 128 * 1024 * 1024
"""Weights that are copied at most."""
_SPEED = 4e9
_EACH = 4e-6
_STRUCTURE = 4 * 1024 * 1024
_SECONDS = 0.05
"""Of this thread's own time: what others take of the machine does not count."""


Structure = tuple[bytes, list[Any]]
"""A pickled model, and what stands for its tensors."""


class Snapshot:
    """The weights of one moment."""

    def __init__(self, state: dict[str, torch.Tensor], structure: Structure | None) -> None:
        self.state = state
        self.structure = structure

    def module(self) -> Any:
        """The model, built anew; ``None`` where that is not possible."""
        if self.structure is None:
            return None
        text, tensors = self.structure
        try:
            module = _Reader(io.BytesIO(text), tensors).load()
            module.load_state_dict(self.state)
        except Exception:  # noqa: BLE001 - its class may be gone, or refuse in any way; the weights are kept anyhow
            return None
        return module

    def same(self, model: Any) -> bool:
        """Whether a model has these weights."""
        state = model.state_dict()
        return all(torch.equal(tensor, state[name]) for name, tensor in self.state.items() if name in state)

    def write(self, run: Run, path: str) -> None:
        """Keep the weights alone among a run's files."""
        from safetensors.torch import save  # heavy, and only where a model cannot be kept whole

        run.text(save({name: tensor.contiguous() for name, tensor in self.state.items()}), path)


def plain(model: Any) -> bool:
    """Whether a model's weights are there, whole, in this process: not spread over several, not yet to be made."""
    return all(
        type(tensor) in (torch.nn.Parameter, torch.Tensor, getattr(torch.nn, "Buffer", None)) and not tensor.is_meta
        for tensor in (*model.parameters(), *model.buffers())
    )


def cost(model: Any) -> float:
    """About how many seconds a snapshot would take; infinite for one that is too large."""
    if not plain(model):
        return float("inf")
    size = count = 0
    for tensor in (*model.parameters(), *model.buffers()):
        size += tensor.numel() * tensor.element_size()
        count += 1
    return float("inf") if size > _BYTES else size / _SPEED + count * _EACH


def take(model: Any, before: Snapshot | None, structure: Structure | None = None) -> Snapshot:
    """Copy the weights now, into the place of the snapshot before."""
    with torch.no_grad():
        return Snapshot(_state(model, before.state if before is not None else None), structure)


def _state(model: Any, into: dict[str, torch.Tensor] | None = None) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = {}
    for name, tensor in model.state_dict().items():
        if isinstance(tensor, torch.Tensor):
            old = into.get(name) if into else None
            if old is not None and old.shape == tensor.shape and old.dtype == tensor.dtype:
                found[name] = old.copy_(tensor)
            else:
                found[name] = tensor.detach().clone()
    return found


def structure_of(model: Any) -> Structure | None:
    """A model without the weights that it saves, from which it can be built again; ``None`` where that is not so."""
    buffer = _Bounded()
    writer = _Writer(buffer, {id(tensor) for tensor in model.state_dict(keep_vars=True).values()})
    try:
        writer.dump(model)
    except Exception:  # noqa: BLE001 - a module may refuse to be pickled in any way; its weights are kept anyhow
        return None
    return buffer.getvalue(), writer.tensors


class _Bounded(io.BytesIO):
    def __init__(self) -> None:
        super().__init__()
        self._until = time.thread_time() + _SECONDS

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > _STRUCTURE or time.thread_time() > self._until:
            raise pickle.PicklingError("too large or too slow")
        return super().write(data)


class _Writer(pickle.Pickler):
    """Writes a module without its tensors: those of the state only as to their kind, any others are copied."""

    def __init__(self, buffer: io.BytesIO, state: set[int]) -> None:
        super().__init__(buffer, protocol=4)
        self._state = state
        self.tensors: list[Any] = []
        self._known: dict[int, int] = {}
        self._kept: list[Any] = []

    def persistent_id(self, thing: Any) -> Any:
        if not isinstance(thing, torch.Tensor):
            return None
        index = self._known.get(id(thing))
        if index is None:
            index = self._known[id(thing)] = len(self.tensors)
            self._kept.append(thing)
            kind = torch.empty_like(thing, device="meta") if id(thing) in self._state else thing.detach().clone()
            parameter = isinstance(thing, torch.nn.Parameter)
            self.tensors.append(
                (torch.nn.Parameter(kind, thing.requires_grad) if parameter else kind.detach(), thing.device)
            )
        return index


class _Reader(pickle.Unpickler):
    def __init__(self, buffer: io.BytesIO, tensors: list[Any]) -> None:
        super().__init__(buffer)
        self._tensors = tensors

    def persistent_load(self, pid: Any) -> Any:
        tensor, device = self._tensors[pid]
        if not tensor.is_meta:
            return tensor
        made = torch.empty_like(tensor, device=device)
        if isinstance(tensor, torch.nn.Parameter):
            made = torch.nn.Parameter(made, tensor.requires_grad)
        self._tensors[pid] = made, device
        return made
