"""A critic with a gradient penalty, several of its steps for each step of the generator."""

import torch
from torch import autograd, nn
from torch.utils.data import DataLoader, TensorDataset

n_critic, lambda_gp = 2, 10


def compute_gradient_penalty(D, real, fake):
    alpha = torch.rand(real.size(0), 1)
    interpolates = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    d_interpolates = D(interpolates)
    gradients = autograd.grad(outputs=d_interpolates, inputs=interpolates,
                              grad_outputs=torch.ones_like(d_interpolates),
                              create_graph=True, retain_graph=True, only_inputs=True)[0]  # fmt: skip
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean()


def main():
    torch.manual_seed(24)
    dataloader = DataLoader(TensorDataset(torch.randn(40, 3)), batch_size=10, shuffle=True)
    generator = nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(0.2), nn.Linear(8, 3))
    discriminator = nn.Sequential(nn.Linear(3, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
    optimizer_G = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
    optimizer_D = torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=(0.5, 0.999))
    for epoch in range(2):
        for i, (real_imgs,) in enumerate(dataloader):
            optimizer_D.zero_grad()
            z = torch.randn(real_imgs.shape[0], 2)
            fake_imgs = generator(z).detach()
            gradient_penalty = compute_gradient_penalty(discriminator, real_imgs, fake_imgs)
            d_loss = -discriminator(real_imgs).mean() + discriminator(fake_imgs).mean() + lambda_gp * gradient_penalty
            d_loss.backward()
            optimizer_D.step()
            print("critic", epoch, len(real_imgs), d_loss.item())
            if i % n_critic == 0:
                optimizer_G.zero_grad()
                g_loss = -discriminator(generator(z)).mean()
                g_loss.backward()
                optimizer_G.step()
                print("generator", epoch, len(real_imgs), g_loss.item())


if __name__ == "__main__":
    main()
