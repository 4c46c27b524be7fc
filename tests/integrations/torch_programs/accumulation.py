"""Mixed precision with gradients accumulated over batches; the last step of an epoch has fewer."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

ACCUMULATE = 3


def main():
    torch.manual_seed(2)
    x = torch.randn(68, 5)
    train_loader = DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=8)
    model = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    scaler = torch.amp.GradScaler("cpu", init_scale=512.0)
    criterion = nn.MSELoss()
    for epoch in range(3):
        for i, (inputs, target) in enumerate(train_loader):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                output = model(inputs)
            loss = criterion(output.float(), target)
            print("loss", epoch, len(inputs), loss.item())
            scaler.scale(loss / ACCUMULATE).backward()
            if (i + 1) % ACCUMULATE == 0 or i + 1 == len(train_loader):
                scaler.unscale_(optimizer)
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                scaler.step(optimizer)
                scaler.update()
                optimizer.zero_grad()


if __name__ == "__main__":
    main()
