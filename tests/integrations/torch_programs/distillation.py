"""A small student learns from a teacher's scores and from the labels."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Teacher(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4))

    def forward(self, x):
        return self.net(x)


class Student(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(8, 4)

    def forward(self, x):
        return self.net(x)


def train_teacher(teacher, loader):
    optimizer = torch.optim.Adam(teacher.parameters(), lr=1e-2)
    for x, y in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(teacher(x), y)
        loss.backward()
        optimizer.step()
        print("teacher", 0, len(x), loss.item())


def distill(student, teacher, train_loader, test_loader, T=2.0, alpha=0.7):
    optimizer = torch.optim.Adam(student.parameters(), lr=1e-2)
    teacher.eval()
    for epoch in range(2):
        student.train()
        for x, y in train_loader:
            with torch.no_grad():
                soft = F.softmax(teacher(x) / T, dim=1)
            logits = student(x)
            kd = F.kl_div(F.log_softmax(logits / T, dim=1), soft, reduction="batchmean") * (T * T)
            loss = alpha * kd + (1 - alpha) * F.cross_entropy(logits, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            print("student", epoch, len(x), loss.item())
        student.eval()
        correct = total = 0.0
        with torch.no_grad():
            for x, y in test_loader:
                logits = student(x)
                total += F.cross_entropy(logits, y, reduction="sum").item()
                correct += (logits.argmax(1) == y).sum().item()
        print("test", total / 13, correct)


def main():
    torch.manual_seed(23)
    x = torch.randn(53, 8)
    y = x[:, :4].argmax(1)
    train_loader = DataLoader(TensorDataset(x[:40], y[:40]), batch_size=16, shuffle=True)
    test_loader = DataLoader(TensorDataset(x[40:], y[40:]), batch_size=5)
    teacher, student = Teacher(), Student()
    train_teacher(teacher, train_loader)
    distill(student, teacher, train_loader, test_loader)


if __name__ == "__main__":
    main()
