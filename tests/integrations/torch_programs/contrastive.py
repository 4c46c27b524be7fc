"""Two encoders that learn to put pairs together; the temperature is learnt too."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class ImageEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 4)

    def forward(self, x):
        return F.normalize(self.fc(x), dim=-1)


class TextEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.EmbeddingBag(20, 4)

    def forward(self, tokens):
        return F.normalize(self.embed(tokens), dim=-1)


def clip_loss(image, text, logit_scale):
    logits = logit_scale.exp() * image @ text.t()
    labels = torch.arange(len(logits))
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.t(), labels)) / 2


def main():
    torch.manual_seed(22)
    data = TensorDataset(torch.randn(28, 6), torch.randint(0, 20, (28, 5)))
    dataloader = DataLoader(data, batch_size=8, shuffle=True, drop_last=True)
    image_encoder, text_encoder = ImageEncoder(), TextEncoder()
    logit_scale = nn.Parameter(torch.ones([]) * np.log(1 / 0.07))
    params = list(image_encoder.parameters()) + list(text_encoder.parameters()) + [logit_scale]
    optimizer = torch.optim.AdamW(params, lr=1e-2, weight_decay=0.1)
    for epoch in range(3):
        for images, texts in dataloader:
            loss = clip_loss(image_encoder(images), text_encoder(texts), logit_scale)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            print("loss", epoch, len(images), loss.item())


if __name__ == "__main__":
    main()
