"""Every loss of torch has the same values and gradients, to the bit, with and without a record.

A part of them is looked at always, all of them with the slow tests.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn, optim
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset
from torch_matrix import same, slice_of

from autotrack_torch.functional import NAMES

Arguments = tuple[Any, ...]


def scores() -> Arguments:
    return torch.randn(6, 4), torch.randint(0, 4, (6,))


def numbers() -> Arguments:
    return torch.randn(6, 4), torch.randn(6, 4)


def chances() -> Arguments:
    return torch.rand(6, 4), torch.randint(0, 2, (6, 4)).float()


def signs() -> Arguments:
    return torch.randn(6, 4), torch.randint(0, 2, (6, 4)).float() * 2 - 1


def pairs() -> Arguments:
    return torch.randn(6, 4), torch.randn(6, 4), torch.randint(0, 2, (6,)).float() * 2 - 1


def triplets() -> Arguments:
    return torch.randn(6, 4), torch.randn(6, 4), torch.randn(6, 4)


LOSSES: dict[str, tuple[Callable[[], nn.Module], Callable[[], Arguments]]] = {
    "AdaptiveLogSoftmaxWithLoss": (lambda: nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2]), scores),
    "BCELoss": (nn.BCELoss, chances),
    "BCEWithLogitsLoss": (nn.BCEWithLogitsLoss, lambda: (torch.randn(6, 4), torch.rand(6, 4))),
    "CTCLoss": (
        nn.CTCLoss,
        lambda: (torch.randn(7, 3, 5).log_softmax(2), torch.randint(1, 5, (3, 4)), torch.full((3,), 7),
                 torch.tensor([2, 3, 4])),
    ),
    "CosineEmbeddingLoss": (nn.CosineEmbeddingLoss, pairs),
    "CrossEntropyLoss": (nn.CrossEntropyLoss, scores),
    "CrossEntropyLoss.smooth": (lambda: nn.CrossEntropyLoss(torch.rand(4), label_smoothing=0.1), scores),
    "CrossEntropyLoss.ignoring": (lambda: nn.CrossEntropyLoss(ignore_index=1), scores),
    "CrossEntropyLoss.chances": (nn.CrossEntropyLoss, lambda: (torch.randn(6, 4), torch.rand(6, 4).softmax(1))),
    "CrossEntropyLoss.images": (nn.CrossEntropyLoss, lambda: (torch.randn(6, 4, 2), torch.randint(0, 4, (6, 2)))),
    "GaussianNLLLoss": (nn.GaussianNLLLoss, lambda: (*numbers(), torch.rand(6, 4))),
    "HingeEmbeddingLoss": (nn.HingeEmbeddingLoss, signs),
    "HuberLoss": (nn.HuberLoss, numbers),
    "KLDivLoss": (
        lambda: nn.KLDivLoss(reduction="batchmean"), lambda: (torch.randn(6, 4).log_softmax(1), torch.rand(6, 4)),
    ),
    "L1Loss": (nn.L1Loss, numbers),
    "MSELoss": (nn.MSELoss, numbers),
    "MarginRankingLoss": (
        nn.MarginRankingLoss, lambda: (torch.randn(6), torch.randn(6), torch.randint(0, 2, (6,)) * 2 - 1),
    ),
    "MultiLabelMarginLoss": (nn.MultiLabelMarginLoss, lambda: (torch.randn(6, 4), torch.tensor([[3, 0, -1, 1]] * 6))),
    "MultiLabelSoftMarginLoss": (nn.MultiLabelSoftMarginLoss, chances),
    "MultiMarginLoss": (nn.MultiMarginLoss, scores),
    "NLLLoss": (nn.NLLLoss, lambda: (torch.randn(6, 4).log_softmax(1), torch.randint(0, 4, (6,)))),
    "NLLLoss2d": (nn.NLLLoss, lambda: (torch.randn(2, 4, 3, 3).log_softmax(1), torch.randint(0, 4, (2, 3, 3)))),
    "PoissonNLLLoss": (nn.PoissonNLLLoss, lambda: (torch.randn(6, 4), torch.randint(0, 5, (6, 4)).float())),
    "SmoothL1Loss": (nn.SmoothL1Loss, numbers),
    "SoftMarginLoss": (nn.SoftMarginLoss, signs),
    "TripletMarginLoss": (nn.TripletMarginLoss, triplets),
    "TripletMarginWithDistanceLoss": (nn.TripletMarginWithDistanceLoss, triplets),
}  # fmt: skip
if hasattr(nn, "LinearCrossEntropyLoss"):
    LOSSES["LinearCrossEntropyLoss"] = (lambda: nn.LinearCrossEntropyLoss(4, 4), scores)


def of_loss(loss: Callable[..., Any], arguments: Arguments, parameters: list[Any]) -> Any:
    """Three steps on the first argument and any weights of the loss, then a look at it in an evaluation."""
    given, *others = arguments
    given = given.detach().clone().requires_grad_(True)
    optimizer = optim.SGD([given, *parameters], lr=1e-4)  # probabilities stay such
    values = []
    for _ in DataLoader(TensorDataset(torch.zeros(3)), batch_size=1):
        optimizer.zero_grad()
        result = loss(given, *others)
        result = getattr(result, "loss", result)
        total = result.mean() if result.dim() else result
        total.backward()
        values.append((result.detach(), given.grad.clone()))
        optimizer.step()
    with torch.no_grad():
        for _ in DataLoader(TensorDataset(torch.zeros(2)), batch_size=1):
            result = loss(given, *others)
            values.append(getattr(result, "loss", result))
    return values, given.detach(), optimizer.state_dict()


def may_reduce(case: str) -> bool:
    return case.partition(".")[0] not in ("AdaptiveLogSoftmaxWithLoss", "KLDivLoss")


REDUCED = [
    (case, reduction)
    for case in LOSSES
    for reduction in ("mean", "sum", "none")
    if reduction == "mean" or may_reduce(case)
]


@pytest.mark.parametrize("case", slice_of([f"{case}-{reduction}" for case, reduction in REDUCED]))
def test_losses(case):
    """Values and gradients of the loss modules, in each way that they reduce."""
    name, _, reduction = case.partition("-")
    make, arguments = LOSSES[name]

    def program() -> Any:
        loss = make()
        if may_reduce(name):
            loss.reduction = reduction
        return of_loss(loss, arguments(), list(loss.parameters()))

    (run,) = same(program)
    assert run.params["steps"] == "3"
    assert len(run.metrics["step/loss"]) == 3


FUNCTIONS: dict[str, Callable[[], Arguments]] = {
    "binary_cross_entropy": chances, "binary_cross_entropy_with_logits": LOSSES["BCEWithLogitsLoss"][1],
    "cosine_embedding_loss": pairs, "cross_entropy": scores, "ctc_loss": LOSSES["CTCLoss"][1],
    "gaussian_nll_loss": LOSSES["GaussianNLLLoss"][1], "hinge_embedding_loss": signs, "huber_loss": numbers,
    "kl_div": LOSSES["KLDivLoss"][1], "l1_loss": numbers, "margin_ranking_loss": LOSSES["MarginRankingLoss"][1],
    "mse_loss": numbers, "multi_margin_loss": scores, "multilabel_margin_loss": LOSSES["MultiLabelMarginLoss"][1],
    "multilabel_soft_margin_loss": chances, "nll_loss": LOSSES["NLLLoss"][1],
    "poisson_nll_loss": LOSSES["PoissonNLLLoss"][1], "smooth_l1_loss": numbers, "soft_margin_loss": signs,
    "triplet_margin_loss": triplets, "triplet_margin_with_distance_loss": triplets,
    "linear_cross_entropy": lambda: (torch.randn(6, 4), torch.randn(3, 4), torch.randint(0, 3, (6,))),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")  # torch's own, about kl_div
@pytest.mark.parametrize("name", slice_of(name for name in FUNCTIONS if hasattr(functional, name)))
def test_loss_functions(name):
    """Values and gradients of the loss functions, called as they are."""
    (run,) = same(lambda: of_loss(getattr(functional, name), FUNCTIONS[name](), []))
    assert len(run.metrics["step/loss"]) == 3


def test_every_loss_has_a_case():
    """One that torch adds is to be added here."""
    modules = {name for name, found in vars(nn).items() if inspect.isclass(found) and "Loss" in name}
    assert modules <= set(LOSSES)
    found = {name: call for name, call in vars(functional).items() if inspect.isfunction(call) and name[0] != "_"}
    functions = {name for name, call in found.items() if "reduction" in inspect.signature(call).parameters}
    functions |= {name for name in found if name.endswith(("_loss", "entropy", "_div"))}
    assert functions == {name for name in FUNCTIONS if hasattr(functional, name)} == set(NAMES)


@pytest.mark.skipif(not hasattr(nn, "LinearCrossEntropyLoss"), reason="this torch has no such loss")
@pytest.mark.parametrize("chunked", [False, True])
def test_scores_inside_of_the_loss(record, chunked):
    """A cross entropy that computes the scores itself is heard once, by either of its ways."""
    options = nn.LinearCrossEntropyOptions(batch_chunk_size=2) if chunked else None
    body, loss = nn.Linear(5, 4), nn.LinearCrossEntropyLoss(4, 3, options=options)
    optimizer = optim.SGD([*body.parameters(), *loss.parameters()], lr=0.1)
    train_loader, val_loader = (DataLoader(TensorDataset(*some), batch_size=4) for some in (data(10), data(6)))
    losses, validated = [], []
    for _ in range(2):
        for x, y in train_loader:
            optimizer.zero_grad()
            value = loss(body(x), y)
            value.backward()
            optimizer.step()
            losses.append((len(x), value.item()))
        with torch.no_grad():
            validated.append(sum(len(x) * loss(body(x), y).item() for x, y in val_loader) / 6)
    record.finish()
    means = [sum(n * value for n, value in some) / 10 for some in (losses[:3], losses[3:])]
    assert record.run.metrics["train/loss"] == pytest.approx(means, rel=1e-6)
    assert record.run.metrics["val/loss"] == pytest.approx(validated, rel=1e-6)
    assert record.run.params["loss"] == ("linear_cross_entropy" if chunked else "cross_entropy")
    assert ("val/accuracy" in record.run.metrics) is not chunked


def test_losses_of_trainings_after_one_another(record):
    """What a second training minimises is looked at anew, also where it looks much like the first one's."""
    x, y = data(8)
    for loss in (functional.cross_entropy, lambda scores, y: functional.nll_loss(scores.log_softmax(1), y)):
        model = nn.Linear(5, 3)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        for _ in range(12):
            optimizer.zero_grad()
            loss(model(x), y).backward()
            optimizer.step()
    record.finish()
    assert [run.params["loss"] for run in record.runs] == ["cross_entropy", "nll_loss"]


def data(size: int) -> Arguments:
    return torch.randn(size, 5), torch.randint(0, 3, (size,))
