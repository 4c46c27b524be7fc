"""A training step of about a millisecond in plain PyTorch, on one thread of the CPU.

What autolog() adds is a hundredth of a step, or a tenth where the step does next to nothing. So trainings with it and
without are taken in turn, and of each the lower quartile of its steps: a mean over a training, of processor time too,
takes in what a neighbour does to the caches and when garbage is collected, which differs by more than what is measured
from one training to the next. It leaves out what is done once in many steps, which is to write down what they gave;
a test of the time inside autotrack's frames, over ten thousand steps, takes that in.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import chain, repeat
from statistics import median
from typing import Any

from benchmarks.tracker import Tracker
from benchmarks.workload import Evidence, Measured, Row, quantile

BATCH, WIDTH = 64, 400
STEPS, PAIRS = 150, 8
TINY_STEPS, TINY_PAIRS = 2000, 9
LOGGED = 1000
SKIPPED = 10
"""Steps at the start of a training that are not counted: a run is opened in the first."""
QUARTER = 0.25
"""The lower quartile of many steps, which a neighbour's load moves less than it moves their median."""
ROWS = (
    Row("bare", "the step alone", compared=False),
    # Ten for the hooks, and fifteen for what is counted besides.
    Row("hooks", "added per step by autolog(), accuracy included (pairs of trainings with and without)", limit=25e-6),
    Row("tiny", "… to a step of next to nothing", limit=25e-6),
    Row("plain", "… the same with a loss that has no classes to count (mean squared error)", limit=10e-6),
    Row("log", "added per step by logging the loss by hand (every other step)"),
)


def measure(tracker: type[Tracker]) -> Measured:
    """Train with hooks and without in turn; then train once and log the loss of every other step by hand."""
    import torch  # heavy: not in the process that only draws the table

    torch.set_num_threads(1)
    used = tracker()
    training = _Training(torch, BATCH, WIDTH, STEPS)
    measured = Measured()

    if used.distribution == "autotrack-ml":  # no peer has hooks for a plain loop
        tiny = _Training(torch, 2, 4, TINY_STEPS)
        plain = _Training(torch, 2, 4, TINY_STEPS, classes=False)
        measured.figures["hooks"] = _hooks(used, training, STEPS, PAIRS)
        measured.figures["tiny"] = _hooks(used, tiny, TINY_STEPS, TINY_PAIRS)
        measured.figures["plain"] = _hooks(used, plain, TINY_STEPS, TINY_PAIRS)

    run = used.open()
    log = used.logger()

    def by_hand(step: int, loss: float) -> None:
        if step % 2:
            log("loss", loss, step)

    taken = training.steps(LOGGED, by_hand)
    used.close()
    bare, logged = quantile(taken[SKIPPED::2], QUARTER), quantile(taken[SKIPPED + 1 :: 2], QUARTER)
    measured.figures |= {"bare": bare / 1e9, "log": (logged - bare) / 1e9}
    measured.evidence.append(Evidence(run, "loss", LOGGED // 2))
    return measured


def _hooks(used: Tracker, training: _Training, steps: int, pairs: int) -> float:
    """Seconds that a step takes longer under autolog(), from trainings in turn."""
    added = []
    for _ in range(pairs):
        without = _undisturbed(training, steps)
        used.autolog()
        added.append(_undisturbed(training, steps) - without)
        used.disable()
    return median(added)


def _undisturbed(training: _Training, steps: int) -> float:
    return quantile(training.steps(steps)[SKIPPED:], QUARTER) / 1e9


class _Training:
    """A network of that width on random data, so many batches of it an epoch; each call of :meth:`steps` is a
    new training with a new optimizer."""

    def __init__(self, torch: Any, batch: int, width: int, batches: int, *, classes: bool = True) -> None:
        self.torch, self.batch, self.width = torch, batch, width
        self.criterion = (torch.nn.CrossEntropyLoss if classes else torch.nn.MSELoss)()
        count = batch * batches
        inputs, labels = torch.randn(count, 64), torch.randint(0, 10, (count,)) if classes else torch.randn(count, 10)
        self.data = torch.utils.data.TensorDataset(inputs, labels)

    def steps(self, count: int, each: Callable[[int, float], object] = max) -> list[int]:
        """Nanoseconds of each step, from one batch's loading to the next one's."""
        nn, width = self.torch.nn, self.width
        model = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10))
        optimizer = self.torch.optim.SGD(model.parameters(), lr=0.01)
        loader = self.torch.utils.data.DataLoader(self.data, batch_size=self.batch)
        clock, taken = time.perf_counter_ns, []
        begin = clock()
        for step, (inputs, labels) in zip(range(count), chain.from_iterable(repeat(loader)), strict=False):
            optimizer.zero_grad()
            loss = self.criterion(model(inputs), labels)
            loss.backward()
            optimizer.step()
            each(step, loss.item())
            end = clock()
            taken.append(end - begin)
            begin = end
        return taken
