"""So many steps, however many passes that takes; an evaluation every few of them, and accumulated gradients."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

max_steps, eval_every, accumulate = 11, 4, 2


@torch.no_grad()
def evaluate(model, eval_dataloader):
    model.eval()
    losses = []
    for x, y in eval_dataloader:
        losses.append(F.mse_loss(model(x), y).item() * len(x))
    model.train()
    return sum(losses) / len(eval_dataloader.dataset)


def main():
    torch.manual_seed(30)
    x = torch.randn(47, 3)
    train_dataloader = DataLoader(TensorDataset(x[:36], x[:36] * 2), batch_size=6, shuffle=True, drop_last=True)
    eval_dataloader = DataLoader(TensorDataset(x[36:], x[36:] * 2), batch_size=4)
    model = nn.Linear(3, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    step = micro = epoch = 0
    while step < max_steps:
        for x, y in train_dataloader:
            loss = F.mse_loss(model(x), y)
            (loss / accumulate).backward()
            micro += 1
            print("loss", epoch, len(x), loss.item())
            if micro % accumulate == 0:
                optimizer.step()
                optimizer.zero_grad()
                step += 1
                if step % eval_every == 0:
                    print("eval", step, evaluate(model, eval_dataloader))
                if step >= max_steps:
                    break
        epoch += 1
    print("final", evaluate(model, eval_dataloader))


if __name__ == "__main__":
    main()
