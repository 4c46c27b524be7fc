"""Two parts that are scored by the same lines, which say nothing of what they are."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def score(model, dl):
    with torch.no_grad():
        return sum(nn.functional.l1_loss(model(x), y, reduction="sum").item() for x, y in dl) / len(dl.dataset)


def main():
    torch.manual_seed(32)
    parts = [TensorDataset(torch.randn(n, 3), torch.randn(n, 1)) for n in (20, 8, 9)]
    a, b, c = (DataLoader(part, batch_size=4) for part in parts)
    model = nn.Linear(3, 1)
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.1)
    for epoch in range(2):
        for x, y in a:
            optimizer.zero_grad()
            loss = nn.functional.l1_loss(model(x), y)
            loss.backward()
            optimizer.step()
            print("loss", epoch, len(x), loss.item())
        for dl in (b, c):
            print("score", epoch, score(model, dl))


if __name__ == "__main__":
    main()
