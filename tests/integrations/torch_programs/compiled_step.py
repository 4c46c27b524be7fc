"""The optimizer's step is compiled together with the clipping of its gradients."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def main():
    torch.manual_seed(12)
    torch._dynamo.reset()
    x, y = torch.randn(40, 4), torch.randn(40, 1)
    loader = DataLoader(TensorDataset(x, y), batch_size=16)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    @torch.compile(backend="eager")
    def update():
        nn.utils.clip_grad_value_(model.parameters(), 1.0)
        optimizer.step()

    for epoch in range(2):
        for inputs, target in loader:
            optimizer.zero_grad()
            loss = F.mse_loss(model(inputs), target)
            loss.backward()
            update()
            print("loss", epoch, len(inputs), loss.item())


if __name__ == "__main__":
    main()
