"""Stochastic weight averaging: the statistics of the averaged model are computed anew, then it is tested."""

import torch
from torch import nn
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))

    def forward(self, x):
        return self.net(x)


def test(model, test_loader, loss_fn):
    model.eval()
    total = 0
    with torch.no_grad():
        for x, y in test_loader:
            total += loss_fn(model(x), y).item() * len(x)
    return total / len(test_loader.dataset)


def main():
    torch.manual_seed(31)
    x = torch.randn(43, 4)
    y = x.sum(1, keepdim=True)
    loader = DataLoader(TensorDataset(x[:32], y[:32]), batch_size=8, shuffle=True)
    test_loader = DataLoader(TensorDataset(x[32:], y[32:]), batch_size=6)
    model = Net()
    optimizer, loss_fn = torch.optim.SGD(model.parameters(), lr=0.05), nn.MSELoss()
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)
    swa_model, swa_scheduler = AveragedModel(model), SWALR(optimizer, swa_lr=0.02, anneal_epochs=1)
    for epoch in range(4):
        model.train()
        for input, target in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(input), target)
            loss.backward()
            optimizer.step()
            print("loss", epoch, len(input), loss.item())
        if epoch >= 2:
            swa_model.update_parameters(model)
            swa_scheduler.step()
        else:
            scheduler.step()
        print("test", test(model, test_loader, loss_fn))
    update_bn(loader, swa_model)
    print("swa", test(swa_model, test_loader, loss_fn))


if __name__ == "__main__":
    main()
