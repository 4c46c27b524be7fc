"""A class Trainer: batches are dictionaries, the model computes its loss, evaluation comes before a batch is used."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.classifier = nn.Linear(3, 2)

    def forward(self, inputs, labels=None):
        logits = self.classifier(inputs)
        return {"loss": None if labels is None else F.cross_entropy(logits, labels), "logits": logits}


def collate(samples):
    return {"inputs": torch.stack([x for x, _ in samples]), "labels": torch.stack([y for _, y in samples])}


class Trainer:
    def __init__(self, model, train_data, eval_data):
        self.model = model
        self.train_dataloader = DataLoader(train_data, batch_size=8, collate_fn=collate)
        self.eval_dataloader = DataLoader(eval_data, batch_size=4, collate_fn=collate)
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
        self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lambda step: 1 / (1 + step))
        self.state = 0

    def evaluate(self):
        self.model.eval()
        total = 0.0
        with torch.no_grad():
            for batch in self.eval_dataloader:
                total += self.model(**batch)["loss"].item() * len(batch["labels"])
        self.model.train()
        print("eval", self.state, total / 9)

    def train(self):
        for epoch in range(2):
            for batch in self.train_dataloader:
                if self.state % 2 == 0:
                    self.evaluate()
                loss = self.model(**batch)["loss"]
                loss.backward()
                self.optimizer.step()
                self.lr_scheduler.step()
                self.optimizer.zero_grad()
                self.state += 1
                print("loss", epoch, len(batch["labels"]), loss.item())


def main():
    torch.manual_seed(12)
    x = torch.randn(29, 3)
    data = list(zip(x, (x[:, 0] > 0).long()))
    Trainer(Model(), data[:20], data[20:]).train()


if __name__ == "__main__":
    main()
