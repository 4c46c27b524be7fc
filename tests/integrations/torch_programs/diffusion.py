"""A denoising model: noise is added at random times and to be found again; an average of the weights is kept."""

import copy

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Denoiser(nn.Module):
    def __init__(self, T=20):
        super().__init__()
        self.time = nn.Embedding(T, 8)
        self.net = nn.Sequential(nn.Linear(4 + 8, 16), nn.SiLU(), nn.Linear(16, 4))

    def forward(self, x, t):
        return self.net(torch.cat([x, self.time(t)], dim=-1))


class Diffusion:
    def __init__(self, T=20):
        self.T = T
        self.alpha_bar = torch.cumprod(1 - torch.linspace(1e-3, 0.2, T), dim=0)

    def loss(self, model, x0):
        t = torch.randint(0, self.T, (x0.shape[0],))
        noise = torch.randn_like(x0)
        a = self.alpha_bar[t][:, None]
        return F.mse_loss(model(a.sqrt() * x0 + (1 - a).sqrt() * noise, t), noise)


@torch.no_grad()
def update_ema(ema, model, decay=0.9):
    for e, p in zip(ema.parameters(), model.parameters()):
        e.lerp_(p, 1 - decay)


def main():
    torch.manual_seed(21)
    train_loader = DataLoader(TensorDataset(torch.randn(44, 4)), batch_size=16, shuffle=True)
    val_loader = DataLoader(TensorDataset(torch.randn(10, 4)), batch_size=4)
    model, diffusion = Denoiser(), Diffusion()
    ema = copy.deepcopy(model).requires_grad_(False)
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for epoch in range(3):
        for (x,) in train_loader:
            opt.zero_grad(set_to_none=True)
            loss = diffusion.loss(model, x)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            update_ema(ema, model)
            print("loss", epoch, len(x), loss.item())
        with torch.no_grad():
            for (x,) in val_loader:
                print("val", epoch, len(x), diffusion.loss(model, x).item())
            for (x,) in val_loader:
                print("ema", epoch, len(x), diffusion.loss(ema, x).item())


if __name__ == "__main__":
    main()
