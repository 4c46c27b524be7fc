"""An epoch is fifty samples out of an endless stream; a peek at the first batch before."""

import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset


class Stream(IterableDataset):
    def __iter__(self):
        generator = torch.Generator().manual_seed(5)
        while True:
            x = torch.randn(4, generator=generator)
            yield x, x.sum(0, keepdim=True)


def main():
    torch.manual_seed(3)
    loader = DataLoader(Stream(), batch_size=10)
    x, y = next(iter(loader))
    print(x.shape, y.shape)
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for epoch in range(3):
        for i, (x, y) in enumerate(loader):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            print("loss", epoch, len(x), loss.item())
            if i == 4:
                break


if __name__ == "__main__":
    main()
