"""Fine-tuning in two phases, each with an optimizer of its own: first the head, then everything."""

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(5, 6), nn.Linear(6, 2)

    def forward(self, x):
        return self.head(F.relu(self.body(x)))


def fit(model, optimizer, train_loader, epochs):
    for epoch in range(epochs):
        total = 0.0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
            print("step", loss.item())
        print("train", epoch, total / 20)


def main():
    torch.manual_seed(7)
    x = torch.randn(20, 5)
    train_loader = DataLoader(TensorDataset(x, (x[:, 0] > 0).long()), batch_size=8)
    model = Classifier()
    model.body.requires_grad_(False)
    fit(model, optim.Adam(model.head.parameters(), lr=0.1), train_loader, 2)
    model.body.requires_grad_(True)
    fit(model, optim.SGD(model.parameters(), lr=0.01), train_loader, 2)


if __name__ == "__main__":
    main()
