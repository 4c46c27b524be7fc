"""A training step of about a millisecond in plain PyTorch, on one thread of the CPU."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import chain, repeat
from statistics import median
from typing import Any

from benchmarks.tracker import Tracker
from benchmarks.workload import Evidence, Measured, Row

BATCH, STEPS, WIDTH = 64, 150, 400
PAIRS, LOGGED = 8, 1000
SKIPPED = 10
"""Steps at the start of a training that are not counted: a run is opened in the first."""
ROWS = (
    Row("bare", "the step alone", compared=False),
    Row("hooks", "added per step by autolog() (pairs of trainings with and without)", limit=10e-6),
    Row("log", "added per step by logging the loss by hand (every other step)"),
)


def measure(tracker: type[Tracker]) -> Measured:
    """Train with hooks and without in turn; then train once and log the loss of every other step by hand."""
    import torch  # heavy: not in the process that only draws the table

    torch.set_num_threads(1)
    used = tracker()
    training = _Training(torch)
    measured = Measured()

    if used.distribution == "autotrack-ml":  # no peer has hooks for a plain loop
        pairs = []
        for _ in range(PAIRS):
            without = training.steps(STEPS)
            used.autolog()
            with_hooks = training.steps(STEPS)
            used.disable()
            pairs.append((median(without[SKIPPED:]), median(with_hooks[SKIPPED:])))
        measured.figures["hooks"] = median(b - a for a, b in pairs) / 1e9

    run = used.open()
    log = used.logger()

    def by_hand(step: int, loss: float) -> None:
        if step % 2:
            log("loss", loss, step)

    taken = training.steps(LOGGED, by_hand)
    used.close()
    bare, logged = median(taken[SKIPPED::2]), median(taken[SKIPPED + 1 :: 2])
    measured.figures |= {"bare": bare / 1e9, "log": (logged - bare) / 1e9}
    measured.evidence.append(Evidence(run, "loss", LOGGED // 2))
    return measured


class _Training:
    """A small network on random data; each call of :meth:`steps` is a new training with a new optimizer."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch
        inputs, labels = torch.randn(BATCH * 50, 64), torch.randint(0, 10, (BATCH * 50,))
        self.data = torch.utils.data.TensorDataset(inputs, labels)

    def steps(self, count: int, each: Callable[[int, float], object] = max) -> list[int]:
        """Nanoseconds of each step, from one batch's loading to the next one's."""
        nn = self.torch.nn
        model = nn.Sequential(
            nn.Linear(64, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 10)
        )
        optimizer = self.torch.optim.SGD(model.parameters(), lr=0.01)
        criterion = nn.CrossEntropyLoss()
        loader = self.torch.utils.data.DataLoader(self.data, batch_size=BATCH)
        clock, taken = time.perf_counter_ns, []
        begin = clock()
        for step, (inputs, labels) in zip(range(count), chain.from_iterable(repeat(loader)), strict=False):
            optimizer.zero_grad()
            loss = criterion(model(inputs), labels)
            loss.backward()
            optimizer.step()
            each(step, loss.item())
            end = clock()
            taken.append(end - begin)
            begin = end
        return taken
