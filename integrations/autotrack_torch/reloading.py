"""Weights that the program puts back, as the best ones after an early stop."""

from __future__ import annotations

from typing import Any

from autotrack_torch import events


def loaded(module: Any, _args: Any, _kwargs: Any, _result: Any) -> None:
    """``load_state_dict`` was called: what is kept of the model is what it is now."""
    training = events.training()
    if training is not None:
        training.keeper.loaded(module)
