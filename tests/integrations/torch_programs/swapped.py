"""An average of the weights that is put into the model for an evaluation, and taken out again."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class EMA:
    def __init__(self, model, decay):
        self.model, self.decay = model, decay
        self.shadow = {name: p.detach().clone() for name, p in model.named_parameters()}
        self.backup = {}

    def update(self):
        for name, p in self.model.named_parameters():
            self.shadow[name] = self.decay * self.shadow[name] + (1 - self.decay) * p.detach()

    def apply_shadow(self):
        for name, p in self.model.named_parameters():
            self.backup[name] = p.data
            p.data = self.shadow[name]

    def restore(self):
        for name, p in self.model.named_parameters():
            p.data = self.backup[name]


def evaluate(model, loader):
    model.eval()
    total = 0
    with torch.no_grad():
        for x, y in loader:
            total += F.mse_loss(model(x), y).item() * len(x)
    return total / len(loader.dataset)


def main():
    torch.manual_seed(2)
    x = torch.randn(40, 3)
    y = x.sum(1, keepdim=True)
    train_loader = DataLoader(TensorDataset(x[:30], y[:30]), batch_size=8)
    val_loader = DataLoader(TensorDataset(x[30:], y[30:]), batch_size=4)
    model = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    ema = EMA(model, 0.9)
    for epoch in range(3):
        model.train()
        for x, y in train_loader:
            loss = F.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            ema.update()
            print("loss", epoch, len(x), loss.item())
        print("val", evaluate(model, val_loader))
        ema.apply_shadow()
        print("ema", evaluate(model, val_loader))
        ema.restore()


if __name__ == "__main__":
    main()
