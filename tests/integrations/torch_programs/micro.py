"""Each batch in four parts, whose gradients add up to one step."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def main():
    torch.manual_seed(50)
    x = torch.randn(40, 4)
    y = torch.randint(0, 3, (40,))
    loader = DataLoader(TensorDataset(x, y), batch_size=8, shuffle=True)
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(2):
        for x, y in loader:
            optimizer.zero_grad()
            total = 0.0
            for xb, yb in zip(x.chunk(4), y.chunk(4)):
                loss = criterion(model(xb), yb) / 4
                loss.backward()
                total += loss.item()
            optimizer.step()
            print("loss", epoch, len(x), total)


if __name__ == "__main__":
    main()
