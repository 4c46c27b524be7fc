"""No loader, and an average of the weights that is validated beside the model."""

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def main():
    torch.manual_seed(59)
    x = torch.randn(64, 3)
    y = x.sum(1, keepdim=True)
    x_val, y_val = torch.randn(16, 3), torch.randn(16, 1)
    model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))
    ema_model = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    criterion = nn.MSELoss()
    for step in range(1, 31):
        idx = torch.randint(0, 64, (8,))
        loss = criterion(model(x[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        ema_model.update_parameters(model)
        print("loss", step, loss.item())
        if step % 10 == 0:
            with torch.no_grad():
                val_loss = criterion(model(x_val), y_val)
                ema_val_loss = criterion(ema_model(x_val), y_val)
            print("val", step, val_loss.item(), ema_val_loss.item())


if __name__ == "__main__":
    main()
