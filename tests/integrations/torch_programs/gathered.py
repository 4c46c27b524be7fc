"""Validation that gathers all outputs first, and computes the loss of them once."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Trainer:
    def __init__(self, model, train_loader, valid_loader):
        self.model, self.train_loader, self.valid_loader = model, train_loader, valid_loader
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def train_epoch(self, epoch):
        self.model.train()
        for x, y in self.train_loader:
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(x), y)
            loss.backward()
            self.optimizer.step()
            print("loss", epoch, len(x), loss.item())

    @torch.no_grad()
    def valid_epoch(self):
        self.model.eval()
        outputs, targets = [], []
        for x, y in self.valid_loader:
            outputs.append(self.model(x))
            targets.append(y)
        outputs, targets = torch.cat(outputs), torch.cat(targets)
        loss = self.criterion(outputs, targets)
        print("valid", loss.item(), (outputs.argmax(1) == targets).float().mean().item())
        return loss.item()

    def fit(self, epochs):
        for epoch in range(epochs):
            self.train_epoch(epoch)
            self.valid_epoch()


def main():
    torch.manual_seed(52)
    x = torch.randn(50, 4)
    y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()
    train_loader = DataLoader(TensorDataset(x[:33], y[:33]), batch_size=8, shuffle=True)
    valid_loader = DataLoader(TensorDataset(x[33:], y[33:]), batch_size=6)
    Trainer(nn.Linear(4, 3), train_loader, valid_loader).fit(3)


if __name__ == "__main__":
    main()
