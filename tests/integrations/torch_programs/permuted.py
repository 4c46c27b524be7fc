"""Batches out of tensors by a permutation, without a loader; a validation of all data at once after each epoch."""

import torch
from torch import nn
from torch.nn import functional as F


def main():
    torch.manual_seed(51)
    x, y = torch.randn(60, 4), torch.randint(0, 2, (60, 1)).float()
    x_train, y_train, x_val, y_val = x[:48], y[:48], x[48:], y[48:]
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for epoch in range(5):
        model.train()
        order = torch.randperm(48)
        for i in range(0, 48, 12):
            idx = order[i : i + 12]
            optimizer.zero_grad()
            loss = F.binary_cross_entropy_with_logits(model(x_train[idx]), y_train[idx])
            loss.backward()
            optimizer.step()
            print("loss", epoch, len(idx), loss.item())
        model.eval()
        with torch.no_grad():
            val_loss = F.binary_cross_entropy_with_logits(model(x_val), y_val)
        print("val", epoch, val_loss.item())


if __name__ == "__main__":
    main()
