"""A module as the program that `torch.export` makes of it, for those who ask: it runs without the module's class."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autotrack.exceptions import AutotrackException


def save(model: Any, example: Any, path: Path) -> None:
    """Trace the module, in evaluation mode, with an example: an array or tensor, a tuple of them, or a mapping by
    argument. The first dimension may differ later, if the example has more than one row."""
    import torch  # the framework, which whoever made the model has loaded

    given, named = _arguments(example)
    if not given and not named:
        raise AutotrackException.invalid(
            'serialization_format="pt2" traces the module: it needs input_example, an array or tensor or a tuple or '
            "dict of them"
        )
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        shapes = [_rows(value) for value in given] if given else {name: _rows(value) for name, value in named.items()}
        program = torch.export.export(model, given, named, dynamic_shapes=shapes)
        torch.export.save(program, path)
    finally:
        for module in training:
            module.training = True


def load(path: Path) -> Any:
    """The program as a module; the caller has established that it may run."""
    import torch  # the framework, asked for by loading one of its models

    try:
        return torch.export.load(path).module()
    except Exception as error:
        raise AutotrackException.invalid(
            f"{path} is damaged, or of another torch than {torch.__version__}: {str(error)[:300]}"
        ) from error


def _arguments(example: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if example is None:
        return (), {}
    if isinstance(example, Mapping):
        return (), {str(name): _tensor(value) for name, value in example.items()}
    return tuple(map(_tensor, example if isinstance(example, (tuple, list)) else (example,))), {}


def _tensor(value: Any) -> Any:
    import numpy as np  # heavy, loaded with the framework
    import torch  # as above

    if isinstance(value, torch.Tensor):
        return value
    if hasattr(value, "to_numpy"):  # a data frame, which the module is given as floats
        return torch.from_numpy(value.to_numpy(dtype=np.float32))
    return torch.from_numpy(np.asarray(value))


def _rows(tensor: Any) -> Any:
    import torch  # as above

    # A dimension of one is taken for a constant by the tracing itself.
    automatic = getattr(torch.export.Dim, "AUTO", None)
    return {0: automatic} if automatic is not None and tensor.dim() and tensor.shape[0] > 1 else None
