"""What is recorded of a PyTorch loop beside its losses."""

from __future__ import annotations

import copy
import json
import math
import time

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from autotrack_torch import derived, norms


def regression(samples, batch_size=4):
    x = torch.randn(samples, 3, generator=torch.Generator().manual_seed(samples))
    return DataLoader(TensorDataset(x, x.sum(1, keepdim=True) + 1), batch_size=batch_size)


def fit(model, train_loader, epochs=2, loss=functional.mse_loss, before_step=None):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(epochs):
        for x, y in train_loader:
            optimizer.zero_grad()
            loss(model(x), y).backward()
            if before_step is not None:
                before_step(model)
            optimizer.step()


def test_errors_of_a_regression(record):
    """RMSE and MAE of an evaluation over all its samples; of the training what its loss tells."""
    model, val_loader = nn.Linear(3, 1), regression(9)
    fit(model, regression(10))
    with torch.no_grad():
        for x, y in val_loader:
            functional.mse_loss(model(x), y)
        x, y = val_loader.dataset.tensors
        error = model(x) - y
    record.finish()
    run = record.run
    assert run.metrics["train/rmse"] == pytest.approx([math.sqrt(loss) for loss in run.metrics["train/loss"]])
    assert run.metrics["val/rmse"] == pytest.approx([error.square().mean().sqrt().item()])
    assert run.metrics["val/mae"] == pytest.approx([error.abs().mean().item()])
    assert "train/mae" not in run.metrics


def test_perplexity_of_tokens(record):
    """The exponential of the loss, where there are more targets than samples; not where classes are of samples."""
    words = torch.randint(0, 5, (10, 7), generator=torch.Generator().manual_seed(1))
    train_loader = DataLoader(TensorDataset(words[:, :-1], words[:, 1:]), batch_size=4)
    valid_loader = DataLoader(TensorDataset(words[:6, :-1], words[:6, 1:]), batch_size=4)

    def loss(scores, y):
        return functional.cross_entropy(scores.flatten(0, 1), y.flatten())

    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 5))
    fit(model, train_loader, loss=loss)
    with torch.no_grad():
        for x, y in valid_loader:
            loss(model(x), y)
    record.finish()
    run = record.run
    for split in ("train", "val"):
        expected = [math.exp(value) for value in run.metrics[f"{split}/loss"]]
        assert run.metrics[f"{split}/perplexity"] == pytest.approx(expected)


def test_no_perplexity_of_views(record):
    """Several targets for a sample are no words, where the model looks nothing up."""
    loader = DataLoader(TensorDataset(torch.ones(8, 3), torch.zeros(8, dtype=torch.long)), batch_size=4)
    fit(nn.Linear(3, 2), loader, loss=lambda scores, y: functional.cross_entropy(scores.repeat(2, 1), y.repeat(2)))
    record.finish()
    assert not any("perplexity" in key for key in record.run.metrics)


@pytest.mark.parametrize("steps", [5, 30])
def test_accuracy_of_what_is_thrown_away(record, steps):
    """Batches whose gradients are used otherwise, as for an attack on the model, do not count; those that replace them
    do."""
    torch.manual_seed(2)
    loader = DataLoader(TensorDataset(torch.randn(4 * steps, 3), torch.randint(0, 2, (4 * steps,))), batch_size=4)
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    right = 0
    for x, y in loader:
        given = x.clone().requires_grad_(True)
        functional.cross_entropy(model(given), y).backward()
        attacked = x + given.grad.sign()
        optimizer.zero_grad()
        scores = model(attacked)
        functional.cross_entropy(scores, y).backward()
        right += int((scores.argmax(1) == y).sum())
        optimizer.step()
        optimizer.zero_grad()
    record.finish()
    assert record.run.metrics["train/accuracy"] == [right / (4 * steps)]


def test_no_perplexity_of_samples(record):
    """Nor of a loss that something is added to."""
    loader = DataLoader(TensorDataset(torch.ones(8, 3), torch.zeros(8, dtype=torch.long)), batch_size=4)
    fit(nn.Linear(3, 2), loader, loss=lambda scores, y: functional.cross_entropy(scores, y) + scores.pow(2).mean())
    fit(nn.Linear(3, 2), loader, loss=functional.cross_entropy)
    record.finish()
    assert not any("perplexity" in key for run in record.runs for key in run.metrics)


def test_the_norm_of_gradients(record, monkeypatch):
    """The mean over the steps that were looked at: their gradients as the optimizer uses them."""
    monkeypatch.setattr(norms, "SHARE", 1e9)
    seen = []

    def note(model):
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        seen.append(torch.cat([tensor.grad.flatten() for tensor in model.parameters()]).norm().item())

    fit(nn.Linear(3, 1), regression(16), before_step=note)
    record.finish()
    # The first step opens the run.
    assert record.run.metrics["grad_norm"] == pytest.approx([sum(seen[1:4]) / 3, sum(seen[4:]) / 4])
    assert record.run.tags["autotrack.torch.grad_norm"].startswith("sampled")
    assert record.run.params["clip_grad_norm"] == "0.5"


def test_norms_take_a_hundredth_of_the_time(record, monkeypatch):
    """However small the steps are; and a small model's gradients are looked at in every epoch."""
    spent = []

    def timed(optimizer, grads, original=norms._norm):
        started = time.perf_counter()
        found = original(optimizer, grads)
        spent.append(time.perf_counter() - started)
        return found

    monkeypatch.setattr(norms, "_norm", timed)
    started = time.perf_counter()
    fit(nn.Linear(3, 1), regression(400), epochs=10)
    assert 0 < sum(spent[:-1]) < 0.02 * (time.perf_counter() - started)
    record.finish()
    assert record.run.steps["grad_norm"] == [*range(10)]


def test_throughput(record):
    """Samples per second of a pass, and how long the program waited for its batches."""

    class Slow(TensorDataset):
        def __getitem__(self, index):
            time.sleep(0.001)
            return super().__getitem__(index)

    fit(nn.Linear(3, 1), DataLoader(Slow(torch.ones(12, 3), torch.ones(12, 1)), batch_size=4), epochs=1)
    record.finish()
    (seconds,), (waited,) = record.run.metrics["train/epoch_seconds"], record.run.metrics["train/data_seconds"]
    assert 0.012 <= waited <= seconds
    assert record.run.metrics["train/samples_per_second"] == pytest.approx([12 / seconds])


def test_the_best_epoch(record):
    """The one with the lowest validation loss."""
    model, optimizer = nn.Linear(3, 1), None
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    val_loader = regression(9)
    for offset in (3.0, 1.0, 2.0):
        for x, y in regression(10):
            functional.mse_loss(model(x), y).backward()
            optimizer.step()
        with torch.no_grad():
            for x, _ in val_loader:
                found = model(x)
                functional.mse_loss(found, found + offset)
    record.finish()
    assert record.run.metrics["val/loss"] == pytest.approx([9, 1, 4])
    assert record.run.params["best_epoch"] == "1"


def test_checkpoints(record, tmp_path):
    """A file that the program saves while it trains is noted with its size and the steps so far, and not read."""
    model, path = nn.Linear(3, 1), tmp_path / "last.pt"
    saved = []

    def save(model):
        torch.save(model.state_dict(), path)
        saved.append(path.stat().st_size)

    torch.save(model.state_dict(), tmp_path / "before.pt")
    fit(model, regression(10), before_step=save)
    record.finish()
    checkpoint = json.loads(record.run.tags["checkpoint.last.pt"])
    assert checkpoint == {"path": str(path), "size": saved[-1], "step": 5, "epochs": 1}
    assert "checkpoint.before.pt" not in record.run.tags
    assert not [tag for tag in record.run.tags if tag.startswith("checkpoint.") and "last" not in tag]


def test_how_torch_is_set(record):
    """What changes results or speed is a parameter, where it is not as it usually is."""
    torch.set_float32_matmul_precision("high")
    try:
        fit(nn.Linear(3, 1), regression(10))
    finally:
        torch.set_float32_matmul_precision("highest")
    fit(nn.Linear(3, 1), regression(10))
    record.finish()
    assert record.runs[0].params["float32_matmul_precision"] == "high"
    assert "float32_matmul_precision" not in record.runs[1].params
    assert "compiled" not in record.runs[0].params


def yes_or_no(samples, soft=0.0, width=1):
    x = torch.randn(samples, 3, generator=torch.Generator().manual_seed(samples))
    return DataLoader(TensorDataset(x, (x[:, :width] > 0).float().clamp(soft, 1 - soft)), batch_size=4)


@pytest.mark.parametrize("few", [2000, 0], ids=["listed", "as tensors"])
@pytest.mark.parametrize("logits", [True, False], ids=["logits", "probabilities"])
def test_accuracy_of_yes_or_no(record, monkeypatch, logits, few):
    """One score a sample is right where it lies on the side of its target, in training and evaluation."""
    monkeypatch.setattr(derived, "_FEW", few)
    head = nn.Identity() if logits else nn.Sigmoid()
    loss = nn.BCEWithLogitsLoss() if logits else functional.binary_cross_entropy
    model, train_loader, val_loader = nn.Sequential(nn.Linear(3, 1), head), yes_or_no(26), yes_or_no(9)
    before = copy.deepcopy(model)
    fit(model, train_loader, epochs=1, loss=loss)
    with torch.no_grad():
        for x, y in val_loader:
            loss(model(x), y)
    record.finish()
    x, y = val_loader.dataset.tensors
    right = ((model(x) > (0 if logits else 0.5)) == (y > 0)).float().mean().item()
    assert record.run.metrics["val/accuracy"] == pytest.approx([right])
    found = 0
    optimizer = torch.optim.SGD(before.parameters(), lr=0.05)
    for x, y in train_loader:
        optimizer.zero_grad()
        scores = before(x)
        found += ((scores > (0 if logits else 0.5)) == (y > 0)).sum().item()
        loss(scores, y).backward()
        optimizer.step()
    assert record.runs[0].metrics["train/accuracy"] == pytest.approx([found / 26])


@pytest.mark.parametrize("few", [2000, 0], ids=["listed", "as tensors"])
@pytest.mark.parametrize("data", [yes_or_no(12, soft=0.1), yes_or_no(12, width=3)], ids=["in between", "several"])
def test_no_accuracy_of_what_is_no_answer(record, monkeypatch, data, few):
    """Targets between 0 and 1, or several for a sample, are neither right nor wrong."""
    monkeypatch.setattr(derived, "_FEW", few)
    fit(nn.Linear(3, data.dataset.tensors[1].shape[1]), data, loss=functional.binary_cross_entropy_with_logits)
    record.finish()
    assert len(record.run.metrics["train/loss"]) == 2
    assert not any("accuracy" in name for name in record.run.metrics)
