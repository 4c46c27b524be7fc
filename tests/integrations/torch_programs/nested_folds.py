"""Nested cross-validation: for every outer fold a rate is chosen by inner folds, then a model is fitted and tested."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset


def fit(dataset, indices, lr, epochs, tag):
    model = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for epoch in range(epochs):
        for x, y in DataLoader(Subset(dataset, indices), batch_size=7, shuffle=True):
            loss = nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            print(tag, epoch, len(x), loss.item())
    return model


@torch.no_grad()
def score(model, dataset, indices, tag):
    total = 0.0
    for x, y in DataLoader(Subset(dataset, indices), batch_size=4):
        total += nn.functional.mse_loss(model(x), y, reduction="sum").item()
    print(tag, total / len(indices))
    return total / len(indices)


def main():
    torch.manual_seed(42)
    x = torch.randn(24, 3)
    dataset = TensorDataset(x, x.sum(1, keepdim=True))
    for outer in range(2):
        test = list(range(outer, 24, 2))
        rest = [i for i in range(24) if i not in test]
        results = {}
        for lr in (0.01, 0.1):
            scores = []
            for inner in range(2):
                held = rest[inner::2]
                kept = [i for i in rest if i not in held]
                scores.append(score(fit(dataset, kept, lr, 2, "inner"), dataset, held, "valid"))
            results[lr] = sum(scores) / len(scores)
        best = min(results, key=results.get)
        score(fit(dataset, rest, best, 3, "outer"), dataset, test, "test")


if __name__ == "__main__":
    main()
