"""Losses on a device come over without anyone waiting for it; shown on a tensor that claims to be elsewhere."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from autotrack_torch import reading

CALLS: list[str] = []


class Far(torch.Tensor):
    """A tensor that says it is on a GPU; whatever would make the program wait for that is noted."""

    __torch_function__ = torch._C._disabled_torch_function_impl
    is_cpu = property(lambda _: False)
    device = property(lambda _: torch.device("cuda"))

    def item(self):
        CALLS.append("blocking item")
        return super().item()

    cpu = numpy = tolist = to = __float__ = __bool__ = item


class Slot:
    """A place in pinned memory."""

    dtype = torch.float64

    def copy_(self, tensor, non_blocking=False):
        CALLS.append("copy_" if non_blocking else "blocking copy_")
        self.value = torch.Tensor.item(tensor.as_subclass(torch.Tensor))

    def item(self):
        return self.value


class Event:
    """Done after three questions."""

    def __init__(self):
        self.asked = 0

    def record(self):
        """Nothing to wait for."""

    def query(self):
        self.asked += 1
        return self.asked > 3

    def synchronize(self):
        CALLS.append("blocking synchronize")


@pytest.fixture(autouse=True)
def device(monkeypatch: pytest.MonkeyPatch) -> None:
    CALLS.clear()
    monkeypatch.setattr(reading, "_event", lambda _: Event)
    monkeypatch.setattr(reading.Readings, "_slot", _slot)


def _slot(readings, _dtype):
    readings._free.setdefault(Slot.dtype, [])
    return Slot()


def far(loss):
    return loss.as_subclass(Far)


def train(epochs: int) -> list[list[float]]:
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    loader = DataLoader(TensorDataset(torch.randn(20, 3), torch.randn(20, 1)), batch_size=8)
    losses: list[list[float]] = []
    for _ in range(epochs):
        losses.append([])
        for x, y in loader:
            optimizer.zero_grad()
            loss = functional.mse_loss(model(x), y)
            losses[-1].append(loss.item())
            far(loss).backward()
            optimizer.step()
    return losses


def test_nothing_waits_in_the_loop(record):
    """No step and no epoch waits for the device, and the values are those that it computed."""
    losses = train(3)
    assert [call for call in CALLS if "blocking" in call] == []
    assert "copy_" in CALLS
    record.finish()
    means = [sum(n * loss for n, loss in zip((8, 8, 4), epoch, strict=True)) / 20 for epoch in losses]
    assert record.run.metrics["train/loss"] == pytest.approx(means, rel=1e-6)
    assert record.run.steps["train/loss"] == [0, 1, 2]
    assert record.run.metrics["step/loss"] == pytest.approx([loss for epoch in losses for loss in epoch], rel=1e-6)


def test_a_device_without_events(record, monkeypatch):
    """It is not read at all; steps and epochs are counted."""
    monkeypatch.setattr(reading, "_event", lambda _: None)
    train(2)
    assert [call for call in CALLS if "copy_" in call or "blocking" in call] == []
    record.finish()
    assert record.run.params["steps"] == "6"
    assert record.run.params["epochs"] == "2"
    assert "train/loss" not in record.run.metrics


def test_several_numbers_at_once(monkeypatch):
    """They come over in one piece and in their turn, as a single one does, and nobody waits."""
    empty = torch.empty
    monkeypatch.setattr(torch, "empty", lambda shape, dtype, **_: empty(shape, dtype=dtype))
    readings, came = reading.Readings(), []
    readings.take(far(torch.tensor(1.0)), came.append)
    readings.take_all(far(torch.tensor([[2, 3], [4, 5]])), came.append)
    readings.after(lambda: came.append("done"))
    assert came == []
    while readings.waiting:
        readings.arrived()
    assert came == [1.0, [[2, 3], [4, 5]], "done"]
    assert [call for call in CALLS if "blocking" in call] == []
