"""A long training: prints its resident memory in MB every so many steps. Arguments: steps, how often."""

import gc
import os
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset


def resident() -> float:
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def main(steps: int, every: int) -> None:
    """Epochs of 500 steps, each with an evaluation, then as many steps without a loader."""
    torch.set_num_threads(1)
    model = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    x, y = torch.randn(500, 2), torch.randint(0, 2, (500,))
    train_loader = DataLoader(TensorDataset(x, y), batch_size=None)
    val_loader = DataLoader(TensorDataset(x[:20], y[:20]), batch_size=10)
    done = 0

    def step(x, y):
        nonlocal done
        loss = functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        done += 1
        if done % every == 0:
            gc.collect()
            print(done, round(resident(), 2), flush=True)

    while done < steps // 2:
        for batch, label in train_loader:
            step(batch[None], label[None])
        with torch.no_grad():
            for batch, label in val_loader:
                functional.cross_entropy(model(batch), label)
    model, batch, label = nn.Linear(2, 2), x[:4], y[:4]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    while done < steps:
        step(batch, label)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
