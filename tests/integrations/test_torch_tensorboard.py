"""What a program writes for TensorBoard is in its run too, as it was written."""

from __future__ import annotations

import pickle
import threading

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import autotrack
from autotrack_torch import INTEGRATION

pytest.importorskip("tensorboard")
from torch.utils.tensorboard import SummaryWriter


def batches():
    return DataLoader(TensorDataset(torch.ones(12, 3), torch.zeros(12, 1)), batch_size=4)


class Trained:
    """A model that makes one step at a time."""

    def __init__(self):
        self.model = nn.Linear(3, 1)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1)

    def step(self):
        self.optimizer.zero_grad()
        loss = functional.mse_loss(self.model(torch.ones(2, 3)), torch.zeros(2, 1))
        loss.backward()
        self.optimizer.step()
        return loss


def test_scalars(record):
    """Each has its name, its step and its time; a float is kept whole, of a tensor what the writer made of it."""
    trained = Trained()
    with SummaryWriter("runs/one") as writer:
        for step in range(3):
            loss = trained.step()
            writer.add_scalar("Loss/train", loss.item() / 3, step * 10, walltime=1000.5 + step)
            writer.add_scalar("loss as a tensor", loss, global_step=step)
            writer.add_scalars("both", {"low": 0.1, "high": loss * 2}, step)
            writer.add_histogram("weights", trained.model.weight, step)
    record.finish()
    losses = record.run.metrics["step/loss"]
    assert record.run.metrics["Loss/train"] == [loss / 3 for loss in losses]
    assert record.run.steps["Loss/train"] == [0, 10, 20]
    assert record.run.metrics["loss as a tensor"] == pytest.approx(losses)
    assert record.run.metrics["both/low"] == [0.1] * 3
    assert record.run.metrics["both/high"] == pytest.approx([2 * loss for loss in losses])
    assert not any("weights" in key for key in record.run.metrics)


def test_names_that_mean_something_here(record):
    """A scalar of the program's does not come between the points of a curve that is recorded under that name."""
    trained = Trained()
    with SummaryWriter("runs/two") as writer:
        for _ in batches():
            writer.add_scalar("train/loss", trained.step().item() + 1)
            writer.add_scalar("lr", 7.0)
    record.finish()
    assert len(record.run.metrics["train/loss"]) == 1
    assert len(record.run.metrics["tensorboard/train/loss"]) == 3
    assert record.run.metrics["lr"] == [0.1]
    assert record.run.metrics["tensorboard/lr"] == [7.0] * 3


def test_what_was_written_before_the_first_step(record):
    """Belongs to the training that follows, also where another one was before."""
    for name in ("first", "second"):
        trained = Trained()
        writer = SummaryWriter(f"runs/{name}")
        writer.add_scalar("episode", 1.0 if name == "first" else 2.0, 0)
        trained.step()
        writer.add_scalar("episode", 3.0, 1)
        writer.close()
    record.finish()
    assert [run.metrics["episode"] for run in record.runs] == [[1.0, 3.0], [2.0, 3.0]]


def test_no_run_is_opened_for_it(record):
    """Scalars without a training are recorded where the program has a run of its own."""
    with SummaryWriter("runs/three") as writer:
        writer.add_scalar("alone", 1.0)
        assert record.runs == []
        with autotrack.start_run():
            writer.add_scalar("mine", 2.0)
            other = threading.Thread(target=writer.add_scalar, args=("of another thread", 3.0))
            other.start()
            other.join()
    assert record.run.metrics == {"alone": [1.0], "mine": [2.0], "of another thread": [3.0]}


def test_hyperparameters(record):
    """Become parameters, their metrics metrics."""
    trained = Trained()
    trained.step()
    with SummaryWriter("runs/four") as writer:
        writer.add_hparams({"width": 3, "kind": "linear"}, {"hparam/accuracy": 0.5}, run_name="hp")
    record.finish()
    assert record.run.params["width"] == "3"
    assert record.run.params["kind"] == "linear"
    assert record.run.metrics["hparam/accuracy"] == [0.5]


def test_what_the_writer_refuses(record):
    """Raises as it does without a record, and is not recorded."""
    trained = Trained()
    trained.step()
    with SummaryWriter("runs/five") as writer:
        with pytest.raises(AssertionError, match="one element"):
            writer.add_scalar("two", torch.ones(2))
        writer.add_scalar("one", torch.ones(1))
        pickle.loads(pickle.dumps(SummaryWriter.add_scalar))(writer, "one", 2.0)
    INTEGRATION.disable()
    assert record.run.metrics["one"] == [1.0, 2.0]
    assert "two" not in record.run.metrics


class Elsewhere(torch.Tensor):
    """A tensor that claims to lie on a device; each way to its number counts."""

    asked = 0
    is_cpu = property(lambda _: False)

    def cpu(self):
        type(self).asked += 1
        return torch.Tensor.cpu(self.as_subclass(torch.Tensor))

    item = __float__ = __int__ = cpu


def test_a_device_is_waited_for_by_the_writer_alone(record):
    """The number is read once, by the program's own call; a step that lies on a device is not read again at all."""
    trained = Trained()
    trained.step()
    Elsewhere.asked = 0
    with SummaryWriter("runs/six") as writer:
        writer.add_scalar("far", torch.tensor(0.25).as_subclass(Elsewhere), 1)
    assert Elsewhere.asked == 1
    assert record.run.metrics["far"] == [0.25]
