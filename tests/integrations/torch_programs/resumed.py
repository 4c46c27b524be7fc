"""Early stopping on the validation loss, and the best state loaded again at the end."""

import copy
import itertools

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def validate(model, criterion, data_loader):
    model.eval()
    total = 0.0
    with torch.inference_mode():
        for x, y in data_loader:
            total += criterion(model(x), y).item() * len(x)
    return total / 20


def main():
    torch.manual_seed(15)
    x, y = torch.randn(60, 5), torch.randn(60, 1)
    trainloader = DataLoader(TensorDataset(x[:40], y[:40]), batch_size=10, shuffle=True)
    validloader = DataLoader(TensorDataset(x[40:], y[40:]), batch_size=6)
    model = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 1))
    criterion = nn.SmoothL1Loss()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.02)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.05, total_steps=200)
    best, best_state, patience = float("inf"), None, 2
    for epoch in itertools.count():
        model.train()
        for inputs, target in trainloader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), target)
            loss.backward()
            optimizer.step()
            print("loss", epoch, len(inputs), loss.item(), optimizer.param_groups[0]["lr"])
            scheduler.step()
        score = validate(model, criterion, validloader)
        print("val", score)
        if score < best:
            best, best_state, patience = score, copy.deepcopy(model.state_dict()), 2
        else:
            patience -= 1
        if patience == 0:
            break
    model.load_state_dict(best_state)
    print("best", validate(model, criterion, validloader))


if __name__ == "__main__":
    main()
