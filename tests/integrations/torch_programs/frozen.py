"""Transfer learning: only the last layer is trained; phases of training and validation share a loop."""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.BatchNorm1d(8))
        self.fc = nn.Linear(8, 10)

    def forward(self, x):
        return self.fc(self.features(x))


def main():
    torch.manual_seed(6)
    x, y = torch.randn(60, 6), torch.randint(0, 2, (60,))
    datasets = {"train": TensorDataset(x[:40], y[:40]), "val": TensorDataset(x[40:], y[40:])}
    dataloaders = {name: DataLoader(data, batch_size=16, shuffle=True) for name, data in datasets.items()}
    model = Backbone()
    for parameter in model.parameters():
        parameter.requires_grad = False
    model.fc = nn.Linear(8, 2)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer = optim.SGD(model.fc.parameters(), lr=0.01, momentum=0.9)
    for epoch in range(2):
        for phase in ["train", "val"]:
            model.train(phase == "train")
            running = 0.0
            for inputs, labels in dataloaders[phase]:
                optimizer.zero_grad()
                with torch.set_grad_enabled(phase == "train"):
                    loss = criterion(model(inputs), labels)
                    if phase == "train":
                        loss.backward()
                        optimizer.step()
                running += loss.item() * inputs.size(0)
            print(phase, epoch, running / len(datasets[phase]))


if __name__ == "__main__":
    main()
