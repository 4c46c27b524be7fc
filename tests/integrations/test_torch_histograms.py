"""Histograms of gradients, which `autotrack.torch.autolog(log_gradients=True)` asks for."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from autotrack_torch import INTEGRATION, histograms, norms


@pytest.fixture
def often(monkeypatch):
    """Every step is looked at."""
    monkeypatch.setattr(histograms, "SHARE", 1e9)
    monkeypatch.setattr(norms, "SHARE", 1e9)


def train(model: nn.Module, steps: int) -> list[dict[str, Any]]:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    seen = []
    for (x,) in DataLoader(TensorDataset(torch.randn(4 * steps, 3)), batch_size=4):
        optimizer.zero_grad()
        model(x).square().mean().backward()
        seen.append({name: tensor.grad.numpy().copy() for name, tensor in model.named_parameters()})
        optimizer.step()
    return seen


def kept(run: Any) -> dict[int, Any]:
    paths = sorted(path for path in run.artifacts if path.startswith("gradients/"))
    found = [json.loads(run.file(path).read_text()) for path in paths]
    return {one["step"]: one for one in found}


def test_histograms(record, often):
    """Each holds how many of the gradient's values lie between two edges, as the optimizer steps with them."""
    INTEGRATION.autolog(log_gradients=True)
    seen = train(nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2)), 4)
    record.finish()
    found = kept(record.run)
    assert len(found) >= 3
    for step, one in found.items():
        edges = np.array(one["edges"], dtype=np.float32)
        assert list(one["gradients"]) == list(seen[0])
        for name, histogram in one["gradients"].items():
            gradient = seen[step - 1][name]
            whole = np.concatenate([[-np.inf], edges, [np.inf]])
            assert histogram["counts"] == np.histogram(gradient, whole)[0].tolist()
            assert histogram["looked_at"] == histogram["size"] == gradient.size
            assert histogram["not_a_number"] == 0
    assert record.run.tags["autotrack.torch.gradients"].startswith("sampled: ")


def test_only_on_request(record, often):
    """Without the option there are none."""
    train(nn.Linear(3, 2), 4)
    record.finish()
    assert kept(record.run) == {}
    assert "autotrack.torch.gradients" not in record.run.tags


def test_bounds(record, often, monkeypatch):
    """Of many parameters, values and steps some are looked at, and it is said of how many."""
    monkeypatch.setattr(histograms, "_TENSORS", 2)
    monkeypatch.setattr(histograms, "_VALUES", 10)
    monkeypatch.setattr(histograms, "_WHOLE", 4)
    INTEGRATION.autolog(log_gradients=True)
    train(nn.Sequential(*(nn.Linear(3, 3) for _ in range(3)), nn.Linear(3, 40)), 64)
    record.finish()
    found = kept(record.run)
    assert 8 < len(found) <= 4 + 4 * 5
    for one in found.values():
        assert len(one["gradients"]) <= 2
        for histogram in one["gradients"].values():
            assert sum(histogram["counts"]) == histogram["looked_at"] <= 10


def test_gradients_that_are_no_numbers(record, often):
    """They are counted apart."""
    INTEGRATION.autolog(log_gradients=True)
    weight = nn.Parameter(torch.tensor([1.0, 2.0, 3.0]))
    optimizer = torch.optim.SGD([weight], lr=0.0)
    for _ in range(3):
        weight.grad = None
        (weight * torch.tensor([torch.nan, torch.inf, 1.0])).sum().backward()
        optimizer.step()
    record.finish()
    (histogram,) = next(iter(kept(record.run).values()))["gradients"].values()
    assert (histogram["not_a_number"], histogram["counts"][-1], sum(histogram["counts"])) == (1, 1, 2)
