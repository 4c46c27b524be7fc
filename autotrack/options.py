"""The options that every integration's ``autolog`` takes, under MLflow's names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to record. An integration with options of its own derives a class from this one."""

    log_models: bool = True
    log_model_signatures: bool = True
    log_input_examples: bool = False
    log_datasets: bool = True
    disable: bool = False
    exclusive: bool = False
    """Record only where the program itself has opened no run."""
    disable_for_unsupported_versions: bool = False
    silent: bool = False
    registered_model_name: str | None = None
    extra_tags: Mapping[str, str] | None = None
    """Set on every run that an integration opens."""
