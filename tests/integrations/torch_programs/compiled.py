"""A compiled model and a compiled loss, in one graph."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 8), nn.Linear(8, 2)

    def forward(self, x):
        return self.b(torch.relu(self.a(x)))


def main():
    torch.manual_seed(11)
    torch._dynamo.reset()
    x, y = torch.randn(48, 4), torch.randint(0, 2, (48,))
    loader = DataLoader(TensorDataset(x[:32], y[:32]), batch_size=8)
    val_loader = DataLoader(TensorDataset(x[32:], y[32:]), batch_size=8)
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")

    @torch.compile(fullgraph=True, backend="aot_eager")
    def criterion(output, target):
        return F.cross_entropy(output, target)

    for epoch in range(2):
        total = 0.0
        for inputs, target in loader:
            optimizer.zero_grad()
            loss = criterion(compiled(inputs), target)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(inputs)
        print("train", epoch, total / 32)
        with torch.no_grad():
            val = sum(F.cross_entropy(model(a), b, reduction="sum").item() for a, b in val_loader)
        print("eager val", epoch, val / 16)


if __name__ == "__main__":
    main()
