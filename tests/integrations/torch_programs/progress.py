"""A trainer of the program's own, with a progress bar around its loader, patience, and the best state put back."""

import copy
import io

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm


class Trainer:
    def __init__(self, model, loader, test_loader=None, device="cpu", patience=2):
        self.model = model.to(device)
        self.loader, self.test_loader, self.device, self.patience = loader, test_loader, device, patience
        self.opt = torch.optim.NAdam(self.model.parameters(), lr=0.02)
        self.loss_fn = nn.L1Loss()
        self.best, self.bad, self.best_state = float("inf"), 0, None

    def step(self, batch, train=True):
        x, y = (t.to(self.device) for t in batch)
        out = self.model(x)
        loss = self.loss_fn(out, y)
        if train:
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
        return loss.item(), len(x)

    def run(self, epochs):
        for epoch in range(epochs):
            self.model.train()
            bar = tqdm(self.loader, file=io.StringIO(), leave=False)
            for batch in bar:
                loss, n = self.step(batch)
                bar.set_postfix(loss=loss)
                print("loss", epoch, n, loss)
            self.model.eval()
            total = count = 0
            bar = tqdm(self.test_loader, file=io.StringIO())
            with torch.no_grad():
                for batch in bar:
                    loss, n = self.step(batch, train=False)
                    total, count = total + loss * n, count + n
            print("test", total / count)
            if total / count < self.best:
                self.best, self.bad, self.best_state = total / count, 0, copy.deepcopy(self.model.state_dict())
            else:
                self.bad += 1
                if self.bad == self.patience:
                    break
        self.model.load_state_dict(self.best_state)


def main():
    torch.manual_seed(60)
    x = torch.randn(44, 3)
    y = x.abs().sum(1, keepdim=True)
    dl = DataLoader(TensorDataset(x[:30], y[:30]), batch_size=7, shuffle=True)
    Trainer(nn.Linear(3, 1), dl, DataLoader(TensorDataset(x[30:], y[30:]), batch_size=5)).run(6)


if __name__ == "__main__":
    main()
