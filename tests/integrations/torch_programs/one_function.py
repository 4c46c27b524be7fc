"""One function for all phases, with a flag; the loaders lie in a dict and are wrapped by a progress bar."""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm


def run_epoch(model, loader, criterion, optimizer=None):
    is_train = optimizer is not None
    model.train(is_train)
    running_loss, correct, count = 0.0, 0, 0
    with torch.set_grad_enabled(is_train):
        for inputs, labels in tqdm(loader, disable=True):
            outputs = model(inputs)
            loss = criterion(outputs, labels)
            if is_train:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            running_loss += loss.item() * inputs.size(0)
            correct += (outputs.argmax(1) == labels).sum().item()
            count += inputs.size(0)
    return running_loss / count, correct / count


def main():
    torch.manual_seed(29)
    x = torch.randn(70, 6)
    y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()
    sets = {"train": (x[:40], y[:40]), "val": (x[40:54], y[40:54]), "test": (x[54:], y[54:])}
    dataloaders = {name: DataLoader(TensorDataset(*part), batch_size=12, shuffle=name == "train")
                   for name, part in sets.items()}  # fmt: skip
    model = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 3))
    criterion, optimizer = nn.CrossEntropyLoss(label_smoothing=0.1), optim.Adam(model.parameters(), lr=1e-2)
    scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
    for _ in range(3):
        print("train", *run_epoch(model, dataloaders["train"], criterion, optimizer))
        loss, acc = run_epoch(model, dataloaders["val"], criterion)
        scheduler.step(loss)
        print("val", loss, acc)
    print("test", *run_epoch(model, dataloaders["test"], criterion))


if __name__ == "__main__":
    main()
