"""Steps that are gathered leave the record of steps that are looked at one by one, whatever comes in between."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from autotrack_torch.steady import AFTER, Steady

CLOCKS = ("seconds", "samples_per_second", "grad_norm")


class Bench:
    """A model with its data, and single things that a program may do with them."""

    def __init__(self, *, classes: bool) -> None:
        torch.manual_seed(0)
        self.model = nn.Linear(4, 3)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1)
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, 7)
        x = torch.randn(90, 4)
        self.y = torch.randint(0, 3, (90,)) if classes else torch.randn(90, 3)
        self.loss: Callable[..., Any] = functional.cross_entropy if classes else functional.mse_loss
        self.train_loader = DataLoader(TensorDataset(x, self.y), batch_size=4)
        self.val_loader = DataLoader(TensorDataset(x[:20], self.y[:20]), batch_size=8)

    def step(self, x: Any, y: Any) -> None:
        self.optimizer.zero_grad()
        self.loss(self.model(x), y).backward()
        self.optimizer.step()

    def evaluate(self) -> None:
        with torch.no_grad():
            for x, y in self.val_loader:
                self.loss(self.model(x), y)


def plain(bench: Bench, x: Any, y: Any) -> None:
    bench.step(x, y)


def twice(bench: Bench, x: Any, y: Any) -> None:
    bench.optimizer.zero_grad()
    loss = bench.loss(bench.model(x), y)
    loss.backward(retain_graph=True)
    (0.5 * bench.model(x).square().mean()).backward()
    bench.optimizer.step()


def dropped(bench: Bench, x: Any, y: Any) -> None:
    bench.loss(bench.model(x), y).backward()
    bench.optimizer.zero_grad()
    bench.step(x, y)


def skipped(bench: Bench, x: Any, y: Any) -> None:
    bench.loss(bench.model(x), y)


def accumulated(bench: Bench, x: Any, y: Any) -> None:
    bench.loss(bench.model(x), y).backward()


def evaluated(bench: Bench, x: Any, y: Any) -> None:
    bench.step(x, y)
    bench.evaluate()


def scheduled(bench: Bench, x: Any, y: Any) -> None:
    bench.step(x, y)
    bench.scheduler.step()


def failing(bench: Bench, x: Any, y: Any) -> None:
    with pytest.raises(RuntimeError):
        bench.loss(bench.model(x), y).backward(torch.ones(7))
    bench.step(x, y)


def other(bench: Bench, x: Any, y: Any) -> None:
    bench.step(x, y)
    torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.5)


def interrupted(bench: Bench, x: Any, y: Any) -> None:
    bench.optimizer.zero_grad()
    loss = bench.loss(bench.model(x), y)
    torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.5)
    loss.backward()
    bench.optimizer.step()


def dropped_at_once(bench: Bench, x: Any, y: Any) -> None:
    bench.optimizer.zero_grad()
    bench.loss(bench.model(x), y).backward()
    bench.loss(bench.model(x), y)
    bench.step(2 * x, y)


ODD = (twice, dropped, skipped, accumulated, evaluated, scheduled, failing, other, interrupted, dropped_at_once)


@pytest.mark.parametrize("classes", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_gathered_steps_leave_the_same_record(recorded, seed, classes):
    """Odd things among plain steps, at random places; a pass that is left early, and an evaluation at the end."""

    def program() -> None:
        random.seed(seed)
        bench = Bench(classes=classes)
        for epoch in range(3):
            for at, (x, y) in enumerate(bench.train_loader):
                odd = random.choice(ODD) if random.random() < 0.1 else plain
                odd(bench, x, y)
                if epoch == 1 and at == 15:
                    break
            bench.evaluate()

    assert recorded(program, 1) == recorded(program, 10**9)


@pytest.mark.parametrize("classes", [False, True])
def test_gathered_steps_of_a_loop_without_a_loader_leave_the_same_record(recorded, classes):
    """Windows end where they would."""

    def program() -> None:
        bench = Bench(classes=classes)
        for step in range(430):
            at = step % 20
            bench.step(torch.full((4, 4), at / 10), bench.y[at : at + 4])
            if step == 217:
                bench.scheduler.step()

    assert recorded(program, 1) == recorded(program, 10**9)


@pytest.mark.parametrize("loaded", [True, False])
def test_most_steps_are_gathered(record, monkeypatch, loaded):
    """All but the first few of a pass, or of a loop without a loader."""
    seen: list[int] = []
    monkeypatch.setattr(
        Steady, "gather", lambda self, gather=Steady.gather: (seen.append(len(self._rows)), gather(self))
    )
    bench = Bench(classes=True)
    for _ in range(2):
        for x, y in bench.train_loader if loaded else list(bench.train_loader):
            bench.step(x, y)
    record.finish()
    assert sum(seen) >= 2 * (len(bench.train_loader) - 2 * AFTER)


@pytest.mark.parametrize("loss", ["cross_entropy", "nll_loss"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_every_sample_is_counted(record, loss, dtype):
    """How often the training was right is exact over all batches: small ones that are counted together, ties, classes
    that do not count, scores that are no numbers, and a last batch of another size."""
    torch.manual_seed(3)
    scores = nn.Parameter(torch.randn(203, 3).round(decimals=0).to(dtype))
    with torch.no_grad():
        scores[7], scores[60, 1] = torch.nan, torch.nan
    target = torch.randint(0, 3, (203,))
    target[::9] = -100
    optimizer = torch.optim.SGD([scores], lr=0.0)
    right = 0
    for (index,) in DataLoader(TensorDataset(torch.arange(203)), batch_size=4, shuffle=True):
        optimizer.zero_grad()
        getattr(functional, loss)(scores[index], target[index]).backward()
        right += int((scores[index].argmax(1) == target[index]).sum())
        optimizer.step()
    record.finish()
    assert record.run.metrics["train/accuracy"] == [right / int((target != -100).sum())]


@pytest.fixture
def recorded(monkeypatch):
    """What a program leaves when steps are gathered after so many that are alike."""
    from autotrack.testing import recording

    def run(program: Callable[[], None], after: int) -> Any:
        monkeypatch.setattr("autotrack_torch.loop.AFTER", after)
        with recording() as made:
            import autotrack

            autotrack.autolog()
            program()
            autotrack.disable()
        (run,) = made.runs
        metrics = {key: values for key, values in run.metrics.items() if not key.endswith(CLOCKS)}
        return metrics, run.params, {key for key in run.tags if "grad_norm" not in key}, run.status

    return run
