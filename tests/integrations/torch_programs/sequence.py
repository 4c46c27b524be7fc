"""A sequence model trained with LBFGS: one step, many evaluations of a closure."""

import torch
from torch import nn, optim


class Sequence(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTMCell(1, 8)
        self.linear = nn.Linear(8, 1)

    def forward(self, input):
        outputs = []
        h = c = torch.zeros(input.size(0), 8, dtype=torch.double)
        for step in input.split(1, dim=1):
            h, c = self.lstm(step, (h, c))
            outputs.append(self.linear(h))
        return torch.cat(outputs, dim=1)


def main():
    torch.manual_seed(0)
    data = torch.sin(torch.arange(12).double().unsqueeze(0) / 3 + torch.randn(5, 1).double())
    input, target = data[:, :-1], data[:, 1:]
    seq = Sequence().double()
    criterion = nn.MSELoss()
    optimizer = optim.LBFGS(seq.parameters(), lr=0.8, max_iter=4)
    for i in range(5):

        def closure():
            optimizer.zero_grad()
            loss = criterion(seq(input), target)
            loss.backward()
            return loss

        print("step", i, optimizer.step(closure).item())
        with torch.no_grad():
            print("test", criterion(seq(input), target).item())


if __name__ == "__main__":
    main()
