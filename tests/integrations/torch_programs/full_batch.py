"""Gradients of the whole data set, batch by batch, and one step when the loader is exhausted."""

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset


def main():
    torch.manual_seed(8)
    loader = DataLoader(TensorDataset(torch.randn(20, 3), torch.randn(20, 1)), batch_size=8)
    model = nn.Linear(3, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    for epoch in range(3):
        optimizer.zero_grad()
        for x, y in loader:
            loss = F.mse_loss(model(x), y)
            (loss * len(x) / 20).backward()
            print("loss", epoch, len(x), loss.item() * len(x) / 20)
        optimizer.step()


if __name__ == "__main__":
    main()
