"""Every iteration collects another number of samples, and goes over them once through a loader of its own."""

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset


def main():
    torch.manual_seed(14)
    value = nn.Linear(3, 1)
    optimizer = optim.Adam(value.parameters(), lr=0.01)
    for iteration, count in enumerate((12, 9, 15, 11)):
        batches = DataLoader(TensorDataset(torch.randn(count, 3), torch.randn(count, 1)), batch_size=5)
        for state, outcome in batches:
            loss = F.mse_loss(value(state), outcome)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            print("loss", iteration, len(state), loss.item())


if __name__ == "__main__":
    main()
