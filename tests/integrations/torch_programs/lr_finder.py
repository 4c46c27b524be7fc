"""The rate is looked for first: it grows with every batch, the weights are put back, then the training begins."""

import copy
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def find_lr(model, loader, criterion, start=1e-3, end=1.0, steps=6):
    state = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.SGD(model.parameters(), lr=start)
    best, best_lr = math.inf, start
    for step, (x, y) in enumerate(loader):
        if step == steps:
            break
        lr = start * (end / start) ** (step / steps)
        for group in optimizer.param_groups:
            group["lr"] = lr
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        print("find", lr, len(x), loss.item())
        if loss.item() < best:
            best, best_lr = loss.item(), lr
        loss.backward()
        optimizer.step()
    model.load_state_dict(state)
    return best_lr


def main():
    torch.manual_seed(41)
    x = torch.randn(46, 4)
    y = x @ torch.randn(4, 1)
    train_loader = DataLoader(TensorDataset(x, y), batch_size=5, shuffle=True)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    criterion = nn.MSELoss()
    lr = find_lr(model, train_loader, criterion)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=lr, epochs=3, steps_per_epoch=len(train_loader))
    for epoch in range(3):
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            print("loss", epoch, len(x), optimizer.param_groups[0]["lr"], loss.item())
            scheduler.step()


if __name__ == "__main__":
    main()
