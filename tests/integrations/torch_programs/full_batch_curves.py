"""The beginner's loop: the whole data in every step, training and test loss side by side."""

import torch
from torch import nn


def accuracy_fn(y_true, y_pred):
    return torch.eq(y_true, y_pred).sum().item() / len(y_pred) * 100


def main():
    torch.manual_seed(58)
    X = torch.randn(50, 2)
    y = (X[:, 0] * X[:, 1] > 0).float()
    X_train, X_test, y_train, y_test = X[:40], X[40:], y[:40], y[40:]
    model_0 = nn.Sequential(nn.Linear(2, 5), nn.ReLU(), nn.Linear(5, 1))
    loss_fn = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(params=model_0.parameters(), lr=0.1)
    for epoch in range(20):
        model_0.train()
        y_logits = model_0(X_train).squeeze()
        y_pred = torch.round(torch.sigmoid(y_logits))
        loss = loss_fn(y_logits, y_train)
        acc = accuracy_fn(y_true=y_train, y_pred=y_pred)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        model_0.eval()
        with torch.inference_mode():
            test_logits = model_0(X_test).squeeze()
            test_loss = loss_fn(test_logits, y_test)
        print("epoch", epoch, loss.item(), acc, test_loss.item())


if __name__ == "__main__":
    main()
