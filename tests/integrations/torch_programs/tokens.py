"""A language model: sums over tokens, divided by their number in the training, and by all of them in the evaluation."""

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

VOCABULARY = 7


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.head = nn.Embedding(VOCABULARY, 5), nn.Linear(5, VOCABULARY)

    def forward(self, x):
        return self.head(self.embedding(x))


def summed(model, x, y):
    return F.cross_entropy(model(x).view(-1, VOCABULARY), y.reshape(-1), reduction="sum")


def main():
    torch.manual_seed(10)
    text, held_out = torch.randint(0, VOCABULARY, (12, 6)), torch.randint(0, VOCABULARY, (10, 6))
    train_dl = DataLoader(TensorDataset(text[:, :-1], text[:, 1:]), batch_size=5)
    valid_dl = DataLoader(TensorDataset(held_out[:, :-1], held_out[:, 1:]), batch_size=4)
    model = Model()
    optimizer = optim.AdamW(model.parameters(), lr=0.1)
    for epoch in range(2):
        for x, y in train_dl:
            loss = summed(model, x, y) / y.numel()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            print("loss", epoch, len(x), loss.item())
        total, count = 0.0, 0
        with torch.no_grad():
            for x, y in valid_dl:
                total += summed(model, x, y).item()
                count += y.numel()
        print("valid", total / count)


if __name__ == "__main__":
    main()
