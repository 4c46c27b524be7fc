"""An actor and a critic: each its own loss and optimizer; both backward passes come before both steps."""

import torch
import torch.nn.functional as F
from torch import nn, optim


class Actor(nn.Module):
    def __init__(self):
        super().__init__()
        self.policy = nn.Linear(4, 2)

    def forward(self, state):
        return F.log_softmax(self.policy(state), dim=-1)


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.value = nn.Linear(4, 1)

    def forward(self, state):
        return self.value(state).squeeze(-1)


def main():
    torch.manual_seed(5)
    actor, critic = Actor(), Critic()
    actor_optimizer = optim.Adam(actor.parameters(), lr=0.01)
    critic_optimizer = optim.Adam(critic.parameters(), lr=0.02)
    for episode in range(5):
        states, rewards = torch.randn(10, 4), torch.rand(10)
        log_probs = actor(states)[:, 0]
        advantage = rewards - critic(states)
        actor_loss = -(log_probs * advantage.detach()).mean()
        critic_loss = advantage.pow(2).mean()
        actor_optimizer.zero_grad()
        critic_optimizer.zero_grad()
        actor_loss.backward()
        critic_loss.backward()
        actor_optimizer.step()
        critic_optimizer.step()
        print("losses", episode, actor_loss.item(), critic_loss.item())


if __name__ == "__main__":
    main()
