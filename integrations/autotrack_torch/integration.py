"""What is declared to autotrack: the integration itself and its options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from autotrack.hooks import Integration, Options


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchOptions(Options):
    """What to record of PyTorch."""

    log_steps: bool = True
    """Whether to keep the curves per optimizer step, ``step/…``, beside those per epoch."""

    log_gradients: bool = False
    """Whether to keep histograms of the parameters' gradients, below ``gradients/``: in some steps, of some values."""

    log_checkpoints: Literal["reference", "copy", "none"] = "reference"
    """What to keep of files that `torch.save` writes while the training goes on: where they are and a digest of them,
    or also a copy, which the program waits for."""
    splits: Mapping[str, str] = field(default_factory=dict)
    """Names for parts of the data by what the program calls their loaders, as in ``{"dl2": "holdout"}``."""


INTEGRATION = Integration("torch", distribution="torch", supports=">=2.4,<3", options=TorchOptions)


def checkpoints() -> str:
    """What is kept of files that the program saves."""
    options = INTEGRATION.options
    return options.log_checkpoints if isinstance(options, TorchOptions) else "reference"


def split_of(loader: str) -> str:
    """What the part of the data is to be called that a loader of this name goes over; empty if nothing was said."""
    options = INTEGRATION.options
    return options.splits.get(loader, "") if isinstance(options, TorchOptions) else ""


def log_gradients() -> bool:
    """Whether histograms of gradients are wanted now."""
    options = INTEGRATION.options
    return isinstance(options, TorchOptions) and options.log_gradients


def log_steps() -> bool:
    """Whether curves per step are wanted now."""
    options = INTEGRATION.options
    return not isinstance(options, TorchOptions) or options.log_steps
