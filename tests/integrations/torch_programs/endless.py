"""So many steps, with the next batch asked for by hand and the iterator begun anew where it ends."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def main():
    torch.manual_seed(43)
    x = torch.randn(34, 5)
    y = (x[:, 0] > 0).float()
    loader = DataLoader(TensorDataset(x, y), batch_size=8, shuffle=True)
    val_loader = DataLoader(TensorDataset(x[:10], y[:10]), batch_size=4)
    model = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    it = iter(loader)
    epoch = 0
    for step in range(17):
        try:
            batch = next(it)
        except StopIteration:
            it = iter(loader)
            batch = next(it)
            epoch += 1
        inputs, targets = batch
        optimizer.zero_grad()
        logits = model(inputs).squeeze(1)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, targets)
        loss.backward()
        optimizer.step()
        right = ((logits > 0) == (targets > 0.5)).sum().item()
        print("loss", epoch, len(inputs), right, loss.item())
        if (step + 1) % 6 == 0:
            model.eval()
            total = right = 0
            with torch.no_grad():
                for inputs, targets in val_loader:
                    logits = model(inputs).squeeze(1)
                    total += nn.functional.binary_cross_entropy_with_logits(logits, targets).item() * len(inputs)
                    right += ((logits > 0) == (targets > 0.5)).sum().item()
            print("val", step + 1, total / 10, right / 10)
            model.train()


if __name__ == "__main__":
    main()
