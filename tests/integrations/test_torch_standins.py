"""What stands in the places of torch's own functions looks and behaves like them."""

from __future__ import annotations

import copy
import functools
import inspect
import pickle
import traceback
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import functional
from torch.utils.data import DataLoader
from torch.utils.data.dataloader import _BaseDataLoaderIter

from autotrack.testing.traces import names_us
from autotrack_torch import INTEGRATION
from autotrack_torch.functional import NAMES

PLACES = [(functional, name) for name in NAMES] + [
    (torch.autograd, "backward"), (_BaseDataLoaderIter, "__next__"),
    (nn.Module, "zero_grad"), (torch.optim.Optimizer, "zero_grad"),
    (nn.utils, "clip_grad_norm_"), (nn.utils.clip_grad, "clip_grad_value_"),
]  # fmt: skip


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.loss = nn.Linear(3, 2), nn.CrossEntropyLoss()

    def forward(self, x, y):
        return self.loss(self.layer(x), y) + functional.mse_loss(x, x)


X, Y = torch.arange(12.0).view(4, 3), torch.tensor([0, 1, 1, 0])


def test_the_very_functions_come_back():
    """After recording everything is what it was, and a stranger's later patch stays."""
    before = [vars(owner)[name] for owner, name in PLACES]
    INTEGRATION.enable()
    patched = [vars(owner)[name] for owner, name in PLACES]
    stranger = functional.mse_loss = functools.partial(patched[NAMES.index("mse_loss")])
    INTEGRATION.disable()
    assert functional.mse_loss is stranger
    assert functional.mse_loss(X, X) == 0
    functional.mse_loss = before[NAMES.index("mse_loss")]
    assert [vars(owner)[name] for owner, name in PLACES] == before
    assert all(ours is not own for ours, own in zip(patched, before, strict=True))


def test_they_look_like_torchs_own(record):
    """Name, module, documentation and signature; pickled by name, without a word of autotrack."""
    for owner, name in PLACES:
        ours = getattr(owner, name)
        own = ours.__wrapped__
        assert (ours.__name__, ours.__module__, ours.__doc__) == (own.__name__, own.__module__, own.__doc__)
        assert inspect.signature(ours) == inspect.signature(own)
        if not isinstance(owner, type):
            assert not names_us(pickle.dumps(ours))
            assert pickle.loads(pickle.dumps(ours)) is ours
        assert copy.deepcopy(ours) is ours


@pytest.mark.filterwarnings("ignore")  # TorchScript's own
def test_torchscript(record):
    """Functions, modules and losses are scripted and traced as they were."""

    def plain(x, y):
        return functional.cross_entropy(x, y)

    expected = Net()
    scripted = torch.jit.script(expected)
    assert torch.equal(scripted(X, Y), expected(X, Y))
    assert torch.equal(torch.jit.script(nn.MSELoss())(X, X + 1), torch.tensor(1.0))
    assert torch.equal(torch.jit.trace(expected, (X, Y))(X, Y), expected(X, Y))
    assert torch.jit.script(plain)(X[:, :2], Y) > 0


def test_transforms(record):
    """Symbolic traces, gradients and maps of functions see through."""
    model = Net()
    parameters = dict(model.named_parameters())
    traced = torch.fx.symbolic_trace(model)
    assert "torch.nn.functional.mse_loss" in traced.code
    assert torch.equal(pickle.loads(pickle.dumps(traced))(X, Y), model(X, Y))
    each = vmap(grad(lambda own, x, y: functional_call(model, own, (x[None], y[None]))), in_dims=(None, 0, 0))
    assert each(parameters, X, Y)["layer.weight"].shape == (4, 2, 3)
    assert "autotrack" not in make_fx(lambda x: functional.mse_loss(x, x * 2))(X).code
    assert torch.export.export(model, (X, Y)).module()(X, Y) == model(X, Y)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")  # the compiler's own
def test_no_graph_break(record):
    """A model, a loss of both kinds and the model's first call compile into one graph."""
    torch._dynamo.reset()
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    @torch.compile(fullgraph=True, backend="eager")
    def loss(x, y):
        return model(x, y) + functional.l1_loss(x, x + 1)

    for _ in range(3):
        loss(X, Y).backward()
        optimizer.step()
        optimizer.zero_grad()
    explained = torch._dynamo.explain(lambda x, y: functional.cross_entropy(model.layer(x), y))(X, Y)
    assert explained.graph_break_count == 0
    record.finish()
    assert record.run.params["steps"] == "3"


def test_exceptions_pass_without_a_trace(record):
    """What torch raises arrives without a frame of ours."""
    model = nn.Sequential(nn.Linear(3, 2))
    torch.optim.SGD(model.parameters(), lr=0.1)

    def fails_in_a_dataset():
        for _ in DataLoader([X[0], X[0, :2]], batch_size=2):
            pass

    for call in (
        lambda: functional.cross_entropy(X, X[:2]),
        lambda: model(torch.ones(2, 5)),
        lambda: X.sum().backward(),
        fails_in_a_dataset,
    ):
        with pytest.raises((RuntimeError, ValueError, TypeError)) as caught:
            call()
        files = [Path(frame.filename).parent.name for frame in traceback.extract_tb(caught.tb)]
        assert not {"autotrack", "autotrack_torch"}.intersection(files)


def test_the_models_class_is_left_as_it_was(record):
    """It is covered for the first call alone, also where the optimizer is dropped before."""
    own = dict(vars(Net))
    for kept in ([], None):
        model = Net()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        if kept is not None:
            kept.append(optimizer)
        del optimizer
        assert "__call__" in vars(Net)
        model(X, Y)
        assert dict(vars(Net)) == own
