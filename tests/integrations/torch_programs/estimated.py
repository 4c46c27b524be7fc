"""A language model whose losses are estimated on a few batches of either part, with no loader at all."""

import torch
from torch import nn
from torch.nn import functional as F

batch_size, block_size, eval_interval, eval_iters, max_iters = 4, 6, 20, 5, 60


class BigramLanguageModel(nn.Module):
    def __init__(self, vocab_size):
        super().__init__()
        self.token_embedding_table = nn.Embedding(vocab_size, vocab_size)

    def forward(self, idx, targets=None):
        logits = self.token_embedding_table(idx)
        if targets is None:
            return logits, None
        B, T, C = logits.shape
        return logits, F.cross_entropy(logits.view(B * T, C), targets.view(B * T))

    def generate(self, idx, max_new_tokens):
        for _ in range(max_new_tokens):
            logits, _ = self(idx)
            idx_next = torch.multinomial(F.softmax(logits[:, -1, :], dim=-1), num_samples=1)
            idx = torch.cat((idx, idx_next), dim=1)
        return idx


def main():
    torch.manual_seed(1337)
    data = torch.randint(0, 12, (400,))
    train_data, val_data = data[:360], data[360:]

    def get_batch(split):
        data = train_data if split == "train" else val_data
        ix = torch.randint(len(data) - block_size, (batch_size,))
        return torch.stack([data[i : i + block_size] for i in ix]), torch.stack(
            [data[i + 1 : i + block_size + 1] for i in ix]
        )

    @torch.no_grad()
    def estimate_loss():
        out = {}
        model.eval()
        for split in ["train", "val"]:
            losses = torch.zeros(eval_iters)
            for k in range(eval_iters):
                X, Y = get_batch(split)
                _, loss = model(X, Y)
                losses[k] = loss.item()
                print(split, iter, loss.item())
            out[split] = losses.mean()
        model.train()
        return out

    model = BigramLanguageModel(12)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for iter in range(max_iters):
        if iter % eval_interval == 0 or iter == max_iters - 1:
            losses = estimate_loss()
            print(f"step {iter}: train loss {losses['train']:.4f}, val loss {losses['val']:.4f}")
        xb, yb = get_batch("train")
        _, loss = model(xb, yb)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        print("loss", iter, loss.item())
    print(model.generate(torch.zeros((1, 1), dtype=torch.long), 10)[0].tolist())


if __name__ == "__main__":
    main()
