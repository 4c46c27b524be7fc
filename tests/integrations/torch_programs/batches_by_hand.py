"""A small transformer with get_batch() and no loader."""

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, vocabulary=11, width=8):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.layer = nn.TransformerEncoderLayer(width, 2, 16, dropout=0.0, batch_first=True)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, idx, targets):
        logits = self.head(self.layer(self.embed(idx)))
        return logits, F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1))


def main():
    torch.manual_seed(1337)
    text = torch.randint(0, 11, (200,))

    def get_batch():
        at = torch.randint(0, 190, (4,))
        return torch.stack([text[i : i + 8] for i in at]), torch.stack([text[i + 1 : i + 9] for i in at])

    model = Block()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for step in range(250):
        xb, yb = get_batch()
        _, loss = model(xb, yb)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        print("loss", step, loss.item())


if __name__ == "__main__":
    main()
