"""Programs of usual shapes, held against the losses that they print; see `test_torch_programs`."""

from __future__ import annotations

import pytest
import torch
from test_torch_further_programs import weighted
from test_torch_programs import near, program  # noqa: F401 - a fixture

import autotrack


def test_a_moving_average_beside_the_model(program):  # noqa: F811
    """A copy of the model that is evaluated too has its own curves, under what the program calls it."""
    seen = program("mean_teacher")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.metrics["val/loss"] == near([loss for loss, _ in seen["student"]])
    assert seen.run.metrics["val/loss/ema"] == near([loss for loss, _ in seen["teacher"]])
    assert seen.run.metrics["val/accuracy/ema"] == near([right for _, right in seen["teacher"]])
    assert "ema, another model" in seen.run.tags["autotrack.torch.val.ema"]


def test_a_moving_average_without_a_loader(program):  # noqa: F811
    """The same of losses that are computed of all data at once; they do not mix with the model's own."""
    seen = program("moving_average")
    assert seen.run.metrics["step/loss"] == near([loss for _, loss in seen["loss"]])
    assert seen.run.metrics["val/loss"] == near([own for _, own, _ in seen["val"]])
    assert seen.run.metrics["val/loss/ema_model"] == near([average for *_, average in seen["val"]])
    assert seen.run.steps["val/loss"] == seen.run.steps["val/loss/ema_model"] == [10, 20, 30]


def test_a_progress_bar_in_a_variable(program):  # noqa: F811
    """What it goes over says which part of the data it is, and how the loader is called."""
    seen = program("progress")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.metrics["test/loss"] == near([loss for (loss,) in seen["test"]])
    assert [used.name for used in seen.run.datasets] == ["loader", "test_loader"]


def test_activations_computed_again_under_autocast(program):  # noqa: F811
    """A backward pass that goes forward again counts once, and what autocast computes in is recorded."""
    seen = program("checkpointed")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.metrics["train/accuracy"] == near(
        [sum(n[2] for n in seen["loss"] if n[0] == e) / 26 for e in (0, 1)]
    )
    assert seen.run.params["autocast"] == "bfloat16"


def test_a_search_for_the_rate_first(program):  # noqa: F811
    """It is the same model's first pass, left early; the training proper goes on with its curves."""
    seen = program("lr_finder")
    found = seen["find"]
    search = sum(n * loss for _, n, loss in found[:6]) / sum(n for _, n, _ in found[:6])
    assert seen.run.metrics["train/loss"] == near([search, *seen.epochs()])
    assert (seen.run.params["optimizer"], seen.run.params["then1.optimizer"]) == ("SGD", "Adam")
    assert seen.run.params["then1.scheduler"] == "OneCycleLR"


def test_folds_in_folds(program):  # noqa: F811
    """Every fit of a nested cross-validation is a run, with the score of its own model."""
    seen = program("nested_folds")
    assert len(seen.runs) == 10
    scores = [score for line in seen.printed.splitlines() if line.startswith(("valid", "test")) for score in [line]]
    for run, line in zip(seen.runs, scores, strict=True):
        word, value = line.split()
        assert run.metrics["test/loss" if word == "test" else "val/loss"] == near([float(value)])
    outer = [run for run in seen.runs if "test/loss" in run.metrics]
    assert [run.params["epochs"] for run in outer] == ["3", "3"]
    assert outer[0].metrics["train/loss"] == near(weighted(seen["outer"][:6]))


def test_batches_asked_for_by_hand(program):  # noqa: F811
    """An iterator that is begun anew where it ends makes epochs; validation within one lies at its step."""
    seen = program("endless")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.metrics["step/val/loss"] == near([loss for _, loss, _ in seen["val"]])
    assert seen.run.steps["step/val/loss"] == [6, 12]
    assert seen.run.metrics["step/val/accuracy"] == near([right for *_, right in seen["val"]])
    epochs = [[n for n in seen["loss"] if n[0] == epoch] for epoch in range(4)]
    right = [sum(n[2] for n in some) / sum(n[1] for n in some) for some in epochs]
    assert seen.run.metrics["train/accuracy"] == near(right)
    assert seen.run.tags["autotrack.torch.partial"] == "epoch 3, after 2 batches"


def test_batches_that_grow(program):  # noqa: F811
    """Loaders of other batch sizes over the same data are further epochs."""
    seen = program("growing")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.params["epochs"] == "6"


def test_a_model_that_gives_its_losses(program):  # noqa: F811
    """Losses that come out of the model in a dictionary add up to what is minimised."""
    seen = program("detector")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.params["loss"] == "smooth_l1_loss + cross_entropy"
    assert not any(key.startswith(("val", "test")) for key in seen.run.metrics)


def test_a_batch_in_parts(program):  # noqa: F811
    """Gradients of parts of one batch make one step, and their shares of the loss add up."""
    seen = program("micro")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.params["steps"] == "10"


def test_epochs_by_hand(program):  # noqa: F811
    """Batches out of tensors are steps; the model that main() has dropped is the one that it left."""
    seen = program("permuted")
    assert seen.run.metrics["step/loss"] == near([numbers[-1] for numbers in seen["loss"]])
    assert seen.run.metrics["val/loss"] == near([loss for _, loss in seen["val"]])
    assert seen.run.steps["val/loss"] == [4, 8, 12, 16, 20]
    torch.manual_seed(51)
    x, y = torch.randn(60, 4), torch.randint(0, 2, (60, 1)).float()
    model = autotrack.torch.load_model(seen.run.file("model"), trust=True)
    with torch.no_grad():
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(x[48:]), y[48:]).item()
    assert [loss] == near([seen["val"][-1][1]])


def test_a_network_that_follows(program):  # noqa: F811
    """What a target network gives for a loss is none of the policy's evaluation."""
    seen = program("dqn")
    assert seen.run.metrics["step/loss"] == near([numbers[-1] for numbers in seen["loss"]])
    assert not any(key.startswith(("val", "test")) for key in seen.run.metrics)
    assert (seen.run.params["clip_grad_value"], seen.run.models[0].tags["state"]) == ("100", "final")


def test_phases_of_one_loop(program):  # noqa: F811
    """What a variable in the expression holds says which part of the data it is, as in `dataloaders[phase]`."""
    seen = program("transfer")
    for split in ("train", "test"):
        assert seen.run.metrics[f"{split}/loss"] == near([loss for loss, _ in seen[split]])
        assert seen.run.metrics[f"{split}/accuracy"] == near([right for _, right in seen[split]])
    assert not any(key.startswith("val") for key in seen.run.metrics)


def test_weights_put_there_for_a_while(program):  # noqa: F811
    """A second evaluation of the same data with other weights, and no step between, has its own curve."""
    seen = program("swapped")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.metrics["val/loss"] == near([loss for (loss,) in seen["val"]])
    assert seen.run.metrics["val/loss/other_weights"] == near([loss for (loss,) in seen["ema"]])
    assert seen.run.steps["val/loss/other_weights"] == [0, 1, 2]


def test_outputs_gathered_first(program):  # noqa: F811
    """A loss of all outputs of a pass, computed once it is over, is that epoch's; what it says of classes is exact."""
    seen = program("gathered")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.metrics["val/loss"] == near([loss for loss, _ in seen["valid"]])
    assert seen.run.metrics["val/accuracy"] == near([right for _, right in seen["valid"]])
    assert seen.run.steps["val/accuracy"] == [0, 1, 2]


def test_training_and_test_side_by_side(program):  # noqa: F811
    """Whole data in each step, and their test after it: a curve for each."""
    seen = program("full_batch_curves")
    assert seen.run.metrics["step/loss"] == near([numbers[1] for numbers in seen["epoch"]])
    assert seen.run.metrics["test/loss"] == near([numbers[3] for numbers in seen["epoch"]])
    assert seen.run.steps["test/loss"] == [*range(1, 21)]
    assert len(seen.run.metrics["test/accuracy"]) == 20


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("progress", {
            "epoch": "a pass over loader, progress.py line", "trained": "Linear, whose parameters() NAdam was given",
            "test": "so called for 'test_loader'", "loss": "what backward begins at: l1_loss",
        }),
        ("accumulation", {"loss": "before the GradScaler multiplied it; gradients of 3 batches a step"}),
        ("sequence", {"loss": "of several in a step the first", "epoch": "none, as no loader is gone over"}),
        ("gan", {"trained": "one training, as they step in turn"}),
        ("vae", {"loss": "binary_cross_entropy + sum; a sum, divided by the samples of its batch"}),
        ("phases", {"then": "1 more in its place"}),
        ("scored", {"val": "val, as nothing there says which data they are"}),
    ],
)  # fmt: skip
def test_what_was_inferred(program, name, expected):  # noqa: F811
    """Whatever the program does not say itself is told, and from what it follows."""
    tags = program(name).run.tags
    for what, why in expected.items():
        assert why in tags[f"autotrack.torch.{what}"]


def test_two_trainings_are_told_apart(program):  # noqa: F811
    """A second training says why it is one."""
    *_, large = program("two_trainings").runs
    assert "shares no parameters" in large.tags["autotrack.torch.run"]
