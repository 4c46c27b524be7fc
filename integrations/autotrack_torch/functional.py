"""The loss functions of ``torch.nn.functional``: what they give, outside of training steps, is looked at."""

from __future__ import annotations

from collections.abc import Callable
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

NAMES = (
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_embedding_loss", "cross_entropy", "ctc_loss",
    "gaussian_nll_loss", "hinge_embedding_loss", "huber_loss", "kl_div", "l1_loss", "margin_ranking_loss", "mse_loss",
    "multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss", "nll_loss", "poisson_nll_loss",
    "smooth_l1_loss", "soft_margin_loss", "triplet_margin_loss", "triplet_margin_with_distance_loss",
)  # fmt: skip


def watch() -> Callable[[], None]:
    """Look at the losses from now on; returns what puts torch's own functions back."""
    undo = [
        put(functional, name, _looker(name), _looker_at_any(name)) for name in NAMES if hasattr(functional, name)
    ]  # fmt: skip

    def stop() -> None:
        for call in undo:
            call()

    return stop


def _looker(name: str) -> Callable[[Any], Any]:
    """What stands in for a loss function, with its very parameters where it is a common one."""
    if name == "mse_loss":
        return _mse_loss
    return _cross_entropy if name == "cross_entropy" else _looker_at_any(name)


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


def _judge(steady: Steady, result: Any, scores: Any, target: Any, *, plain: bool, smooth: bool) -> None:
    try:
        hits = classified(scores, target, training=True) if plain else None
        if hits is None:
            steady.judged = None
        else:
            given = ref(result)
            steady.judged = (given, *hits)
            if not smooth and steady.function == "nll_loss":
                steady.given = given
    except Exception as error:  # noqa: BLE001 - ours stops here
        failed("loss function", error)


def _count(steady: Steady, name: str, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    try:
        steady.judged = counted(name, result, args, kwargs)
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
