"""On a GPU: nothing waits for it, graphs are captured, and nothing is kept. The last two are shown on the CPU too."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset
from torch_matrix import same

from autotrack_torch import INTEGRATION

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
DEVICES = ["cpu", pytest.param("cuda", marks=CUDA)]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 5))

    def forward(self, x):
        return self.layers(x)


def batches(samples, *, pin):
    generator = torch.Generator().manual_seed(samples)
    data = TensorDataset(torch.randn(samples, 16, generator=generator), torch.randint(0, 5, (samples,)))
    return DataLoader(data, batch_size=16, pin_memory=pin)


def train(device, epochs=3):
    """A loop that never waits for the device itself; per epoch the losses and sizes of training and validation."""
    torch.manual_seed(0)
    on_gpu = device != "cpu"
    train_loader, val_loader = batches(72, pin=on_gpu), batches(24, pin=on_gpu)
    model = Net().to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=on_gpu or None)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    found: list[Any] = []
    for _ in range(epochs):
        model.train()
        for x, y in train_loader:
            x, y = x.to(device, non_blocking=True), y.to(device, non_blocking=True)  # noqa: PLW2901
            with torch.autocast(device, dtype=torch.bfloat16):
                loss = functional.cross_entropy(model(x), y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            found.append(("train", len(x), loss.detach().clone()))
        scheduler.step()
        model.eval()
        with torch.no_grad():
            for x, y in val_loader:
                x, y = x.to(device, non_blocking=True), y.to(device, non_blocking=True)  # noqa: PLW2901
                found.append(("val", len(x), functional.cross_entropy(model(x), y)))
    return found


def per_epoch(found, split, epochs=3):
    mine = [(n, loss.item()) for name, n, loss in found if name == split]
    size = len(mine) // epochs
    parts = [mine[at : at + size] for at in range(0, len(mine), size)]
    return [sum(n * loss for n, loss in part) / sum(n for n, _ in part) for part in parts]


@pytest.mark.parametrize("device", DEVICES)
def test_no_step_waits(record, device):
    """The whole loop passes where whatever waits for the device is an error, and every value is the one it gave."""
    if device == "cuda":
        train(device, 1)  # what torch itself does at first
        record.finish()
        torch.cuda.synchronize()
        torch.cuda.set_sync_debug_mode("error")
    try:
        found = train(device)
    finally:
        if device == "cuda":
            torch.cuda.set_sync_debug_mode("default")
    record.finish()
    run = record.runs[-1]
    assert run.metrics["train/loss"] == pytest.approx(per_epoch(found, "train"), rel=1e-6)
    assert run.metrics["val/loss"] == pytest.approx(per_epoch(found, "val"), rel=1e-6)
    assert run.steps["train/loss"] == run.steps["val/loss"] == [0, 1, 2]
    assert len(run.metrics["step/loss"]) == 15
    assert len(run.metrics["train/accuracy"]) == 3


@CUDA
def test_histograms_do_not_wait(record):
    """Those of gradients come over like the losses."""
    INTEGRATION.autolog(log_gradients=True)
    train("cuda", 1)
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        train("cuda")
    finally:
        torch.cuda.set_sync_debug_mode("default")
    record.finish()
    assert all(any(path.startswith("gradients/") for path in run.artifacts) for run in record.runs)


@pytest.mark.parametrize("device", DEVICES)
def test_the_same_with_and_without(device):
    """Losses, weights and the streams of random numbers, to the bit."""

    def program() -> Any:
        found = train(device)
        return found, torch.cuda.get_rng_state() if device == "cuda" else None

    same(program)


@CUDA
def test_graphs_are_captured():
    """A step that is captured is captured, and what it replays is what it replays without a record."""

    def program() -> Any:
        torch.manual_seed(0)
        model = Net().cuda()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, capturable=True)
        x, y = torch.randn(16, 16, device="cuda"), torch.randint(0, 5, (16,), device="cuda")
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                optimizer.zero_grad(set_to_none=True)
                functional.cross_entropy(model(x), y).backward()
                optimizer.step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        optimizer.zero_grad(set_to_none=True)
        with torch.cuda.graph(graph):
            loss = functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        losses = []
        for _ in range(5):
            x.copy_(torch.randn(16, 16, device="cuda"))
            graph.replay()
            losses.append(loss.item())
        return losses, model.state_dict()

    same(program)


@CUDA
def test_peak_of_memory(record):
    """It is what torch says at an epoch's end, and the program's own peak is not set back."""
    torch.cuda.reset_peak_memory_stats()
    train("cuda")
    record.finish()
    peaks = record.run.metrics["train/peak_memory_bytes"]
    assert len(peaks) == 3
    assert peaks == sorted(peaks)
    assert peaks[-1] <= torch.cuda.max_memory_allocated()
    assert record.run.params["autocast"] == "bfloat16"


@CUDA
def test_what_a_dropped_model_leaves(record):
    """The numbers of its weights stay on the device until the run ends, and nothing else does."""

    def program() -> int:
        model = Net().cuda()
        optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
        for _ in range(5):
            optimizer.zero_grad()
            functional.cross_entropy(model(torch.ones(16, 16, device="cuda")), torch.zeros(16).long().cuda()).backward()
            optimizer.step()
        return sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())

    program()
    record.finish()
    before = torch.cuda.memory_allocated()
    size = program()
    assert torch.cuda.memory_allocated() - before <= 2 * size + 4096
    record.finish()
    assert torch.cuda.memory_allocated() <= before
    assert [run.models[0].tags["state"] for run in record.runs] == ["final", "final"]


@CUDA
def test_memory_of_the_device(record):
    """A recorded loop takes no more of it than what it trains."""
    model = Net().cuda()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x, y = torch.randn(16, 16, device="cuda"), torch.randint(0, 5, (16,), device="cuda")
    sizes = []
    for _ in range(50):
        optimizer.zero_grad()
        functional.cross_entropy(model(x), y).backward()
        optimizer.step()
        sizes.append(torch.cuda.memory_allocated())
    assert max(sizes[5:]) == min(sizes[5:])


@pytest.mark.parametrize("device", DEVICES)
def test_tensors_are_let_go(record, device):
    """Batches, scores, losses and gradients are gone two steps later at the latest, without a collection of garbage."""
    model = Net().to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    seen: list[list[weakref.ref[Any]]] = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(2):
            for x, y in batches(160, pin=False):
                x, y = x.to(device), y.to(device)  # noqa: PLW2901
                scores = model(x)
                loss = functional.cross_entropy(scores, y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                kept = [x, y, scores, loss, *(parameter.grad for parameter in model.parameters())]
                seen.append([weakref.ref(tensor) for tensor in kept])
                del kept
                if device == "cuda":
                    torch.cuda.synchronize()
                assert [ref() for refs in seen[:-2] for ref in refs if ref() is not None] == []
    finally:
        gc.enable()
