"""From a tensor of one element to a float, without making a device wait."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import cache, partial
from typing import Any

import torch
from torch._C._functorch import is_functorch_wrapped_tensor  # pyright: ignore[reportMissingModuleSource]
from torch.overrides import has_torch_function_unary
from torch.utils._python_dispatch import _disable_current_modes

Then = Callable[[float], None]
Order = Callable[[], None]

_SLOTS = 256
_MOST = 4096
"""Values under way at once; a device that is further behind than that loses the newest."""

_Tensor = torch.Tensor
_tracing = torch._C._get_tracing_state
_transforms = torch._C._are_functorch_transforms_active
_transformed = is_functorch_wrapped_tensor
_function_modes = torch._C._len_torch_function_stack
_dispatch_modes = torch._C._len_torch_dispatch_stack


def readable(tensor: Any) -> bool:
    """Whether something is one real number that may be looked at now: no trace is being taken, nothing is fake or
    under a function transform."""
    if type(tensor) is not _Tensor:
        # A subclass of torch's own stands for something else (fake, distributed, functional); a parameter is one.
        kind = type(tensor)
        if not isinstance(tensor, torch.Tensor) or kind.__module__.startswith("torch."):
            return False
    return (
        tensor.numel() == 1
        and _tracing() is None
        and not _transformed(tensor)
        and (tensor.is_cpu or not tensor.is_meta)
    )


def ordinary(tensor: torch.Tensor) -> bool:
    """Whether a plain tensor may be computed with just so, unseen by the program: nothing is being traced or
    transformed, and no mode of the program's own is on."""
    return not (_dispatch_modes() or has_torch_function_unary(tensor) or _transforms()) and _tracing() is None


def read(tensor: Any) -> float:
    """The number in a tensor on the CPU; the program's own modes do not get to see that it is read."""
    if type(tensor) is _Tensor and unmoded():
        value = tensor.item()
        return value if type(value) is float else float(value)
    with torch._C.DisableTorchFunction(), _disable_current_modes():
        return float(tensor.item())


def unmoded() -> bool:
    """Whether the program has no mode of its own on, which would see what is computed."""
    return not _dispatch_modes() and not _function_modes()


def visible(tensor: Any) -> bool:
    """Whether something is a plain tensor that may be computed with now: no trace is being taken, and so on."""
    return type(tensor) is _Tensor and _tracing() is None and not _transformed(tensor) and not tensor.is_meta


def unseen() -> AbstractContextManager[Any]:
    """While it lasts, the program's own modes do not get to see what is computed."""
    if unmoded():
        return _AS_IS
    stack = ExitStack()
    stack.enter_context(torch._C.DisableTorchFunction())
    stack.enter_context(_disable_current_modes())
    return stack


_AS_IS: AbstractContextManager[Any] = nullcontext()


class Readings:
    """Numbers on their way from devices, in their order, and what is to be done when they have come."""

    __slots__ = ("_free", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[tuple[Any, Any, Any]] = deque()
        """``(event, slot, then)``; without a slot, something to do once all before it is done; a list holds one of
        several numbers."""
        self._free: dict[torch.dtype, list[torch.Tensor]] = {}

    def take(self, tensor: torch.Tensor, then: Then) -> None:
        """Call ``then`` with the number: now if it is at hand, else when it has come over."""
        if not tensor.is_cpu:
            self._send(tensor, then)
        elif self.waiting:
            value = read(tensor)
            self.waiting.append((None, None, lambda: then(value)))
        else:
            then(read(tensor))

    def take_all(self, tensor: torch.Tensor, then: Callable[[list[Any]], None]) -> None:
        """The same with a tensor of several numbers, as nested lists; for what is seldom."""
        if tensor.is_cpu:
            self.after(partial(then, tensor.tolist()))
            return
        make = _event(tensor.device.type)
        if make is None or len(self.waiting) >= _MOST or _capturing(tensor):
            return
        with torch._C.DisableTorchFunction(), torch.no_grad():
            slot = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
            slot.copy_(tensor, non_blocking=True)
            event = make()
            event.record()
        self.waiting.append((event, [slot], then))

    def after(self, then: Order) -> None:
        """Call ``then`` when all numbers taken so far have come."""
        if self.waiting:
            self.waiting.append((None, None, then))
            self.arrived()
        else:
            then()

    def arrived(self, *, wait: bool = False) -> None:
        """Do what can be done now; with ``wait``, everything."""
        waiting = self.waiting
        while waiting:
            event, slot, then = waiting[0]
            if slot is None:
                waiting.popleft()
                then()
                continue
            if not wait and not event.query():
                return
            if wait:
                event.synchronize()
            waiting.popleft()
            if type(slot) is list:
                then(slot[0].tolist())
                continue
            value = float(slot.item())
            self._free[slot.dtype].append(slot)
            then(value)

    def _send(self, tensor: torch.Tensor, then: Then) -> None:
        if self.waiting:
            self.arrived()
        make = _event(tensor.device.type)
        if make is None or len(self.waiting) >= _MOST or _capturing(tensor):
            return
        with torch._C.DisableTorchFunction(), torch.no_grad():
            slot = self._slot(tensor.dtype if tensor.dtype == torch.float64 else torch.float32)
            slot.copy_(tensor.detach().reshape(()), non_blocking=True)
            event = make()
            event.record()
        self.waiting.append((event, slot, then))

    def _slot(self, dtype: torch.dtype) -> torch.Tensor:
        free = self._free.setdefault(dtype, [])
        if not free:
            free.extend(torch.empty(_SLOTS, dtype=dtype, pin_memory=True).unbind())
        return free.pop()


@cache
def _event(kind: str) -> Callable[[], Any] | None:
    """What makes an event on a kind of device; ``None`` where there is none, and then nothing is read there."""
    module = getattr(torch, kind, None)
    return getattr(module, "Event", None)


def _capturing(tensor: torch.Tensor) -> bool:
    # What is captured into a graph would be copied again at each replay, into a slot that is another's by then.
    return bool(tensor.is_cuda and torch.cuda.is_current_stream_capturing())
