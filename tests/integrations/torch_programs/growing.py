"""The batch grows with the training: a new loader over the same data for every stage."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def main():
    torch.manual_seed(44)
    x = torch.randn(50, 3)
    dataset = TensorDataset(x, x.prod(1, keepdim=True))
    model = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    criterion = nn.HuberLoss()
    epoch = 0
    for batch_size in (4, 8, 16):
        loader = DataLoader(dataset, batch_size=batch_size, shuffle=True, drop_last=batch_size == 16)
        for _ in range(2):
            for x, y in loader:
                optimizer.zero_grad()
                loss = criterion(model(x), y)
                loss.backward()
                optimizer.step()
                print("loss", epoch, len(x), loss.item())
            epoch += 1


if __name__ == "__main__":
    main()
