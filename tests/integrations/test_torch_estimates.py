"""Evaluations without a loader are recorded where the program says that they are evaluations."""

from __future__ import annotations

import pytest
import torch
from test_torch_programs import near, program  # noqa: F401 - a fixture
from torch import nn
from torch.nn import functional

X, Y = torch.linspace(-1, 1, 24).view(8, 3), torch.linspace(0, 1, 8).view(8, 1)


class Trained:
    """Makes one step at a time on all of its data."""

    def __init__(self):
        torch.manual_seed(3)
        self.model = nn.Linear(3, 1)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1)

    def step(self):
        self.model.train()
        loss = functional.mse_loss(self.model(X), Y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


def test_estimates(program):  # noqa: F811
    """The mean over the calls between two steps, under the name that a variable has, at the steps made before."""
    seen = program("estimated")
    expected = {"train": [], "val": []}
    for line in seen.printed.splitlines():
        split, *numbers = line.split()
        if split in expected:
            at, loss = int(numbers[0]), float(numbers[1])
            expected[split].append((at, loss))
    for split, name in (("train", "train_eval/loss"), ("val", "val/loss")):
        steps = list(dict.fromkeys(at for at, _ in expected[split]))
        means = [sum(loss for at, loss in expected[split] if at == step) / 5 for step in steps]
        assert seen.run.metrics[name] == near(means)
        assert seen.run.steps[name] == steps
    assert seen.run.metrics["step/loss"] == near([loss for _, loss in seen["loss"]])


def test_words_at_the_call(record):
    """The names in the call say which part it is; without one it is `val` if the model is in its eval mode."""
    trained, x_test, other = Trained(), X + 1, X + 2
    expected = {"test/loss": [], "val/loss": []}
    for _ in range(3):
        trained.step()
        trained.model.eval()
        with torch.inference_mode():
            expected["test/loss"].append(functional.mse_loss(trained.model(x_test), Y).item())
            expected["val/loss"].append(score(trained.model, other))
    record.finish()
    for name, values in expected.items():
        assert record.run.metrics[name] == pytest.approx(values)
        assert record.run.steps[name] == [1, 2, 3]


def score(model, x):
    return functional.mse_loss(model(x), Y).item()


def look_at_it(model):
    with torch.no_grad():
        return functional.l1_loss(model(X), Y)


def train_and_look(steps):
    trained = Trained()
    for _ in range(steps):
        trained.step()
        look_at_it(trained.model)


def test_a_look_at_a_loss(record):
    """Where nothing says that it is an evaluation, it is none."""
    look, steps = train_and_look, 5
    look(steps)
    record.finish()
    assert not any("l1_loss" in key or key.startswith("val") for key in record.run.metrics)


def test_sums_and_single_values(record):
    """Losses that are summed or not reduced count per sample; another function than the training's has its own name."""
    trained = Trained()
    trained.step()
    trained.model.eval()
    with torch.no_grad():
        functional.mse_loss(trained.model(X), Y, reduction="none")
        functional.l1_loss(trained.model(X), Y, reduction="sum")
        squares, errors = functional.mse_loss(trained.model(X), Y), functional.l1_loss(trained.model(X), Y)
    record.finish()
    assert record.run.metrics["val/loss"] == pytest.approx([squares.item()])
    assert record.run.metrics["val/l1_loss"] == pytest.approx([errors.item()])


def test_estimates_beside_epochs(record):
    """An evaluation on whole tensors after each pass over a loader lies at its epoch."""
    trained = Trained()
    expected = []
    for _ in range(2):
        for _ in torch.utils.data.DataLoader(X, batch_size=4):
            trained.step()
        trained.model.eval()
        with torch.no_grad():
            expected.append(functional.mse_loss(trained.model(X), Y).item())
    record.finish()
    assert record.run.metrics["val/loss"] == pytest.approx(expected)
    assert record.run.steps["val/loss"] == [0, 1]
