"""A loader in a wrapper that takes each batch before it hands out the one before, as prefetchers do."""

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset


class Prefetcher:
    def __init__(self, loader):
        self.loader = loader

    def __iter__(self):
        ready = None
        for batch in self.loader:
            if ready is not None:
                yield ready
            ready = batch
        yield ready


def main():
    torch.manual_seed(11)
    x = torch.randn(30, 3)
    y = (x[:, 0] > 0).long()
    train_loader = Prefetcher(DataLoader(TensorDataset(x[:21], y[:21]), batch_size=8))
    val_loader = Prefetcher(DataLoader(TensorDataset(x[21:], y[21:]), batch_size=4))
    model = nn.Linear(3, 2)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(2):
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            print("loss", epoch, len(x), loss.item())
        total = 0.0
        with torch.no_grad():
            for x, y in val_loader:
                total += F.cross_entropy(model(x), y).item() * len(x)
        print("val", total / 9)


if __name__ == "__main__":
    main()
