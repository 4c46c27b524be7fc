"""The most memory that torch has had on a device: a number that its allocator keeps on the host."""

from __future__ import annotations

from typing import Any

import torch

_MOST = 8
"""Devices of one training that are told apart."""


def devices_of(optimizer: Any) -> set[torch.device]:
    """Where an optimizer's parameters lie, as far as torch says how much it has allocated there at most."""
    found = {tensor.device for group in optimizer.param_groups for tensor in group["params"]}
    return {device for device in found if hasattr(getattr(torch, device.type, None), "max_memory_allocated")}


def peaks(devices: set[torch.device]) -> dict[str, float]:
    """Bytes at the peak since the program began, or since it has set this statistics back itself: that is left alone.
    Nothing is waited for."""
    found: dict[str, float] = {}
    for device in sorted(devices, key=str)[:_MOST]:
        peak = getattr(torch, device.type).max_memory_allocated(device)
        if peak > 0:  # some allocators do not count
            found["train/peak_memory_bytes" + (f"/{device}" if len(devices) > 1 else "")] = float(peak)
    return found
