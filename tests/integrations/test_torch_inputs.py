"""What is recorded of the data, the model and the best weights of a PyTorch training."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional
from torch.utils.data import (
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    TensorDataset,
    random_split,
)

from autotrack_torch import INTEGRATION

X, Y = torch.arange(60.0).view(20, 3) / 60, torch.ones(20, 1)


class Own(Dataset):
    """Counts what is asked of it."""

    def __init__(self, values):
        self.values, self.targets, self.asked = values, np.ones((len(values), 1), np.float32), 0

    def __len__(self):
        return len(self.values)

    def __getitem__(self, index):
        self.asked += 1
        return self.values[index], self.targets[index]


class Stream(IterableDataset):
    def __iter__(self):
        return iter([(X[0], Y[0])] * 6)


class Made(Dataset):
    """Makes its samples."""

    def __len__(self):
        return 6

    def __getitem__(self, index):
        return X[index], Y[index]


def fit(train, val=None, epochs=1, lr=0.1, model=None):
    model = model or nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    train_loader = DataLoader(train, batch_size=4)
    val_loader = DataLoader(val, batch_size=4) if val is not None else []
    for _ in range(epochs):
        for x, y in train_loader:
            optimizer.zero_grad()
            functional.mse_loss(model(x), y).backward()
            optimizer.step()
        with torch.no_grad():
            for x, y in val_loader:
                functional.mse_loss(model(x), y)
    return model


def digest_of(record, data):
    """What is recorded of a training on some data."""
    fit(data)
    record.finish()
    (used,) = record.runs[-1].datasets
    return used.digest


def test_data_sets(record):
    """Training and validation data are inputs of the run, by the names of their loaders, with size and digest."""
    train, val = random_split(TensorDataset(X, Y), [15, 5], torch.Generator().manual_seed(1))
    fit(train, val)
    record.finish()
    run = record.run
    assert [(used.name, used.context) for used in run.datasets] == [("train_loader", "train"), ("val_loader", "val")]
    assert (run.params["train_samples"], run.params["val_samples"]) == ("15", "5")
    assert run.datasets[0].digest != run.datasets[1].digest


def test_digests(record):
    """The same data have the same digest, in whatever way they are held; others have another one."""
    same = digest_of(record, TensorDataset(X, Y))
    assert same == digest_of(record, TensorDataset(X.clone(), Y.clone()))
    assert same != digest_of(record, TensorDataset(X + 1, Y))
    array = X.numpy()
    assert digest_of(record, Own(array)) == digest_of(record, Own(array.copy()))
    assert digest_of(record, Own(array)) != digest_of(record, Own(array + 1))
    whole = TensorDataset(X, Y)
    assert digest_of(record, Subset(whole, [0, 1, 2, 3])) != digest_of(record, Subset(whole, [0, 1, 2, 4]))
    assert digest_of(record, ConcatDataset([whole, whole])) != same


def test_no_sample_is_loaded(record):
    """The program's data set is asked for the samples that its loop takes and for no other."""
    data = Own(X.numpy())
    fit(data)
    record.finish()
    assert data.asked == 20
    assert json.loads(record.run.datasets[0].profile)["features_shape"] == {"targets": [20, 1], "values": [20, 3]}


@pytest.mark.parametrize("data", [Stream(), [(X[0], Y[0])] * 6, Made()], ids=["stream", "list", "made"])
def test_data_that_cannot_be_read(record, data):
    """Class and length must do, and the digest says so."""
    fit(data)
    record.finish()
    (used,) = record.run.datasets
    assert used.digest.startswith("unread-")
    assert type(data).__name__ in used.source


def test_without_data_sets(record):
    """Where they are not wanted nothing is read."""
    INTEGRATION.autolog(log_datasets=False)
    fit(TensorDataset(X, Y))
    record.finish()
    assert record.run.datasets == []


def test_settings_of_a_run_that_dies_early(record):
    """What is known at the first step is there if the program dies in the first epoch."""

    class Dies(Own):
        def __getitem__(self, index):
            if index == 9:
                raise ArithmeticError
            return super().__getitem__(index)

    with pytest.raises(ArithmeticError):
        fit(Dies(X.numpy()))
    assert record.run.params["batch_size"] == "4"
    assert record.run.params["train_samples"] == "20"
    assert len(record.run.datasets) == 1


def test_an_epoch_that_is_cut_off(record):
    """The program that ends in the midst of an epoch leaves it marked as a part."""

    class Dies(Own):
        def __getitem__(self, index):
            if self.asked == 29:
                raise ArithmeticError
            return super().__getitem__(index)

    with pytest.raises(ArithmeticError) as died:
        fit(Dies(X.numpy()), epochs=2)
    record.finish(died.value)
    assert record.run.status == "FAILED"
    assert record.run.tags["autotrack.torch.partial"] == "epoch 1, after 2 batches"
    assert record.run.params["steps"] == "7"
    fit(TensorDataset(X, Y), epochs=2)
    record.finish()
    assert "autotrack.torch.partial" not in record.runs[-1].tags


def test_summary(record):
    """Every module, with the shapes of its parameters and their number."""
    model = nn.Sequential(nn.Linear(3, 2), nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 1, bias=False)))
    model[0].bias.requires_grad_(False)
    fit(TensorDataset(X, Y), model=model)
    record.finish()
    lines = record.run.file("model_summary.txt").read_text().splitlines()
    assert lines[2].split() == ["0", "Linear", "weight", "2x3,", "bias", "2", "8"]
    assert lines[-1] == "parameters 14, trainable 12, in buffers 5"


def test_best_weights(record):
    """Those of the epoch with the lowest validation loss are kept, where they are not the last ones."""
    val = TensorDataset(X, Y)

    def train():
        model = fit(TensorDataset(X, Y + 5), val, epochs=4, lr=0.02)
        losses.append(functional.mse_loss(model(X), Y).item())

    losses: list[float] = []
    train()
    record.finish()
    run = record.run
    best = run.metrics["val/loss"].index(min(run.metrics["val/loss"]))
    assert run.params["best_epoch"] == str(best)
    assert best < 3
    model = nn.Linear(3, 1)
    model.load_state_dict(load_file(run.file("best.safetensors")))
    assert functional.mse_loss(model(X), Y).item() == pytest.approx(min(run.metrics["val/loss"]))
    assert run.metrics["val/loss"][-1] == pytest.approx(losses[0])
