"""After every epoch the test set is attacked through gradients, which are not for training."""

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset


def attack(model, test_loader, epsilon):
    total, right = 0.0, 0
    for x, y in test_loader:
        x.requires_grad = True
        loss = F.cross_entropy(model(x), y)
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            right += (model(x + epsilon * x.grad.sign()).argmax(1) == y).sum().item()
        total += loss.item() * len(x)
    print("test", total / 9, right)


def main():
    torch.manual_seed(9)
    x = torch.randn(29, 3)
    data = TensorDataset(x, (x[:, 0] > 0).long())
    train_loader = DataLoader(torch.utils.data.Subset(data, range(20)), batch_size=8)
    test_loader = DataLoader(torch.utils.data.Subset(data, range(20, 29)), batch_size=4)
    model = nn.Linear(3, 2)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(3):
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            print("loss", epoch, len(x), loss.item())
        attack(model, test_loader, 0.1)


if __name__ == "__main__":
    main()
