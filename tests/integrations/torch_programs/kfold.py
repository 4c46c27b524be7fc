"""Three folds, each with a model of its own, and the best weights of each put back at the end."""

import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset


def evaluate(model, loader, criterion):
    model.eval()
    total = 0.0
    with torch.no_grad():
        for x, y in loader:
            total += criterion(model(x), y).item() * len(x)
    return total / len(loader.dataset)


def train_fold(fold, train_subset, valid_subset):
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 1))
    criterion = nn.SmoothL1Loss()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.02)
    train_loader = DataLoader(train_subset, batch_size=8, shuffle=True)
    valid_loader = DataLoader(valid_subset, batch_size=4)
    best, best_state = float("inf"), None
    for epoch in range(3):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            print("loss", fold, epoch, len(x), loss.item())
        score = evaluate(model, valid_loader, criterion)
        print("valid", fold, score)
        if score < best:
            best, best_state = score, copy.deepcopy(model.state_dict())
    model.load_state_dict(best_state)
    print("restored", fold, evaluate(model, valid_loader, criterion))
    return best


def main():
    torch.manual_seed(27)
    x = torch.randn(30, 4)
    dataset = TensorDataset(x, x.prod(1, keepdim=True))
    indices = torch.randperm(30).tolist()
    scores = []
    for fold in range(3):
        held = set(indices[fold::3])
        train_subset = Subset(dataset, [i for i in range(30) if i not in held])
        scores.append(train_fold(fold, train_subset, Subset(dataset, sorted(held))))
    print("mean", sum(scores) / 3)


if __name__ == "__main__":
    main()
