"""Deep Q-learning: a replay memory, a policy and a target network that is brought up to date now and then."""

import random
from collections import deque

import torch
from torch import nn
from torch.nn import functional as F


class DQN(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 2))

    def forward(self, x):
        return self.layers(x)


def main():
    torch.manual_seed(54)
    generator = random.Random(54)
    policy_net, target_net = DQN(), DQN()
    target_net.load_state_dict(policy_net.state_dict())
    optimizer = torch.optim.AdamW(policy_net.parameters(), lr=1e-3, amsgrad=True)
    memory = deque(maxlen=100)
    for episode in range(4):
        state = torch.randn(3)
        for t in range(10):
            if generator.random() > 0.3:
                with torch.no_grad():
                    action = int(policy_net(state).argmax())
            else:
                action = generator.randrange(2)
            after = torch.randn(3)
            memory.append((state, action, after, float(action == int(state[0] > 0))))
            state = after
            if len(memory) < 8:
                continue
            states, actions, nexts, rewards = zip(*generator.sample(list(memory), 8))
            values = policy_net(torch.stack(states)).gather(1, torch.tensor(actions).unsqueeze(1))
            with torch.no_grad():
                expected = torch.tensor(rewards) + 0.9 * target_net(torch.stack(nexts)).max(1).values
            loss = F.smooth_l1_loss(values, expected.unsqueeze(1))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_value_(policy_net.parameters(), 100)
            optimizer.step()
            print("loss", episode, t, loss.item())
        target_net.load_state_dict(policy_net.state_dict())


if __name__ == "__main__":
    main()
