"""A model in a few lines: its modules, what each holds, and how much of that is trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_MOST = 1000
"""Modules that are listed."""


def summary(model: Any) -> str:
    """A table of a model's modules with the shapes of their own parameters, and the sums."""
    rows = [("module", "class", "parameters", "count"), *_rows(model)]
    widths = [max(len(row[at]) for row in rows) for at in range(3)]
    lines = ["  ".join((*map(str.ljust, row[:3], widths), row[3])).rstrip() for row in rows]
    sizes = [(_size(tensor), tensor.requires_grad) for tensor in model.parameters()]
    total, trained = sum(size for size, _ in sizes), sum(size for size, wanted in sizes if wanted)
    buffers = sum(_size(tensor) for tensor in model.buffers())
    return "\n".join([*lines, "", f"parameters {total:,}, trainable {trained:,}, in buffers {buffers:,}", ""])


def _rows(model: Any) -> Iterator[tuple[str, str, str, str]]:
    for count, (name, module) in enumerate(model.named_modules()):
        if count == _MOST:
            yield "…", "", "", ""
            return
        own = dict(module.named_parameters(recurse=False))
        shapes = ", ".join(f"{part} {'x'.join(map(str, _shape(tensor))) or '1'}" for part, tensor in own.items())
        held = sum(_size(tensor) for tensor in own.values())
        depth = name.count(".") + 1 if name else 0
        yield "  " * depth + (name.rpartition(".")[2] or "."), type(module).__name__, shapes, f"{held:,}" if own else ""


def _shape(tensor: Any) -> tuple[Any, ...]:
    return ("?",) if type(tensor).__name__.startswith("Uninitialized") else tuple(tensor.shape)


def _size(tensor: Any) -> int:
    return 0 if type(tensor).__name__.startswith("Uninitialized") else int(tensor.numel())
