"""However long a training is, recording it takes no more memory."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from autotrack.testing import recorded
from autotrack_torch.loop import _PENDING
from autotrack_torch.tasks import present

PROGRAM = Path(__file__).parent / "torch_programs" / "long.py"


@pytest.mark.slow
def test_memory_stays_flat(store):
    """Over sixty thousand steps, with a loader and without, resident memory grows by less than 2 MB."""
    done = subprocess.run(
        [sys.executable, "-m", "autotrack", "run", str(PROGRAM), "60000", "3000"],
        capture_output=True, text=True, timeout=290, check=True,
    )  # fmt: skip
    sizes = {int(step): float(size) for step, size in map(str.split, done.stdout.splitlines())}
    assert list(sizes) == [*range(3000, 60_001, 3000)]
    assert sizes[30_000] - sizes[6_000] < 2
    assert sizes[60_000] - sizes[36_000] < 2
    with_loader, without = recorded(store)
    assert (with_loader.params["steps"], without.params["steps"]) == ("30000", "30000")
    assert (with_loader.params["epochs"], len(with_loader.metrics["val/loss"])) == ("60", 60)
    assert len(with_loader.metrics["step/loss"]) < 4000


def test_gradients_that_nobody_steps_with(record):
    """Losses do not pile up where a program changes its parameters itself; none of them passes for another's."""
    pending = []

    def train():
        weight = torch.zeros(3, requires_grad=True)
        for _ in range(_PENDING + 100):
            (weight - 1).square().sum().backward()
        pending.append(len(present().pending))
        optimizer = torch.optim.SGD([weight], lr=0.1)
        optimizer.step()
        optimizer.zero_grad()
        (weight - 1).square().sum().backward()
        optimizer.step()

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    record.finish()
    assert pending == [100]
    assert len(record.run.metrics["step/loss"]) == 1
    assert record.run.params["steps"] == "2"
