"""Reinforcement learning: episodes, returns, and a policy that is updated at the end of each."""

import torch
from torch import nn, optim
from torch.distributions import Categorical


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(4, 16)
        self.affine2 = nn.Linear(16, 2)

    def forward(self, x):
        return self.affine2(torch.relu(self.affine1(x))).softmax(dim=-1)


def main():
    torch.manual_seed(10)
    policy = Policy()
    optimizer = optim.Adam(policy.parameters(), lr=1e-2)
    for episode in range(6):
        state = torch.randn(4)
        log_probs, rewards = [], []
        for _ in range(5 + episode):
            choice = Categorical(policy(state))
            action = choice.sample()
            log_probs.append(choice.log_prob(action))
            state = state.roll(1) * (0.9 if action else 1.1)
            rewards.append(float(1 - state.abs().mean()))
        returns = torch.tensor([sum(rewards[i:]) for i in range(len(rewards))])
        policy_loss = torch.stack([-p * r for p, r in zip(log_probs, returns)]).sum()
        optimizer.zero_grad()
        policy_loss.backward()
        optimizer.step()
        print("loss", episode, policy_loss.item())


if __name__ == "__main__":
    main()
