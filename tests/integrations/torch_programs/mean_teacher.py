"""A student, and a teacher that is the student's moving average; both are validated after every epoch."""

import copy

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(6, 12), nn.Linear(12, 3)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))


class EMA:
    def __init__(self, model, decay):
        self.module = copy.deepcopy(model).eval()
        self.decay = decay

    @torch.no_grad()
    def update(self, model):
        for ours, theirs in zip(self.module.state_dict().values(), model.state_dict().values()):
            ours.copy_(self.decay * ours + (1 - self.decay) * theirs)


def validate(model, loader):
    model.eval()
    loss_sum = correct = 0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            loss_sum += F.cross_entropy(out, y, reduction="sum").item()
            correct += (out.argmax(1) == y).sum().item()
    return loss_sum / len(loader.dataset), correct / len(loader.dataset)


def main():
    torch.manual_seed(47)
    x = torch.randn(60, 6)
    y = x[:, :3].argmax(1)
    train_loader = DataLoader(TensorDataset(x[:45], y[:45]), batch_size=10, shuffle=True)
    val_loader = DataLoader(TensorDataset(x[45:], y[45:]), batch_size=8)
    student = Net()
    ema = EMA(student, 0.8)
    optimizer = torch.optim.Adam(student.parameters(), lr=0.02)
    for epoch in range(3):
        student.train()
        for xb, yb in train_loader:
            loss = F.cross_entropy(student(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            ema.update(student)
            print("loss", epoch, len(xb), loss.item())
        print("student", *validate(student, val_loader))
        print("teacher", *validate(ema.module, val_loader))


if __name__ == "__main__":
    main()
