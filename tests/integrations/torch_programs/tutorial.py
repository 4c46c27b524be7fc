"""The first tutorial's manner: a look at some images, whose iterator stays, then training, then the test."""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset


def main():
    torch.manual_seed(0)
    images, labels = torch.randn(30, 6), torch.randint(0, 3, (30,))
    trainloader = DataLoader(TensorDataset(images[:20], labels[:20]), batch_size=8, shuffle=True)
    testloader = DataLoader(TensorDataset(images[20:], labels[20:]), batch_size=4)
    net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    dataiter = iter(trainloader)
    images, labels = next(dataiter)
    print("scores", tuple(net(images).shape))
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(2):
        for data in trainloader:
            inputs, labels = data
            optimizer.zero_grad()
            loss = criterion(net(inputs), labels)
            loss.backward()
            optimizer.step()
            print("loss", epoch, len(inputs), loss.item())
    dataiter = iter(testloader)
    images, labels = next(dataiter)
    total = 0.0
    with torch.no_grad():
        for images, labels in testloader:
            total += criterion(net(images), labels).item() * len(images)
    print("test", total / 10)


if __name__ == "__main__":
    main()
