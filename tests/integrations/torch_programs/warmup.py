"""A cosine schedule with a warm-up that moves in every step, and losses of each sample that are weighted by hand."""

import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def get_cosine_schedule_with_warmup(optimizer, num_warmup_steps, num_training_steps):
    def lr_lambda(step):
        if step < num_warmup_steps:
            return step / max(1, num_warmup_steps)
        progress = (step - num_warmup_steps) / max(1, num_training_steps - num_warmup_steps)
        return max(0.0, 0.5 * (1.0 + math.cos(math.pi * progress)))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, lr_lambda)


def main():
    torch.manual_seed(26)
    dataset = TensorDataset(torch.randn(30, 4), torch.randint(0, 2, (30,)), torch.rand(30))
    loader = DataLoader(dataset, batch_size=8, shuffle=True)
    model = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 2))
    decay = [p for p in model.parameters() if p.dim() >= 2]
    no_decay = [p for p in model.parameters() if p.dim() < 2]
    optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": 0.1}, {"params": no_decay, "weight_decay": 0.0}],
                                  lr=0.01)  # fmt: skip
    scheduler = get_cosine_schedule_with_warmup(optimizer, 3, 12)
    for epoch in range(3):
        for x, y, weight in loader:
            loss = (F.cross_entropy(model(x), y, reduction="none") * weight).mean()
            loss.backward()
            lr = optimizer.param_groups[0]["lr"]
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
            print("loss", epoch, len(x), lr, loss.item())


if __name__ == "__main__":
    main()
