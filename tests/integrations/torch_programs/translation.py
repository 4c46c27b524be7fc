"""An encoder and a decoder, each with its optimizer, and one loss."""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.gru = nn.Embedding(9, 6), nn.GRU(6, 6, batch_first=True)

    def forward(self, words):
        return self.gru(self.embedding(words))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru, self.out = nn.GRU(6, 6, batch_first=True), nn.Linear(6, 9)

    def forward(self, outputs, hidden):
        return self.out(self.gru(outputs, hidden)[0])


def main():
    torch.manual_seed(6)
    pairs = TensorDataset(torch.randint(0, 9, (20, 5)), torch.randint(0, 9, (20, 5)))
    dataloader = DataLoader(pairs, batch_size=8, shuffle=True)
    encoder, decoder = Encoder(), Decoder()
    encoder_optimizer = optim.Adam(encoder.parameters(), lr=0.01)
    decoder_optimizer = optim.Adam(decoder.parameters(), lr=0.01)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(2):
        for source, target in dataloader:
            encoder_optimizer.zero_grad()
            decoder_optimizer.zero_grad()
            loss = criterion(decoder(*encoder(source)).view(-1, 9), target.view(-1))
            loss.backward()
            encoder_optimizer.step()
            decoder_optimizer.step()
            print("loss", epoch, len(source), loss.item())


if __name__ == "__main__":
    main()
