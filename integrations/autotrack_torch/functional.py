"""The loss functions of ``torch.nn.functional``: what they give, outside of training steps, is looked at."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from threading import get_ident
from typing import Any
from weakref import ref

import torch
from torch import is_grad_enabled
from torch.compiler import is_dynamo_compiling
from torch.nn import functional

from autotrack_torch.derived import COUNTED, IGNORED, classified
from autotrack_torch.hearing import counted, hear
from autotrack_torch.standin import failed, hide, put
from autotrack_torch.steady import Steady
from autotrack_torch.tasks import here, present


def _reduces(function: Any) -> bool:
    try:
        return "reduction" in signature(function).parameters
    except (TypeError, ValueError):  # no function, or one that says nothing of itself
        return False


NAMES = tuple(sorted(name for name, found in vars(functional).items() if name[0] != "_" and _reduces(found)))
"""The losses: what can reduce the values of single samples."""
_within: set[int] = set()
"""The threads that are in a loss function which calls another one, unless that one has been heard by now."""


def watch() -> Callable[[], None]:
    """Look at the losses from now on; returns what puts torch's own functions back."""
    undo = [put(functional, name, *_lookers(name)) for name in NAMES]

    def stop() -> None:
        for call in undo:
            call()

    return stop


def _lookers(name: str) -> tuple[Callable[[Any], Any], ...]:
    """What stands in for a loss function: with its very parameters where it is a common one, or with any."""
    if name == "linear_cross_entropy":
        return (_linear_cross_entropy,)
    exact = {"mse_loss": _mse_loss, "cross_entropy": _cross_entropy}.get(name)
    return (exact or _looker_at_any(name), _looker_at_any(name))


def _looker_at_any(name: str) -> Callable[[Any], Any]:
    always = name in COUNTED

    def make(original: Any) -> Any:
        def loss(*args: Any, **kwargs: Any) -> Any:
            if is_dynamo_compiling():
                return original(*args, **kwargs)
            try:
                result = original(*args, **kwargs)
            except BaseException as error:
                hide(error)
                raise
            loop = present()
            steady = loop.steady if loop is not None else None
            if steady is None or steady.thread != get_ident() or not is_grad_enabled():
                _hear(name, result, args, kwargs)
            elif always:
                _count(steady, name, result, args, kwargs)
            return result

        return _scriptable(loss, original)

    return make


def _mse_loss(original: Any) -> Any:
    def mse_loss(
        input: Any,  # noqa: A002 - its name there
        target: Any,
        size_average: Any = None,
        reduce: Any = None,
        reduction: Any = "mean",
        weight: Any = None,
    ) -> Any:
        if is_dynamo_compiling():
            return original(input, target, size_average, reduce, reduction, weight)
        try:
            result = original(input, target, size_average, reduce, reduction, weight)
        except BaseException as error:
            hide(error)
            raise
        loop = present()
        steady = loop.steady if loop is not None else None
        if steady is None or steady.thread != get_ident() or (steady.alone and not is_grad_enabled()):
            kwargs = {"size_average": size_average, "reduce": reduce, "reduction": reduction, "weight": weight}
            _hear("mse_loss", result, (input, target), kwargs)
        elif weight is None and steady.function == "mse_loss":
            steady.given = ref(result)
        return result

    return _scriptable(mse_loss, original)


def _cross_entropy(original: Any) -> Any:
    def cross_entropy(
        input: Any,  # noqa: A002 - its name there
        target: Any,
        weight: Any = None,
        size_average: Any = None,
        ignore_index: Any = IGNORED,
        reduce: Any = None,
        reduction: Any = "mean",
        label_smoothing: Any = 0.0,
    ) -> Any:
        if is_dynamo_compiling():
            return original(input, target, weight, size_average, ignore_index, reduce, reduction, label_smoothing)
        try:
            result = original(input, target, weight, size_average, ignore_index, reduce, reduction, label_smoothing)
        except BaseException as error:
            hide(error)
            raise
        if _within:
            _within.discard(get_ident())
        loop = present()
        steady = loop.steady if loop is not None else None
        if steady is None or steady.thread != get_ident() or not is_grad_enabled():
            kwargs = {
                "weight": weight, "size_average": size_average, "ignore_index": ignore_index, "reduce": reduce,
                "reduction": reduction, "label_smoothing": label_smoothing,
            }  # fmt: skip
            _hear("cross_entropy", result, (input, target), kwargs)
        elif result.requires_grad:
            _judge(steady, result, input, target, plain=ignore_index == IGNORED, smooth=label_smoothing != 0.0)
        return result

    return _scriptable(cross_entropy, original)


def _linear_cross_entropy(original: Any) -> Any:
    def linear_cross_entropy(*args: Any, **kwargs: Any) -> Any:
        if is_dynamo_compiling():
            return original(*args, **kwargs)
        me = get_ident()
        _within.add(me)
        try:
            result = original(*args, **kwargs)
        except BaseException as error:
            _within.discard(me)
            hide(error)
            raise
        if me in _within:  # else it has gone by way of `cross_entropy`, which has seen the scores too
            _within.discard(me)
            loop = present()
            steady = loop.steady if loop is not None else None
            if steady is None or steady.thread != me or not is_grad_enabled():
                given = {"input": args[:1], "target": args[2:3]}
                given = {name: found[0] for name, found in given.items() if found}
                _hear("linear_cross_entropy", result, (), given | {k: v for k, v in kwargs.items() if v is not None})
        return result

    return _scriptable(linear_cross_entropy, original)


def _judge(steady: Steady, result: Any, scores: Any, target: Any, *, plain: bool, smooth: bool) -> None:
    try:
        steady.judged = None
        if not plain or steady.alone:
            return
        given = ref(result)
        if not steady.judge(given, scores, target):
            hits = classified(scores, target, training=True)
            if hits is None:
                return
            steady.judged = (given, *hits)
        if not smooth and steady.function == "nll_loss":
            steady.given = given
    except Exception as error:  # noqa: BLE001 - ours stops here
        failed("loss function", error)


def _count(steady: Steady, name: str, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    try:
        if name == "nll_loss" and len(args) == 2 and result.requires_grad:
            plain = kwargs.get("ignore_index", IGNORED) == IGNORED
            _judge(steady, result, *args, plain=plain, smooth=False)
        else:
            steady.judged = None if steady.alone else counted(name, result, args, kwargs)
    except Exception as error:  # noqa: BLE001 - ours stops here
        failed("loss function", error)


def _hear(name: str, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    if type(result) is torch.Tensor:
        try:
            loop = here()
            if loop is not None and (name in COUNTED or loop.listens()):
                hear(loop, name, result, args, kwargs)
        except Exception as error:  # noqa: BLE001 - ours stops here
            failed("loss function", error)


def _scriptable(loss: Any, original: Any) -> Any:
    # TorchScript compiles from source, and then takes that of the original instead.
    loss.__dict__.update({"__script_if_tracing_wrapper": True, "__original_fn": original})
    return loss
