"""Optimizers, schedulers and loaders of torch do the same, to the bit, with and without a record.

What is compared: losses, weights, gradients, the optimizer's and scheduler's own state, every dtype, and where the
global random streams stand. A part of the matrix runs always, all of it with the slow tests.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn, optim
from torch.nn import functional
from torch.optim import lr_scheduler
from torch.utils.data import BatchSampler, DataLoader, IterableDataset, RandomSampler, TensorDataset, get_worker_info
from torch_matrix import same, slice_of


class Net(nn.Module):
    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.hidden, self.out = nn.Linear(5, 4, bias=False, dtype=dtype), nn.Linear(4, 3, bias=False, dtype=dtype)
        self.drop = nn.Dropout(0.2)

    def forward(self, x: Any) -> Any:
        return self.out(self.drop(torch.tanh(self.hidden(x))))


def data(dtype: torch.dtype = torch.float32) -> TensorDataset:
    return TensorDataset(torch.randn(20, 5).to(dtype), torch.randint(0, 3, (20,)))


def fit(
    model: nn.Module,
    optimizer: optim.Optimizer,
    batches: Iterable[Any],
    *,
    epochs: int = 2,
    scheduler: Any = None,
    closure: bool = False,
) -> Any:
    """Train and evaluate; everything that came of it."""
    losses = []
    for _ in range(epochs):
        for x, y in batches:

            def minimise(x: Any = x, y: Any = y) -> Any:
                optimizer.zero_grad()
                loss = functional.cross_entropy(model(x).float(), y)
                loss.backward()
                return loss

            loss = optimizer.step(minimise) if closure else minimise()
            if not closure:
                optimizer.step()
            losses.append(loss.detach())
            if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
                scheduler.step(loss.item())
            elif scheduler is not None:
                scheduler.step()
        model.eval()
        with torch.no_grad():
            losses += [functional.cross_entropy(model(x).float(), y) for x, y in batches]
        model.train()
    gradients = [None if one.grad is None else one.grad.to_dense() for one in model.parameters()]
    states = [optimizer.state_dict(), scheduler.state_dict() if scheduler is not None else None]
    return losses, model.state_dict(), gradients, states


# Optimizers

OPTIMIZERS: dict[str, Callable[[Any], optim.Optimizer]] = {
    "Adadelta": optim.Adadelta, "Adadelta.foreach": lambda p: optim.Adadelta(p, foreach=True),
    "Adafactor": optim.Adafactor,
    "Adagrad": optim.Adagrad, "Adagrad.fused": lambda p: optim.Adagrad(p, fused=True),
    "Adam": optim.Adam, "Adam.amsgrad": lambda p: optim.Adam(p, amsgrad=True, weight_decay=0.1),
    "Adam.fused": lambda p: optim.Adam(p, fused=True), "Adam.foreach": lambda p: optim.Adam(p, foreach=True),
    "Adam.differentiable": lambda p: optim.Adam(p, lr=0.01, differentiable=False, maximize=True),
    "Adam.rate in a tensor": lambda p: optim.Adam(p, lr=torch.tensor(0.01)),
    "Adamax": optim.Adamax,
    "AdamW": optim.AdamW, "AdamW.fused": lambda p: optim.AdamW(p, fused=True),
    "ASGD": optim.ASGD,
    "LBFGS": optim.LBFGS, "LBFGS.wolfe": lambda p: optim.LBFGS(p, line_search_fn="strong_wolfe"),
    "Muon": optim.Muon,
    "NAdam": optim.NAdam, "RAdam": optim.RAdam,
    "RMSprop": optim.RMSprop, "RMSprop.centered": lambda p: optim.RMSprop(p, centered=True, momentum=0.5),
    "Rprop": optim.Rprop,
    "SGD": lambda p: optim.SGD(p, lr=0.1), "SGD.nesterov": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "SGD.fused": lambda p: optim.SGD(p, lr=0.1, fused=True),
    "SGD.groups": lambda p: optim.SGD([{"params": [one], "lr": 0.1 * at} for at, one in enumerate(p, 1)]),
    "SparseAdam": optim.SparseAdam,
}  # fmt: skip


@pytest.mark.parametrize("case", slice_of(OPTIMIZERS))
def test_optimizers(case):
    """Steps, closures and states are those of a program without a record."""

    def program() -> Any:
        if case == "SparseAdam":
            model: nn.Module = nn.Sequential(nn.Embedding(9, 3, sparse=True), nn.Flatten(), nn.Unflatten(1, (2, 3)))
            inputs, targets = torch.randint(0, 9, (12, 2)), torch.randint(0, 2, (12, 3))
            loader = DataLoader(TensorDataset(inputs, targets), batch_size=5)
        else:
            model, loader = Net(), DataLoader(data(), batch_size=8, shuffle=True)
        optimizer = OPTIMIZERS[case](model.parameters())
        return fit(model, optimizer, loader, closure=case.startswith("LBFGS"))

    (run,) = same(program)
    assert run.params["optimizer"] == case.partition(".")[0]
    assert (run.params["epochs"], len(run.metrics["train/loss"])) == ("2", 2)


def test_every_optimizer_has_a_case():
    """One that torch adds is to be added here."""
    there = {name for name, found in vars(optim).items() if inspect.isclass(found)} - {"Optimizer"}
    assert there <= {case.partition(".")[0] for case in OPTIMIZERS}


@pytest.mark.parametrize("dtype", [torch.bfloat16, pytest.param(torch.float64, marks=pytest.mark.slow)], ids=str)
def test_dtypes(dtype):
    """No value changes its kind on the way."""

    def program() -> Any:
        model = Net(dtype)
        return fit(model, optim.SGD(model.parameters(), lr=0.1), DataLoader(data(dtype), batch_size=8))

    (run,) = same(program)
    assert run.params["dtype"] == str(dtype).removeprefix("torch.")


# Schedulers

SCHEDULERS: dict[str, Callable[[Any], Any]] = {
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda step: 0.9**step),
    "MultiplicativeLR": lambda o: lr_scheduler.MultiplicativeLR(o, lambda _: 0.95),
    "StepLR": lambda o: lr_scheduler.StepLR(o, 2),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [1, 3]),
    "ConstantLR": lr_scheduler.ConstantLR,
    "LinearLR": lr_scheduler.LinearLR,
    "ExponentialLR": lambda o: lr_scheduler.ExponentialLR(o, 0.9),
    "PolynomialLR": lr_scheduler.PolynomialLR,
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, 6),
    "CosineAnnealingWarmRestarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 3),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.1, 2),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.2, total_steps=9),
    "ReduceLROnPlateau": lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=0),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.ConstantLR(o), lr_scheduler.ExponentialLR(o, 0.9)], [2]
    ),
    "ChainedScheduler": lambda o: lr_scheduler.ChainedScheduler(
        [lr_scheduler.ConstantLR(o), lr_scheduler.ExponentialLR(o, 0.9)]
    ),
    "SWALR": lambda o: optim.swa_utils.SWALR(o, 0.05, 2),
}


@pytest.mark.parametrize("case", slice_of(SCHEDULERS))
def test_schedulers(case):
    """Rates are the same in every step; the last one of an epoch is what is recorded."""

    def program() -> Any:
        model = Net()
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.5)
        rates: list[float] = []
        handle = optimizer.register_step_pre_hook(lambda o, _a, _k: rates.append(o.param_groups[0]["lr"]))
        came = fit(model, optimizer, DataLoader(data(), batch_size=8), scheduler=SCHEDULERS[case](optimizer))
        handle.remove()
        seen.append(rates)
        return came, rates

    seen: list[list[float]] = []
    (run,) = same(program)
    assert run.metrics["lr"] == [seen[1][2], seen[1][5]]
    assert run.params["scheduler"]


def test_every_scheduler_has_a_case():
    """One that torch adds is to be added here."""
    there = {
        name
        for name, found in vars(lr_scheduler).items()
        if inspect.isclass(found) and issubclass(found, lr_scheduler.LRScheduler) and not name.startswith("_")
    }
    assert there - {"LRScheduler"} <= set(SCHEDULERS)


# Loaders


class Counted(IterableDataset[Any]):
    """Twenty samples, of which each worker yields its part."""

    def __iter__(self) -> Any:
        worker = get_worker_info()
        first, stride = (worker.id, worker.num_workers) if worker else (0, 1)
        for at in range(first, 20, stride):
            yield torch.full((5,), at / 20), at % 3


class Augmented(TensorDataset):
    """Draws from every global random stream as it loads."""

    def __getitem__(self, index: int) -> Any:
        x, y = super().__getitem__(index)
        return x + torch.rand(1) + random.random() + float(np.random.rand()), y


def augmented() -> Augmented:
    return Augmented(*data().tensors)


def pairwise(samples: Any) -> Any:
    return torch.stack([x for x, _ in samples]) * 2, torch.as_tensor([int(y) for _, y in samples])


def start(worker: int) -> None:
    torch.manual_seed(worker)
    np.random.seed(worker)


def batches_of(dataset: Any) -> BatchSampler:
    return BatchSampler(RandomSampler(dataset), 7, drop_last=False)


LOADERS: dict[str, Callable[[Any], tuple[Any, Mapping[str, Any]]]] = {
    "plain": lambda d: (d, {"batch_size": 8}),
    "shuffled": lambda d: (d, {"batch_size": 8, "shuffle": True}),
    "own generator": lambda d: (
        d, {"batch_size": 8, "shuffle": True, "generator": torch.Generator().manual_seed(3)},
    ),
    "last one dropped": lambda d: (d, {"batch_size": 8, "drop_last": True}),
    "sampler": lambda d: (d, {"batch_size": 8, "sampler": RandomSampler(d, replacement=True, num_samples=30)}),
    "batch sampler": lambda d: (d, {"batch_sampler": batches_of(d)}),
    "collated": lambda d: (d, {"batch_size": 8, "collate_fn": pairwise}),
    "iterable": lambda _: (Counted(), {"batch_size": 6}),
    "iterable, last one dropped": lambda _: (Counted(), {"batch_size": 6, "drop_last": True}),
    "batches in the data": lambda d: ([d[0:5], d[5:9]], {"batch_size": None}),
    "workers": lambda d: (d, {"batch_size": 8, "shuffle": True, "num_workers": 2}),
    "workers that stay": lambda d: (d, {"batch_size": 8, "num_workers": 2, "persistent_workers": True}),
    "workers that fetch ahead": lambda d: (d, {"batch_size": 4, "num_workers": 2, "prefetch_factor": 4}),
    "workers of an iterable": lambda _: (Counted(), {"batch_size": 6, "num_workers": 2}),
    "workers with a start": lambda d: (d, {"batch_size": 8, "num_workers": 2, "worker_init_fn": start}),
    "workers that collate": lambda d: (d, {"batch_sampler": batches_of(d), "num_workers": 1, "collate_fn": pairwise}),
    "workers that spawn": lambda d: (d, {"batch_size": 8, "num_workers": 1, "multiprocessing_context": "spawn"}),
    "workers out of order": lambda _: (Counted(), {"batch_size": 5, "num_workers": 1, "in_order": False}),
    "a time limit": lambda d: (d, {"batch_size": 8, "num_workers": 1, "timeout": 60}),
    "pinned": lambda d: (d, {"batch_size": 8, "pin_memory": True}),
}  # fmt: skip
CHEAP = [case for case in LOADERS if "worker" not in case and "limit" not in case]


@pytest.mark.filterwarnings("ignore:'pin_memory' argument is set")  # torch's own, where there is no accelerator
@pytest.mark.parametrize("case", slice_of(LOADERS, always=[*CHEAP[::2], "workers that stay"]))
def test_loaders(case):
    """Batches, their order and what the random streams give are the same; two passes are two epochs."""

    def program() -> Any:
        model = Net()
        dataset, settings = LOADERS[case](augmented())
        loader: Any = DataLoader(dataset, **settings)
        came = fit(model, optim.SGD(model.parameters(), lr=0.1), loader)
        batches.append([len(x) for x, _ in loader])
        return came, batches[-1], torch.rand(3), random.random(), np.random.rand()

    batches: list[list[int]] = []
    (run,) = same(program)
    assert run.params["epochs"] == "2"
    assert run.params["steps"] == str(2 * len(batches[0]))
    assert len(run.metrics["train/loss"]) == len(run.metrics["val/loss"]) == 2
