"""What compiles, exports, copies, maps or replays programs of torch works with a record as it does without."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import cloudpickle
import pytest
import torch
from torch import nn
from torch.func import functional_call, grad_and_value, hessian, jacrev, jvp, stack_module_state, vjp, vmap
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.flop_counter import FlopCounterMode
from torch_matrix import same

from autotrack.testing import fresh
from autotrack.testing.sameness import digest
from autotrack.testing.traces import names_us
from autotrack_torch import INTEGRATION

X, Y = torch.arange(24.0).view(8, 3).sin(), torch.tensor([0, 1, 1, 0, 1, 0, 0, 1])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers, self.loss = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), nn.CrossEntropyLoss()

    def forward(self, x, y):
        return self.loss(self.layers(x), y)


def loader():
    return DataLoader(TensorDataset(X, Y), batch_size=4)


def steps(model, loss=None, epochs=2):
    """Losses and weights of a training."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.5)
    losses = []
    for _ in range(epochs):
        for x, y in loader():
            optimizer.zero_grad()
            value = (loss or model)(x, y)
            value.backward()
            optimizer.step()
            losses.append(value.item())
    return losses, {name.removeprefix("_orig_mod."): tensor for name, tensor in model.state_dict().items()}


@pytest.mark.filterwarnings("ignore")  # the compiler's own
@pytest.mark.parametrize("backend", ["eager", "aot_eager", pytest.param("inductor", marks=pytest.mark.slow)])
def test_compiled_whole(backend):
    """A model with its loss is one graph, called as it is or in place; the losses are those that it gave."""

    def program() -> Any:
        torch._dynamo.reset()
        compiled = torch.compile(Net(), fullgraph=True, backend=backend)
        in_place = Net()
        in_place.compile(fullgraph=True, backend=backend)
        came.append((steps(compiled), steps(in_place)))
        return came[-1]

    came: list[Any] = []
    for run, (losses, _) in zip(same(program), came[1], strict=True):
        assert run.metrics["step/loss"] == pytest.approx(losses, rel=1e-6)
        assert (run.params["steps"], run.params["compiled"], run.params["model"]) == ("4", "True", "Net")
        assert len(run.metrics["train/loss"]) == 2


@pytest.mark.filterwarnings("ignore")  # the compiler's own
def test_compiled_evaluation_and_clipping():
    """Neither an evaluation nor what clips gradients breaks a graph."""

    def program() -> Any:
        torch._dynamo.reset()
        model = Net()
        clip = torch.compile(lambda: nn.utils.clip_grad_norm_(model.parameters(), 1.0), fullgraph=True, backend="eager")
        score = torch.compile(
            lambda x, y: functional.cross_entropy(model.layers(x), y), fullgraph=True, backend="eager"
        )
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        norms = []
        for x, y in loader():
            optimizer.zero_grad()
            model(x, y).backward()
            norms.append(clip())
            optimizer.step()
        with torch.no_grad():
            return norms, [score(x, y) for x, y in loader()]

    (run,) = same(program)
    assert run.params["steps"] == "2"


@pytest.mark.filterwarnings("ignore")  # TorchScript's own
def test_scripted_and_exported():
    """Scripts, traces and exports give what the model gives, are saved and loaded, and can be trained."""

    def program() -> Any:
        model = Net()
        scripted, traced = torch.jit.script(model), torch.jit.trace(model, (X, Y))
        exported = [torch.export.export(model, (X, Y), strict=strict) for strict in (True, False)]
        file = io.BytesIO()
        torch.jit.save(scripted, file)
        file.seek(0)
        results = [call(X, Y) for call in (scripted, traced, torch.jit.load(file), *(e.module() for e in exported))]
        assert all(not names_us(part.encode()) for part in (scripted.code, traced.code, str(exported)))
        return results, steps(torch.jit.script(copy.deepcopy(model)))

    (run,) = same(program)
    assert run.params["steps"] == "4"


def test_copies_in_the_midst():
    """Model, optimizer, scheduler, scaler and loader are pickled and copied in the midst of a training, without a
    word of autotrack, and what was copied goes on as the original does."""

    def program() -> Any:
        model, loader_ = Net(), loader()
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
        scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
        found = []
        for x, y in loader_:
            optimizer.zero_grad()
            scaler.scale(model(x, y)).backward()
            scaler.step(optimizer)
            scaler.update()
            scheduler.step()
            everything = (model, optimizer, scheduler.state_dict(), scaler.state_dict(), loader_)
            data = pickle.dumps(everything)
            assert not names_us(data)
            for copied in (pickle.loads(data), copy.deepcopy(everything)):
                other, other_optimizer, *_, others = copied
                for a, b in others:
                    other_optimizer.zero_grad()
                    other(a, b).backward()
                    break
                found.append(digest(other.state_dict()))
        return found, model.state_dict()

    same(program)


LOADS = """
import pickle, sys
for name in ("autotrack", "autotrack_torch", "wrapt"):
    sys.modules[name] = None
model, optimizer = pickle.loads(bytes.fromhex(sys.argv[1]))
print(model(model.weight).shape)
"""


def test_a_class_that_is_pickled_by_value(record, tmp_path):
    """As that of a notebook: also while its first call is waited for, it loads where autotrack is not installed."""

    class Local(nn.Linear):
        pass

    model = Local(3, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    assert "__call__" in vars(Local)
    data = cloudpickle.dumps((model, optimizer))
    assert fresh(LOADS, data.hex(), directory=tmp_path).strip() == "torch.Size([3, 3])"
    assert torch.equal(pickle.loads(data)[0](X), model(X))


def test_data_parallel():
    """The wrapper is none of the model's; without devices it calls it as it is."""
    (run,) = same(lambda: steps(nn.DataParallel(Net())))
    assert (run.params["model"], run.params["steps"]) == ("Net", "4")
    assert run.metrics["step/loss"]


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # torch's own, as it loads
def test_function_transforms():
    """Gradients, maps, Jacobians and ensembles of functions give the same; steps are counted where there are any."""

    def program() -> Any:
        models = [Net() for _ in range(3)]
        parameters = dict(models[0].named_parameters())

        def loss(own, x, y):
            return functional_call(models[0], own, (x, y))

        def of_inputs(x):
            return functional.mse_loss(models[0].layers(x), torch.zeros(len(x), 2))

        each = vmap(grad_and_value(lambda own, x, y: loss(own, x[None], y[None])), in_dims=(None, 0, 0))
        stacked, buffers = stack_module_state(models)
        together = vmap(lambda own, left: functional_call(models[0], (own, left), (X, Y)))(stacked, buffers)
        found = [each(parameters, X, Y), together, jacrev(of_inputs)(X), hessian(of_inputs)(X[:2])]
        found += [vjp(of_inputs, X)[1](torch.tensor(1.0)), jvp(of_inputs, (X,), (torch.ones_like(X),))]
        optimizer = torch.optim.SGD(parameters.values(), lr=0.1)
        for x, y in loader():
            gradients, value = grad_and_value(loss)(parameters, x, y)
            for name, parameter in parameters.items():
                parameter.grad = gradients[name]
            optimizer.step()
            found.append(value)
        return found, parameters

    (run,) = same(program)
    assert run.params["steps"] == "2"
    assert run.tags["autotrack.torch.loss"].startswith("not seen")
    assert "train/loss" not in run.metrics


@pytest.mark.parametrize("reentrant", [True, False])
def test_activations_that_are_computed_again(reentrant):
    """A `backward` inside of a `backward` is none of the program's; each step has its one loss."""

    def program() -> Any:
        model = Net()
        came.append(
            steps(model, lambda x, y: checkpoint(model, x.requires_grad_(True), y, use_reentrant=reentrant) * 1.0)
        )
        return came[-1]

    came: list[Any] = []
    (run,) = same(program)
    assert run.metrics["step/loss"] == pytest.approx(came[1][0], rel=1e-6)
    assert run.params["loss"] in ("cross_entropy", "?")


@pytest.mark.filterwarnings("ignore:Full backward hook is firing", "ignore:Anomaly Detection has been enabled")
def test_modes_and_hooks():
    """What the program has torch report on itself reports the same: counted operations, hooks, saved tensors."""

    def program() -> Any:
        model, seen = Net(), []
        handles = [
            model.register_forward_hook(lambda _m, _a, result: seen.append(result.item())),
            model.layers.register_full_backward_hook(lambda _m, _i, gradient: seen.append(gradient[0].clone())),
        ]
        with FlopCounterMode(display=False) as counter:
            came = steps(model, epochs=1)
        for handle in handles:
            handle.remove()
        packed: list[tuple[int, ...]] = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t: packed.append(tuple(t.shape)) or t, lambda t: t):
            again = steps(model, epochs=1)
        with torch.autograd.detect_anomaly(check_nan=True):
            last = steps(model, epochs=1)
        return came, again, last, seen, packed, counter.get_total_flops()

    same(program)


def test_deterministic_algorithms():
    """Where the program demands them, nothing of ours is refused."""

    def program() -> Any:
        torch.use_deterministic_algorithms(True)
        try:
            return steps(Net())
        finally:
            torch.use_deterministic_algorithms(False)

    (run,) = same(program)
    assert run.params["deterministic"] == "True"


def test_exchanged_tensors():
    """Parameters that torch exchanges for others have no weak reference to them, which it refuses."""

    def program() -> Any:
        torch.__future__.set_swap_module_params_on_conversion(True)
        try:
            model = nn.Linear(2, 1)
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            for _ in range(8):
                optimizer.zero_grad()
                model(torch.ones(3, 2)).sum().backward()
                optimizer.step()
            optimizer.zero_grad()
            return model.double().state_dict()
        finally:
            torch.__future__.set_swap_module_params_on_conversion(False)

    same(program)


def test_a_class_is_left_as_it_was():
    """Passes that begin while others are under way cover a class once, and what covers it is taken off."""
    before = vars(nn.Sequential).get("__call__")
    INTEGRATION.switch()
    model = nn.Sequential(nn.Linear(3, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loader = DataLoader(X, batch_size=4)
    for _ in range(3):
        for x, *_ in zip(loader, loader, loader, strict=True):
            model(x).sum().backward()
            optimizer.step()
    INTEGRATION.disable()
    assert vars(nn.Sequential).get("__call__") is before is None
