"""What a training was set to, as parameters of its run."""

from __future__ import annotations

import os
import sys
from typing import Any

from autotrack_torch import owner
from autotrack_torch.passes import Pass

_STATE = frozenset((
    "last_epoch", "base_lrs", "verbose", "best", "num_bad_epochs", "cooldown_counter", "mode_worse", "T_cur",
))  # fmt: skip
"""What of a scheduler's attributes changes while it works."""


def of_optimizer(optimizer: Any, prefix: str) -> dict[str, Any]:
    """Class and settings; of further parameter groups what differs from the first."""
    found: dict[str, Any] = {f"{prefix}optimizer": type(optimizer).__name__}
    groups = optimizer.param_groups
    first = {name: value for name, value in groups[0].items() if name not in ("params", "param_names", "initial_lr")}
    for name, value in first.items():
        if value is not None:
            found[f"{prefix}optimizer.{name}"] = _plain(value)
    for index, group in enumerate(groups[1:], 1):
        for name, value in group.items():
            if name in first and _plain(value) != _plain(first[name]):
                found[f"{prefix}optimizer.group{index}.{name}"] = _plain(value)
    if len(groups) > 1:
        found[f"{prefix}optimizer.groups"] = len(groups)
    facts = owner.built.get(id(optimizer))
    for name, value in facts.schedule.items() if facts is not None else ():
        found[f"{prefix}{name}"] = value
    return found


def of_scheduler(scheduler: Any) -> dict[str, Any]:
    """Class and settings of what changes the learning rate."""
    found: dict[str, Any] = {"scheduler": type(scheduler).__name__}
    for name, value in vars(scheduler).items():
        several = isinstance(value, list | tuple) and len(value) <= 20
        if (
            not name.startswith("_")
            and name not in _STATE
            and all(type(item) in (int, float, str, bool) for item in (value if several else (value,)))
        ):
            found[f"scheduler.{name}"] = value
    return found


def of_models(models: list[Any], optimizers: list[Any]) -> dict[str, Any]:
    """Size, place and kind of what is trained: of the models and of what else the optimizers were given."""
    given = (tensor for optimizer in optimizers for group in optimizer.param_groups for tensor in group["params"])
    held = (tensor for model in models for tensor in model.parameters())
    tensors = list({id(tensor): tensor for tensor in (*held, *given)}.values())
    sizes = [0 if _lazy(tensor) else tensor.numel() for tensor in tensors]
    found: dict[str, Any] = {
        "parameters": sum(sizes),
        "parameters_trainable": sum(size for size, tensor in zip(sizes, tensors, strict=True) if tensor.requires_grad),
        "device": ", ".join(sorted({str(tensor.device) for tensor in tensors})),
        "dtype": ", ".join(sorted({str(tensor.dtype).removeprefix("torch.") for tensor in tensors})),
    }
    wrappers = sorted({type(wrapper).__name__ for model in models for wrapper in owner.wrappers_of(model)})
    parallel = [wrapper for wrapper in wrappers if wrapper != "OptimizedModule"]
    if parallel:
        found["parallel"] = " + ".join(parallel)
    if models:
        found["model"] = " + ".join(type(model).__name__ for model in models)
    return found


def of_pass(pass_: Pass) -> dict[str, Any]:
    """How the training data are loaded."""
    return {name: value for name, value in pass_.facts.items() if value is not None}


def of_torch() -> dict[str, Any]:
    """What torch itself is set to; nothing is set by asking."""
    import torch  # the framework, which is training

    found: dict[str, Any] = {"torch": torch.__version__, "seed": torch.initial_seed()}
    if torch.are_deterministic_algorithms_enabled():
        found["deterministic"] = True
    if torch.is_deterministic_algorithms_warn_only_enabled():
        found["deterministic_warn_only"] = True
    if torch.backends.cudnn.deterministic:
        found["cudnn_deterministic"] = True
    if torch.backends.cudnn.benchmark:
        found["cudnn_benchmark"] = True
    precision = _matmul_precision()
    if precision not in ("highest", "ieee", "none"):
        found["float32_matmul_precision"] = precision
    group = distributed()
    if os.environ.get("WORLD_SIZE") or group is not None:
        found["world_size"] = world_size()
        if group is not None:
            found["distributed_backend"] = group.get_backend()
    return found


def _matmul_precision() -> str:
    import torch  # the framework, which is training

    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:  # the program has set it for one backend, by a way that this function does not know
        return str(torch.backends.cuda.matmul.fp32_precision)


def rank() -> int:
    """Which of the processes of a distributed training this is."""
    group = distributed()
    return int(group.get_rank()) if group is not None else _integer("RANK", 0)


def world_size() -> int:
    """How many processes take part in a distributed training."""
    group = distributed()
    return int(group.get_world_size()) if group is not None else _integer("WORLD_SIZE", 1)


def distributed() -> Any:
    """``torch.distributed``, if this process is in a group."""
    module = sys.modules.get("torch.distributed")
    return module if module is not None and module.is_available() and module.is_initialized() else None


def _integer(name: str, default: int) -> int:
    try:
        return int(os.environ.get(name, default))
    except ValueError:
        return default


def _plain(value: Any) -> Any:
    """A learning rate may be a tensor; one that lies on a device is not waited for."""
    if hasattr(value, "is_cpu"):
        return value.item() if value.is_cpu and value.numel() == 1 else f"a tensor on {value.device}"
    return value


def _lazy(tensor: Any) -> bool:
    return type(tensor).__name__.startswith("Uninitialized")
