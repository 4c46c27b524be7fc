"""What no hook is told of: steps in compiled code, parameters that a program changes itself, batches of other sizes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler, TensorDataset


@pytest.fixture
def net():
    torch.manual_seed(5)
    torch._dynamo.reset()
    return nn.Linear(4, 1)


def loader_of(batch_size: int = 10, samples: int = 40) -> DataLoader[Any]:
    torch.manual_seed(6)
    return DataLoader(TensorDataset(torch.randn(samples, 4), torch.randn(samples, 1)), batch_size=batch_size)


def mean(losses: list[tuple[int, float]]) -> Any:
    return pytest.approx(sum(n * loss for n, loss in losses) / sum(n for n, _ in losses), rel=1e-6)


def loss_of(net: nn.Module, batch: Any, into: list[tuple[int, float]]) -> Any:
    x, y = batch
    loss = functional.mse_loss(net(x), y)
    loss.backward()
    into.append((len(x), loss.item()))
    return loss


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")  # the compiler's own
@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam])
def test_compiled_step(record, net, kind):
    """A compiled step is known by what it changes, and is compiled as it says."""
    optimizer = kind(net.parameters(), lr=0.1)
    step = torch.compile(optimizer.step, backend="aot_eager")
    losses: list[tuple[int, float]] = []
    for batch in loader_of(16):
        optimizer.zero_grad()
        loss_of(net, batch, losses)
        step()
    record.finish()
    assert record.run.metrics["train/loss"] == [mean(losses)]
    assert record.run.params["steps"] == "3"
    assert (record.run.params["compiled"], record.run.params["compile.backend"]) == ("part", "aot_eager")


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")  # the compiler's own
def test_parameters_put_right_between_batches(record, net):
    """Where a program keeps its parameters in bounds while it accumulates gradients, that is no step, even if it has
    compiled something else."""
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    double = torch.compile(lambda x: 2 * x, backend="eager")
    losses: list[tuple[int, float]] = []
    for at, batch in enumerate(loader_of()):
        loss_of(net, batch, losses)
        double(torch.ones(1))
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.clamp_(-0.4, 0.4)
        if at % 2:
            optimizer.step()
            optimizer.zero_grad()
    record.finish()
    assert record.run.metrics["train/loss"] == [mean(losses)]
    assert (record.run.params["steps"], record.run.params["gradient_accumulation"]) == ("2", "2")


@pytest.mark.parametrize("when", [0, 1])
def test_updates_by_hand(record, net, when):
    """What a program updates itself is no step of its optimizer, and no evaluation either."""
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    epochs: list[list[tuple[int, float]]] = [[], [], []]
    train_loader = loader_of()
    for epoch in range(3):
        for batch in train_loader:
            loss_of(net, batch, epochs[epoch])
            if epoch == when:
                with torch.no_grad():
                    for parameter in net.parameters():
                        parameter.sub_(parameter.grad, alpha=0.01)
                        parameter.grad.zero_()
            else:
                optimizer.step()
                optimizer.zero_grad()
    record.finish()
    assert record.run.metrics["train/loss"] == [mean(epochs[epoch]) for epoch in range(3) if epoch != when]
    assert record.run.params["steps"] == "8"
    assert "gradient_accumulation" not in record.run.params
    assert not any("val" in name or "eval" in name for name in record.run.metrics)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(4, 4), nn.Linear(4, 1)

    def forward(self, x: Any) -> Any:
        return self.head(self.body(x))


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")  # the compiler's own
@pytest.mark.parametrize("way", ["function", "decorator", "method", "part", "disabled"])
def test_how_a_model_is_compiled(record, way):
    """Mode, backend, fullgraph and dynamic are parameters of the run; of a model's parts what they have in common."""
    torch._dynamo.reset()
    model: Any = Net()
    how: dict[str, Any] = {"backend": "eager", "dynamic": False, "fullgraph": way != "part"}
    if way == "method":
        model.compile(**how)
    elif way == "part":
        model.body.compile(**how)
        model.head.compile(backend="eager")
    else:
        how |= {"disable": True} if way == "disabled" else {}
        model = torch.compile(**how)(model) if way == "decorator" else torch.compile(model, **how)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for x, y in loader_of(20):
        optimizer.zero_grad()
        functional.mse_loss(model(x), y).backward()
        optimizer.step()
    record.finish()
    found = {name: value for name, value in record.run.params.items() if name.startswith("compile")}
    settings = {"compile.fullgraph": "True", "compile.dynamic": "False"}
    both = {"compiled": "True", "compile.backend": "eager", "compile.mode": "default", **settings}
    if way == "part":
        assert found == {
            "compiled": "part", "compile.backend": "eager", "compile.mode": "default", "compile.fullgraph": "False",
        }  # fmt: skip
    else:
        assert found == ({} if way == "disabled" else both)
    assert record.run.params["steps"] == "2"


def train(net: nn.Module, loaders: list[Any]) -> list[list[tuple[int, float]]]:
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    epochs: list[list[tuple[int, float]]] = []
    for loader in loaders:
        epochs.append([])
        for batch in loader:
            optimizer.zero_grad()
            loss_of(net, batch, epochs[-1])
            optimizer.step()
    return epochs


def test_schedule_of_batch_sizes(record, net):
    """A size that changes from epoch to epoch is a curve; a last batch with fewer samples is no change."""
    whole = loader_of(16).dataset
    epochs = train(net, [DataLoader(whole, batch_size=size) for size in (6, 6, 12, 40)])
    record.finish()
    assert record.run.metrics["train/loss"] == [mean(epoch) for epoch in epochs]
    assert (record.run.steps["train/batch_size"], record.run.metrics["train/batch_size"]) == ([1, 2, 3], [6, 12, 40])
    assert record.run.params["batch_size"] == "6"


def test_same_batch_size(record, net):
    """Where it stays the same there is no curve of it."""
    train(net, [loader_of(16)] * 3)
    record.finish()
    assert record.run.params["batch_size"] == "16"
    assert "train/batch_size" not in record.run.metrics


def test_size_set_in_the_sampler(record, net):
    """Between two passes it counts; in the midst of one the sizes are not clear, and that pass has no loss."""
    loader: Any = loader_of(10, 60)
    sampler: Any = loader.batch_sampler
    first = train(net, [loader])[0]
    record.finish()
    assert record.run.metrics["train/loss"] == [mean(first)]
    record.sink.streams.clear()
    sampler.batch_size = 20
    epochs = train(nn.Linear(4, 1), [loader, changing(loader, 5), loader])
    record.finish()
    assert record.run.metrics["train/loss"] == [mean(epochs[0]), mean(epochs[2])]
    assert record.run.steps["train/loss"] == [0, 2]
    assert record.run.metrics["train/batch_size"] == [20, 5]


def changing(loader: Any, size: int) -> Any:
    """A pass over a loader in which its batches become smaller."""
    for batch in loader:
        yield batch
        loader.batch_sampler.batch_size = size


class Overstating(SequentialSampler):
    def __len__(self) -> int:
        return 1000


def test_sampler_that_overstates(record, net):
    """Where a sampler's length is wrong, batches are looked at from then on."""
    data = loader_of().dataset
    loader = DataLoader(data, batch_sampler=BatchSampler(Overstating(data), 16, drop_last=False))
    epochs = train(net, [loader, loader])
    record.finish()
    assert record.run.metrics["train/loss"] == [mean(epochs[1])]
    assert record.run.steps["train/loss"] == [1]


def test_sizes_of_own_batches(record, net):
    """Where a batch sampler of the program's own makes batches of any size, the largest of an epoch tells."""
    data = loader_of().dataset
    sizes = [[range(10), range(10, 40)], [range(10), range(10, 40)], [range(20), range(20, 40)]]
    epochs = train(net, [DataLoader(data, batch_sampler=batches) for batches in sizes])
    record.finish()
    assert record.run.metrics["train/loss"] == [mean(epoch) for epoch in epochs]
    assert (record.run.steps["train/batch_size"], record.run.metrics["train/batch_size"]) == ([1, 2], [30, 20])
