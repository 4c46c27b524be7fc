"""A training step of about a millisecond in plain PyTorch, on one thread of the CPU."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import chain, repeat
from statistics import fmean, median
from typing import Any

from benchmarks.tracker import Tracker
from benchmarks.workload import Evidence, Measured, Row

BATCH, WIDTH = 64, 400
STEPS, PAIRS = 150, 8
TINY_STEPS, TINY_PAIRS = 2000, 5
LOGGED = 1000
SKIPPED = 10
"""Steps at the start of a training that are not counted: a run is opened in the first."""
ROWS = (
    Row("bare", "the step alone", compared=False),
    Row("hooks", "added per step by autolog() (pairs of trainings with and without)", limit=10e-6),
    Row("tiny", "… a step of next to nothing, mean of 10,000: what the hooks take themselves", limit=10e-6),
    Row("log", "added per step by logging the loss by hand (every other step)"),
)


def measure(tracker: type[Tracker]) -> Measured:
    """Train with hooks and without in turn; then train once and log the loss of every other step by hand."""
    import torch  # heavy: not in the process that only draws the table

    torch.set_num_threads(1)
    used = tracker()
    training = _Training(torch, BATCH, WIDTH)
    measured = Measured()

    if used.distribution == "autotrack-ml":  # no peer has hooks for a plain loop
        tiny = _Training(torch, 2, 4)
        measured.figures["hooks"] = _hooks(used, training, STEPS, PAIRS, median)
        measured.figures["tiny"] = _hooks(used, tiny, TINY_STEPS, TINY_PAIRS, fmean)

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


def _hooks(
    used: Tracker, training: _Training, steps: int, pairs: int, middle: Callable[[Sequence[int]], float]
) -> float:
    """Seconds that a step takes longer under autolog(), from trainings in turn."""
    added = []
    for _ in range(pairs):
        without = middle(training.steps(steps)[SKIPPED:])
        used.autolog()
        added.append(middle(training.steps(steps)[SKIPPED:]) - without)
        used.disable()
    return median(added) / 1e9


class _Training:
    """A network of that width on random data; each call of :meth:`steps` is a new training, a new optimizer."""

    def __init__(self, torch: Any, batch: int, width: int) -> None:
        self.torch, self.batch, self.width = torch, batch, width
        inputs, labels = torch.randn(batch * 50, 64), torch.randint(0, 10, (batch * 50,))
        self.data = torch.utils.data.TensorDataset(inputs, labels)

    def steps(self, count: int, each: Callable[[int, float], object] = max) -> list[int]:
        """Nanoseconds of each step, from one batch's loading to the next one's."""
        nn, width = self.torch.nn, self.width
        model = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10))
        optimizer = self.torch.optim.SGD(model.parameters(), lr=0.01)
        criterion = nn.CrossEntropyLoss()
        loader = self.torch.utils.data.DataLoader(self.data, batch_size=self.batch)
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
