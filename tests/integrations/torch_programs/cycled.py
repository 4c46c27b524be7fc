"""One loader, gone over again and again by itertools.cycle, with a validation now and then."""

from itertools import cycle

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def main():
    torch.manual_seed(16)
    x = torch.randn(30, 3)
    loader = DataLoader(TensorDataset(x[:20], x[:20].sum(1, keepdim=True)), batch_size=8)
    dev_loader = DataLoader(TensorDataset(x[20:], x[20:].sum(1, keepdim=True)), batch_size=8)
    model = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[4, 8], gamma=0.5)
    for step, (inputs, target) in enumerate(cycle(loader)):
        loss = nn.functional.huber_loss(model(inputs), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        print("loss", step // 3, len(inputs), loss.item())
        if step % 3 == 2:
            with torch.no_grad():
                print(
                    "dev",
                    sum(nn.functional.huber_loss(model(a), b, reduction="sum").item() for a, b in dev_loader) / 10,
                )
        if step == 9:
            break


if __name__ == "__main__":
    main()
