"""Longer and longer sequences: a loader of its own for each stage, one optimizer for all."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Sequences(Dataset):
    def __init__(self, length, size):
        generator = torch.Generator().manual_seed(length)
        self.samples = torch.randint(0, 2, (size, length), generator=generator)

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        return self.samples[i], self.samples[i].sum() % 2


class Parity(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.out = nn.GRU(1, 6, batch_first=True), nn.Linear(6, 1)

    def forward(self, x):
        return self.out(self.rnn(x.float().unsqueeze(-1))[0][:, -1]).squeeze(-1)


def main():
    torch.manual_seed(28)
    model = Parity()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    loss_fn = nn.BCEWithLogitsLoss()
    epoch = 0
    for length in (2, 3, 5):
        loader = DataLoader(Sequences(length, 10 + length), batch_size=5, shuffle=True)
        for _ in range(2):
            for x, y in loader:
                optimizer.zero_grad()
                loss = loss_fn(model(x), y.float())
                loss.backward()
                optimizer.step()
                print("loss", epoch, len(x), loss.item())
            epoch += 1


if __name__ == "__main__":
    main()
