"""The well-known fine-tuning loop: one body for both phases, and the best weights put back at the end."""

import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def train_model(model, dataloaders, dataset_sizes, criterion, optimizer, scheduler, num_epochs):
    best_model_wts, best_acc = copy.deepcopy(model.state_dict()), 0.0
    for _ in range(num_epochs):
        for phase in ["train", "test"]:
            if phase == "train":
                model.train()
            else:
                model.eval()
            running_loss, running_corrects = 0.0, 0
            for inputs, labels in dataloaders[phase]:
                optimizer.zero_grad()
                with torch.set_grad_enabled(phase == "train"):
                    outputs = model(inputs)
                    _, preds = torch.max(outputs, 1)
                    loss = criterion(outputs, labels)
                    if phase == "train":
                        loss.backward()
                        optimizer.step()
                running_loss += loss.item() * inputs.size(0)
                running_corrects += torch.sum(preds == labels.data).item()
            if phase == "train":
                scheduler.step()
            epoch_loss, epoch_acc = running_loss / dataset_sizes[phase], running_corrects / dataset_sizes[phase]
            print(phase, epoch_loss, epoch_acc)
            if phase == "test" and epoch_acc > best_acc:
                best_acc, best_model_wts = epoch_acc, copy.deepcopy(model.state_dict())
    model.load_state_dict(best_model_wts)
    return model


def main():
    torch.manual_seed(1)
    x = torch.randn(40, 5)
    y = x[:, :3].argmax(1)
    parts = {"train": (x[:28], y[:28]), "test": (x[28:], y[28:])}
    dataloaders = {k: DataLoader(TensorDataset(*parts[k]), batch_size=6, shuffle=k == "train") for k in parts}
    dataset_sizes = {k: len(parts[k][0]) for k in parts}
    model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    train_model(model, dataloaders, dataset_sizes, nn.CrossEntropyLoss(), optimizer, scheduler, 4)


if __name__ == "__main__":
    main()
