"""The members of an ensemble are built together, and trained one after another in every epoch."""

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset


def main():
    torch.manual_seed(13)
    x = torch.randn(20, 3)
    loader = DataLoader(TensorDataset(x, (x[:, 0] > 0).long()), batch_size=8)
    models = [nn.Linear(3, 2) for _ in range(3)]
    optimizers = [optim.SGD(model.parameters(), lr=0.1) for model in models]
    for epoch in range(2):
        for member, (model, optimizer) in enumerate(zip(models, optimizers)):
            total = 0.0
            for x, y in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
                total += loss.item() * len(x)
            print("member", member, epoch, total / 20)


if __name__ == "__main__":
    main()
