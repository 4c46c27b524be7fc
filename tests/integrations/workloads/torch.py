"""A plain PyTorch program: a loop over a loader, an evaluation after each epoch, no trainer."""

from __future__ import annotations

from io import BytesIO

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

ERROR = RuntimeError("out of luck")


class Net(nn.Module):
    """Two layers; what is random comes from a generator of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(6, 12)
        self.out = nn.Linear(12, 3)
        generator = torch.Generator().manual_seed(3)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) / 3)

    def forward(self, x):
        return self.out(functional.relu(self.hidden(x)))


def loaders():
    """Forty samples to train on, in batches of which the last is smaller; twenty to validate."""
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(60, 6, generator=generator)
    y = (x.sum(dim=1) > 0).long() + (x[:, 0] > 1).long()
    return (
        DataLoader(TensorDataset(x[:40], y[:40]), batch_size=16, shuffle=True, generator=generator),
        DataLoader(TensorDataset(x[40:], y[40:]), batch_size=16),
    )


def train(model, loader, optimizer, scaler, check=None):
    model.train()
    losses = []
    for x, y in loader:
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(x), y)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
        if check is not None:
            check()
    return losses


def evaluate(model, val_loader):
    model.eval()
    with torch.no_grad():
        return sum(functional.cross_entropy(model(x), y, reduction="sum").item() for x, y in val_loader) / 20


def program(check=None):
    train_loader, val_loader = loaders()
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.9)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    losses = []
    for epoch in range(3):
        losses.append(train(model, train_loader, optimizer, scaler, check if epoch else None))
        losses.append(evaluate(model, val_loader))
        scheduler.step()
        torch.save(model.state_dict(), saved := BytesIO())
    saved.seek(0)
    model.load_state_dict(torch.load(saved))
    return model, losses


def workload():
    """Three epochs; the losses, and the model as it is then."""
    model, losses = program()
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}, losses


def failing_workload():
    """Fails in the midst of the second epoch."""

    def check():
        raise ERROR

    program(check)


def fitted():
    """A trained model."""
    return program()[0]
