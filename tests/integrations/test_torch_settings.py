"""What torch was set to, how numbers are computed, and what the device holds."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from autotrack_torch import memory, optimized


@pytest.fixture
def backends():
    """Puts back what a test sets."""
    cudnn, matmul = torch.backends.cudnn.flags(enabled=torch.backends.cudnn.enabled), torch.backends.cuda.matmul
    before = matmul.fp32_precision
    with cudnn:
        yield torch.backends
    matmul.fp32_precision = before
    torch.use_deterministic_algorithms(False)


def fit(epochs=2, model=None, around=lambda: torch.autocast("cpu", enabled=False)):
    model = model or nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(epochs):
        for (x,) in DataLoader(TensorDataset(torch.ones(12, 3)), batch_size=4):
            optimizer.zero_grad()
            with around():
                loss = functional.mse_loss(model(x).float(), x[:, :1])
            loss.backward()
            optimizer.step()


def test_flags(record, backends):
    """Determinism and precision are recorded where they are not as usual."""
    fit()
    torch.use_deterministic_algorithms(True, warn_only=True)
    backends.cudnn.deterministic = True
    torch.set_float32_matmul_precision("high")
    fit()
    torch.set_float32_matmul_precision("highest")
    record.finish()
    plain, strict = (run.params for run in record.runs)
    assert not {"deterministic", "cudnn_deterministic", "float32_matmul_precision", "autocast"} & set(plain)
    assert (strict["deterministic"], strict["deterministic_warn_only"]) == ("True", "True")
    assert (strict["cudnn_deterministic"], strict["float32_matmul_precision"]) == ("True", "high")


@pytest.mark.skipif(not hasattr(torch.backends.cuda.matmul, "fp32_precision"), reason="torch has one setting only")
def test_precision_of_one_backend(record, backends):
    """Where a program sets it for one backend, torch's older question raises; nothing is lost for that."""
    before = backends.cuda.matmul.fp32_precision
    backends.cuda.matmul.fp32_precision = "tf32"
    with pytest.raises(RuntimeError):
        torch.get_float32_matmul_precision()
    fit()
    backends.cuda.matmul.fp32_precision = before
    record.finish()
    assert record.run.params["float32_matmul_precision"] == "tf32"
    assert record.run.params["optimizer"] == "SGD"


def test_what_autocast_computes_in(record):
    """The type is that of the model's first call; a scaler is noted if it has scaled a loss."""
    fit(around=lambda: torch.autocast("cpu", dtype=torch.float16))
    model = nn.Linear(3, 1)
    optimizer, scaler = torch.optim.SGD(model.parameters(), lr=0.1), torch.amp.GradScaler("cpu")
    for _ in range(3):
        with torch.autocast("cpu"):
            loss = functional.mse_loss(model(torch.ones(2, 3)), torch.ones(2, 1))
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
    record.finish()
    half, scaled = (run.params for run in record.runs)
    assert (half["autocast"], half["dtype"], "grad_scaler" in half) == ("float16", "float32", False)
    assert (scaled["autocast"], scaled["grad_scaler"]) == ("bfloat16", "True")


def test_peak_of_memory(record, monkeypatch):
    """It is asked for once an epoch, of each device with parameters, and the program's own peak is left alone."""
    asked: list[torch.device] = []

    def peak(device):
        asked.append(device)
        return 1000 * (device.index + 1) + len(asked)

    devices = {torch.device("cuda", 0), torch.device("cuda", 1)}
    monkeypatch.setattr(optimized, "devices_of", lambda _: devices)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", peak)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", None)
    fit()
    record.finish()
    assert [device.index for device in asked] == [0, 1, 0, 1]
    assert record.run.metrics["train/peak_memory_bytes/cuda:0"] == [1001, 1003]
    assert record.run.metrics["train/peak_memory_bytes/cuda:1"] == [2002, 2004]
    assert memory.peaks(set()) == {}
    assert memory.devices_of(torch.optim.SGD(nn.Linear(1, 1).parameters())) == set()


def test_time_of_a_step(record):
    """An epoch's time by its steps, and without a loader the time of a window."""
    fit()
    record.finish()
    metrics = record.run.metrics
    assert metrics["train/step_seconds"] == pytest.approx([seconds / 3 for seconds in metrics["train/epoch_seconds"]])
    weight = nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    for _ in range(150):
        weight.square().sum().backward()
        optimizer.step()
    record.finish()
    run = record.runs[-1]
    assert run.steps["train/step_seconds"] == [100, 150]
    (whole,) = run.metrics["training_seconds"]
    first, rest = run.metrics["train/step_seconds"]
    assert 100 * first + 50 * rest == pytest.approx(whole)
