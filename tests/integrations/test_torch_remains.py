"""The final weights of a model that the program has dropped by the time its run ends."""

from __future__ import annotations

import weakref

import pytest
import torch
from torch import nn
from torch.nn import functional

import autotrack
from autotrack_torch import INTEGRATION


class Normed(nn.Module):
    """Weights of its own, weights that two names share, buffers that are saved and that are not, a frozen layer."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4))
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.norm = nn.BatchNorm1d(4)
        self.norm.register_buffer("seen", torch.zeros(1), persistent=False)
        self.frozen = nn.Linear(4, 1).requires_grad_(False)

    def forward(self, x):
        return self.frozen(self.norm(self.second(self.first(x * self.scale))))


def train(make, steps=7, after=lambda _: None):
    """Train a model that is gone when this returns; what its weights are then."""
    torch.manual_seed(steps)
    model = make()
    optimizer = torch.optim.Adam((p for p in model.parameters() if p.requires_grad), lr=0.05)
    for _ in range(steps):
        loss = functional.mse_loss(model(torch.randn(5, 4)), torch.ones(5, 1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    after(model)
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def loaded(run):
    return autotrack.torch.load_model(run.file("model"), trust=True).state_dict()


def alike(found, expected):
    return list(found) == list(expected) and all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize(
    "make", [Normed, lambda: nn.Linear(4, 1), lambda: nn.Sequential(nn.Sequential(nn.Linear(4, 2)), nn.Linear(2, 1))],
    ids=["own", "layer", "nested"],
)  # fmt: skip
def test_weights_at_the_end(record, make):
    """A loop without a loader in a function: the model is the one that it left, to the bit, and can be called."""
    expected = train(make)
    record.finish()
    (model,) = record.run.models
    assert model.tags["state"] == "final"
    assert alike(loaded(record.run), expected)


def test_one_after_another(record):
    """A name that is bound to the next model drops the one before."""
    expected = []
    for fold in range(3):
        torch.manual_seed(fold)
        model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 1))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(4):
            functional.mse_loss(model(torch.ones(2, 4)), torch.zeros(2, 1)).backward()
            optimizer.step()
        expected.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
    record.finish()
    assert [alike(loaded(run), state) for run, state in zip(record.runs, expected, strict=True)] == [True] * 3


def test_a_model_that_was_altered(record):
    """Where a module was put into the model after it was looked at, nothing is said of its weights."""

    def other_head(model):
        model[1] = nn.Linear(2, 1)

    train(lambda: nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 1)), after=other_head)
    record.finish()
    assert record.run.models == []
    assert "not kept" in record.run.tags["autotrack.torch.model"]


def test_what_is_held(record):
    """Only numbers are: neither the model nor a parameter nor a gradient outlives the program's own references."""
    refs: list[weakref.ref[torch.Tensor]] = []
    train(Normed, after=lambda model: refs.extend(weakref.ref(p) for p in model.parameters()))
    assert [ref() for ref in refs] == [None] * len(refs)
    record.finish()
    assert len(record.run.models) == 1


def test_without_models(record):
    """Where none are wanted none are looked at."""
    INTEGRATION.autolog(log_models=False)
    train(Normed)
    record.finish()
    assert record.run.models == []
