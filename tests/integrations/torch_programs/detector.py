"""A model that gives its losses itself while it trains, as detectors do, and predictions when it does not."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset


class Boxes(Dataset):
    def __init__(self, count):
        generator = torch.Generator().manual_seed(count)
        self.images = [torch.randn(3, generator=generator) for _ in range(count)]

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[index]
        return image, {"boxes": image[:2] * 2, "labels": int(image[2] > 0)}


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone, self.box, self.cls = nn.Linear(3, 8), nn.Linear(8, 2), nn.Linear(8, 2)

    def forward(self, images, targets=None):
        features = torch.relu(self.backbone(torch.stack(images)))
        boxes, scores = self.box(features), self.cls(features)
        if targets is None:
            return [{"boxes": box, "scores": score} for box, score in zip(boxes, scores.softmax(1))]
        return {
            "loss_box": F.smooth_l1_loss(boxes, torch.stack([target["boxes"] for target in targets])),
            "loss_cls": F.cross_entropy(scores, torch.tensor([target["labels"] for target in targets])),
        }


def collate(batch):
    return tuple(zip(*batch))


def train_one_epoch(model, optimizer, data_loader, epoch):
    model.train()
    for images, targets in data_loader:
        loss_dict = model(list(images), targets)
        losses = sum(loss for loss in loss_dict.values())
        optimizer.zero_grad()
        losses.backward()
        optimizer.step()
        print("loss", epoch, len(images), losses.item())


@torch.inference_mode()
def evaluate(model, data_loader):
    model.eval()
    right = 0
    for images, targets in data_loader:
        outputs = model(list(images))
        right += sum(int(out["scores"].argmax()) == target["labels"] for out, target in zip(outputs, targets))
    print("right", right)


def main():
    torch.manual_seed(45)
    data_loader = DataLoader(Boxes(22), batch_size=4, shuffle=True, collate_fn=collate)
    data_loader_test = DataLoader(Boxes(6), batch_size=1, collate_fn=collate)
    model = Detector()
    params = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(params, lr=0.05, momentum=0.9, weight_decay=0.0005)
    lr_scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)
    for epoch in range(3):
        train_one_epoch(model, optimizer, data_loader, epoch)
        lr_scheduler.step()
        evaluate(model, data_loader_test)


if __name__ == "__main__":
    main()
