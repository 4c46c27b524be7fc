"""What loss functions give: the loss of a pass without a step, and how often the right class scores highest."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from functools import cache, partial
from inspect import signature
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from autotrack_torch.derived import COUNTED, ERRORS, TOKENS, errors, right, weigh
from autotrack_torch.estimates import heard
from autotrack_torch.loss import MARK, scale
from autotrack_torch.passes import Heard, Hits, Pass
from autotrack_torch.reading import readable, unseen, visible

if TYPE_CHECKING:
    from autotrack_torch.loop import Loop

_IGNORED = -100


def hear(loop: Loop, name: str, result: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """A loss function was called."""
    pass_ = loop.current
    node = result.grad_fn
    hits = None
    if name in COUNTED and pass_ is not None:
        hits = right(name, args, kwargs, training=pass_.steps > 0)
        loop.judged = (weakref.ref(result), *hits) if hits is not None and node is not None else None
    if pass_ is not None and pass_.steps:
        return
    reduction = _reduction(name, args, kwargs)
    if node is not None:
        node.metadata[MARK] = (name, reduction)
    if pass_ is None:
        heard(loop, name, reduction, result, args, kwargs)
        return
    pass_.use()
    _add(loop, pass_, name, reduction, result, hits, args, kwargs)
    if pass_.late and all(heard.calls == pass_.taken for heard in pass_.heard.values()):
        loop.end(pass_, complete=True)


def counted(
    name: str, result: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[weakref.ref[Any], Any, Any] | None:
    """A training's loss over classes, samples put into the right one, and samples; ``None`` if nothing is trained."""
    if not result.requires_grad:
        return None
    hits = right(name, args, kwargs, training=True)
    return None if hits is None else (weakref.ref(result), *hits)


def _add(
    loop: Loop, pass_: Pass, name: str, reduction: str, result: Any, hits: Any, args: Any, kwargs: Mapping[str, Any]
) -> None:
    heard = pass_.heard.get(name)
    if heard is None:
        heard = pass_.heard[name] = Heard()
    heard.calls += 1
    if hits is not None:
        heard.hits.add(loop.readings, *hits)
    n = pass_.n
    shape = loop.training.shape if loop.training is not None else None
    sums = shape is not None and shape.extensive
    if reduction == "none":
        if result.dim() < 1 or result.shape[0] != n:
            return
        with torch.no_grad(), torch._C.DisableTorchFunction():
            result = result.detach().mean()
    elif _averaged(name, args, kwargs) not in (0, n):  # more values than samples, as with tokens
        plain = name in TOKENS and len(args) < 3 and kwargs.get("weight") is None
        if plain:
            heard.tokens = pass_.tokens = (args[0] if args else kwargs["input"]).dim() < 4
        if reduction == "sum" and not sums and plain and visible(result):
            result, reduction = _per_target(result, args, kwargs), "mean"
        elif (reduction == "sum") != sums:
            heard.alike = False
    if name in ERRORS:
        for error, into in zip(errors(args, kwargs), (heard.absolute, heard.squared), strict=False):
            loop.readings.take(error, partial(weigh, into, n))
    if reduction == "sum" and not pass_.counted:
        return
    if readable(result):
        divisor = n if reduction == "sum" else 1
        loop.readings.take(result, lambda value: heard.add(n, value / divisor))


def judge(loop: Loop, hits: Hits, root: Any, node: Any) -> tuple[Any, Any] | None:
    """What is minimised may be a loss whose classes were counted, as it is or times a constant: what is counted now."""
    judged, loop.judged = loop.judged, None
    result = judged[0]() if judged is not None else None
    if judged is None or result is None:
        return None
    if result is not root and (node is None or result.grad_fn is not scale(node).node):
        return None
    hits.add(loop.readings, judged[1], judged[2])
    return judged[1], judged[2]


def _reduction(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """How a loss function reduces; torch's older arguments for it count, as they do there."""
    if len(args) > 2:
        kwargs = {**dict(zip(_arguments(name), args, strict=False)), **kwargs}
    averages, reduces = kwargs.get("size_average"), kwargs.get("reduce")
    if averages is None and reduces is None:
        return str(kwargs.get("reduction", "mean"))
    if reduces is False:
        return "none"
    return "sum" if averages is False else "mean"


@cache
def _arguments(name: str) -> tuple[str, ...]:
    return tuple(signature(getattr(functional, name)).parameters)


def _averaged(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> int:
    """Over how many values a function's mean would go; 0 if that is not known."""
    given: Any = args[0] if args else kwargs.get("input")
    if name in TOKENS:
        target: Any = args[1] if len(args) > 1 else kwargs.get("target")
        if getattr(target, "dtype", None) is torch.int64:
            return int(target.numel())
        return 0
    return int(given.numel()) if isinstance(given, torch.Tensor) else 0


def _per_target(result: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """What a sum over targets is on average."""
    target: Any = args[1] if len(args) > 1 else kwargs.get("target")
    with torch.no_grad(), unseen():
        return result.detach() / torch.count_nonzero(target.ne(kwargs.get("ignore_index", _IGNORED)))
