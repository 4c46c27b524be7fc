"""Two loaders side by side, and validation in the midst of an epoch."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3))

    def forward(self, a, b):
        return self.embed(a), self.embed(b)


def main():
    torch.manual_seed(9)
    left = DataLoader(TensorDataset(torch.randn(36, 5)), batch_size=8, shuffle=True)
    right = DataLoader(TensorDataset(torch.randn(44, 5)), batch_size=8, shuffle=True)
    held_out = DataLoader(TensorDataset(torch.randn(12, 5), torch.randn(12, 5)), batch_size=5)
    model = Siamese()
    optimizer = torch.optim.Adam([{"params": model.embed[0].parameters()},
                                  {"params": model.embed[2].parameters(), "lr": 0.02}], lr=0.01)  # fmt: skip
    criterion = nn.CosineEmbeddingLoss()
    for epoch in range(2):
        for i, ((a,), (b,)) in enumerate(zip(left, right)):
            a, b = a[: len(b)], b[: len(a)]
            loss = criterion(*model(a, b), torch.ones(len(a)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            print("loss", epoch, len(a), loss.item())
            if i % 2 == 1:
                total = 0.0
                with torch.no_grad():
                    for a, b in held_out:
                        total += criterion(*model(a, b), torch.ones(len(a))).item() * len(a)
                print("val", total / 12)


if __name__ == "__main__":
    main()
