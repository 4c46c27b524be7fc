"""One trunk, two heads, a weighted sum of their losses."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class MultiTask(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(5, 16), nn.ReLU())
        self.regression, self.classes = nn.Linear(16, 1), nn.Linear(16, 3)

    def forward(self, x):
        h = self.trunk(x)
        return self.regression(h).squeeze(1), self.classes(h)


def main():
    torch.manual_seed(25)
    x = torch.randn(54, 5)
    data = TensorDataset(x, x.sum(1), torch.randint(0, 3, (54,)))
    train_set, val_set = torch.utils.data.random_split(data, [42, 12])
    train_dl, val_dl = DataLoader(train_set, 16, shuffle=True), DataLoader(val_set, 5)
    model = MultiTask()
    mse, ce = nn.MSELoss(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(2):
        model.train()
        for x, value, label in train_dl:
            optimizer.zero_grad()
            out_value, out_label = model(x)
            loss = 1.0 * mse(out_value, value) + 0.5 * ce(out_label, label)
            loss.backward()
            optimizer.step()
            print("loss", epoch, len(x), loss.item())
        model.eval()
        with torch.inference_mode():
            for x, value, label in val_dl:
                out_value, out_label = model(x)
                print("val", epoch, len(x), mse(out_value, value).item(), ce(out_label, label).item())


if __name__ == "__main__":
    main()
