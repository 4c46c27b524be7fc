"""Two models are trained, one after the other, and compared."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def fit(model, loader, epochs, lr):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(epochs):
        total = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        print("train", epoch, total / 30)


def evaluate(model, loader):
    criterion = nn.BCEWithLogitsLoss()
    model.eval()
    with torch.no_grad():
        total = sum(criterion(model(x), y).item() * len(x) for x, y in loader)
    print("val", total / 30)


def main():
    torch.manual_seed(4)
    x = torch.randn(60, 3)
    y = (x.sum(1, keepdim=True) > 0).float()
    train_loader = DataLoader(TensorDataset(x[:30], y[:30]), batch_size=8)
    val_loader = DataLoader(TensorDataset(x[30:], y[30:]), batch_size=7)
    small = nn.Linear(3, 1)
    fit(small, train_loader, 2, 0.5)
    evaluate(small, val_loader)
    large = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    evaluate(large, val_loader)
    fit(large, train_loader, 3, 0.1)
    evaluate(large, val_loader)


if __name__ == "__main__":
    main()
