"""One file per workload, found by looking, in the order of their names."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import cast

from benchmarks.workload import Workload


def names() -> list[str]:
    """Every workload."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def find(name: str) -> Workload:
    """The workload of that name."""
    return cast("Workload", import_module(f"{__name__}.{name}"))
