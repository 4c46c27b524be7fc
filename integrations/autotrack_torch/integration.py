"""What is declared to autotrack: the integration itself and its options."""

from __future__ import annotations

from dataclasses import dataclass

from autotrack.hooks import Integration, Options


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchOptions(Options):
    """What to record of PyTorch."""

    log_steps: bool = True
    """Whether to keep the curves per optimizer step, ``step/…``, beside those per epoch."""


INTEGRATION = Integration("torch", distribution="torch", supports=">=2.4,<3", options=TorchOptions)


def log_steps() -> bool:
    """Whether curves per step are wanted now."""
    options = INTEGRATION.options
    return not isinstance(options, TorchOptions) or options.log_steps
