"""Where a PyTorch training is recorded, from when to when, and what of the model is kept."""

from __future__ import annotations

import gc
import random

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import autotrack
from autotrack.hooks import inside
from autotrack_torch import INTEGRATION

GENERATOR = torch.Generator()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, x):
        return self.layer(x)


def loader(samples=20):
    x = torch.randn(samples, 3, generator=GENERATOR.manual_seed(1))
    return DataLoader(TensorDataset(x, (x[:, 0] > 0).long()), batch_size=8)


def fit(model, train_loader, epochs=2, lr=0.1):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for _ in range(epochs):
        for x, y in train_loader:
            optimizer.zero_grad()
            functional.cross_entropy(model(x), y).backward()
            optimizer.step()


def score(model, val_loader):
    with torch.no_grad():
        for x, y in val_loader:
            functional.cross_entropy(model(x), y)


def test_the_programs_own_run(record):
    """It takes the first training; a second one gets a run below it; neither ends it."""
    with autotrack.start_run(run_name="mine"):
        fit(Net(), loader())
        fit(Net(), loader(), epochs=1)
        autotrack.log_metric("own", 1.0)
    mine, below = record.runs
    assert (mine.name, mine.params["epochs"], mine.metrics["own"]) == ("mine", "2", [1.0])
    assert (below.name, below.params["epochs"], below.parent) == ("Net", "1", mine.run_id)
    assert [len(run.models) for run in (mine, below)] == [1, 1]


def test_evaluation_after_the_run(record):
    """What is evaluated when the program's run has ended is added to it, marked as late."""
    model = Net()
    with autotrack.start_run():
        fit(model, loader())
    score(model, loader(10))
    assert [point.key for point in record.run.points if point.late] == ["val/loss", "val/accuracy"]


def test_evaluation_of_another_model(record):
    """It is not about the model that was trained."""
    model, other = Net(), Net()
    fit(model, loader())
    score(other, loader(10))
    assert "val/loss" not in record.run.metrics
    score(model, loader(10))
    assert len(record.run.metrics["val/loss"]) == 1


def test_training_inside_a_recorded_fit(record):
    """Belongs to that fit, and to nobody else."""
    token = inside.set("a fit")
    fit(Net(), loader())
    inside.reset(token)
    assert record.runs == []


def test_options(record):
    """Curves per step and models can be left out, and whole trainings where the program has a run of its own."""
    INTEGRATION.autolog(log_steps=False, log_models=False)
    fit(Net(), loader())
    record.finish()
    assert "step/loss" not in record.run.metrics
    assert record.run.models == []
    INTEGRATION.autolog(exclusive=True)
    with autotrack.start_run(run_name="mine"):
        fit(Net(), loader())
    assert [sorted(run.metrics) for run in record.runs if run.name == "mine"] == [[]]


def test_a_model_becomes_the_next_version_of_a_registered_one(store):
    """Where it is asked for, and one model is trained."""
    INTEGRATION.autolog(registered_model_name="net")
    for _ in range(2):
        with autotrack.start_run():
            fit(Net(), loader())
    found = autotrack.search_model_versions(filter_string="name='net'")
    assert sorted(int(one.version) for one in found) == [1, 2]
    assert type(autotrack.torch.load_model("models:/net/2")).__name__ == "Net"


def test_the_model_as_it_was_at_the_end(record):
    """Also where the program has dropped it by then: it loads, and answers as it did."""
    torch.manual_seed(0)
    model = Net()
    fit(model, loader())
    x = torch.randn(4, 3, generator=GENERATOR.manual_seed(2))
    with torch.no_grad():
        expected = model(x)
    del model
    record.finish()
    assert record.run.models[0].tags["state"] == "final"
    assert '"shape\\": [-1, 3]' in record.run.models[0].signature.replace("\\\\", "\\")
    loaded = autotrack.torch.load_model(record.run.file("model"), trust=True)
    assert torch.equal(loaded(x), expected)


def test_weights_of_a_model_that_cannot_be_rebuilt(record):
    """Of a class that is defined inside a function the weights are kept."""

    class Local(Net):
        pass

    def train():
        model = Local()
        fit(model, loader())
        return {name: tensor.clone() for name, tensor in model.state_dict().items()}

    expected = train()
    record.finish()
    kept = load_file(record.run.file("model.safetensors"))
    assert all(torch.equal(kept[name], tensor) for name, tensor in expected.items())
    assert record.run.tags["autotrack.torch.model"].startswith("final weights only")


def test_steps_after_the_last_epoch(record):
    """The model says that it is not the final one, where its weights could not be found as the program dropped it."""

    def train(*, cycle):
        model = Net()
        fit(model, loader())
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        model(torch.ones(2, 3)).sum().backward()
        optimizer.step()
        if cycle:  # collected all at once
            vars(model)["myself"] = model

    for cycle in (True, False):
        train(cycle=cycle)
        gc.collect()
        record.finish()
    assert [run.models[0].tags["state"] for run in record.runs] == ["last epoch", "final"]


def test_random_numbers(record):
    """No generator is moved by recording."""
    torch.manual_seed(5)
    states = []
    for _ in range(2):
        random.seed(1), np.random.seed(1), torch.manual_seed(1)
        fit(Net(), loader())
        score(Net(), loader(10))
        record.finish()
        states.append((random.random(), np.random.rand(), torch.rand(1).item()))
        INTEGRATION.disable()
    assert states[0] == states[1]


@pytest.mark.parametrize("whole", [True, False])
def test_parts_of_a_model_in_the_next_one(record, whole):
    """What an encoder has learnt is used in a training of its own; a model put whole into another one goes on."""
    first = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    loader = DataLoader(TensorDataset(torch.randn(12, 4)), batch_size=4)

    def fit(model: nn.Module) -> None:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for (x,) in loader:
            optimizer.zero_grad()
            model(x).square().mean().backward()
            optimizer.step()

    fit(first)
    fit(nn.Sequential(first if whole else first[0], nn.Linear(4, 1)))
    record.finish()
    assert [run.params["steps"] for run in record.runs] == (["6"] if whole else ["3", "3"])


def test_an_optimizer_from_before(record):
    """Models and optimizers that were there when recording was switched on are recorded too."""
    INTEGRATION.disable()
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    INTEGRATION.enable()
    functional.cross_entropy(model(torch.ones(2, 3)), torch.tensor([0, 1])).backward()
    optimizer.step()
    record.finish()
    assert record.run.params["optimizer.lr"] == "0.1"
    assert record.run.params["parameters"] == "8"


def test_gradients_for_something_else(record):
    """What is minimised to attack an input, or fails, and is not used in a step, is not the loss."""
    torch.manual_seed(3)
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    expected = []
    for x, y in loader():
        x.requires_grad_(True)
        functional.cross_entropy(model(x), y).backward()
        attacked = (x + 0.1 * x.grad.sign()).detach()
        with pytest.raises(RuntimeError):
            x.detach().sum().backward()
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(attacked), y)
        loss.backward()
        optimizer.step()
        expected.append(loss.item())
    record.finish()
    assert record.run.metrics["step/loss"] == pytest.approx(expected)


def test_a_step_that_the_scaler_refuses(record):
    """Is no step; the loss of its batch counts all the same, and for itself."""
    torch.manual_seed(3)
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**126)
    expected = []
    for x, y in loader(40):
        optimizer.zero_grad()
        loss = functional.cross_entropy(100 * model(x), y)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update(2.0**10 if expected else None)
        expected.append(loss.item())
    record.finish()
    assert record.run.metrics["train/loss"] == pytest.approx([sum(expected) / 5])
    assert int(record.run.params["steps"]) < 5
    assert "gradient_accumulation" not in record.run.params
