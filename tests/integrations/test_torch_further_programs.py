"""Further programs of other shapes, held against the losses that they print; see `test_torch_programs`."""

from __future__ import annotations

import pytest
import torch
from test_torch_programs import near, program  # noqa: F401 - a fixture

import autotrack


def weighted(lines, value=-1):
    """Per epoch the mean of a value on lines "word epoch samples … value …", weighted by samples."""
    found = {}
    for numbers in lines:
        found.setdefault(numbers[0], []).append((numbers[1], numbers[value]))
    return [sum(n * loss for n, loss in batches) / sum(n for n, _ in batches) for batches in found.values()]


def test_diffusion(program):  # noqa: F811
    """The noise that is drawn for an evaluation is the program's; the averaged weights are another model's."""
    seen = program("diffusion")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.metrics["val/loss"] == near(weighted(seen["val"]))
    assert seen.run.params["clip_grad_norm"] == "1.0"
    assert [model.name for model in seen.run.models] == ["model"]


def test_two_encoders(program):  # noqa: F811
    """Models and single parameters under one optimizer count together, and each model is kept."""
    seen = program("contrastive")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert (seen.run.params["loss"], seen.run.params["drop_last"]) == ("cross_entropy", "True")
    assert seen.run.params["model"] == "ImageEncoder + TextEncoder"
    assert seen.run.params["parameters"] == str(6 * 4 + 4 + 20 * 4 + 1)
    assert {model.name for model in seen.run.models} == {"ImageEncoder", "TextEncoder"}
    assert "train/accuracy" not in seen.run.metrics


def test_distillation(program):  # noqa: F811
    """Teacher and student are runs of their own; what the teacher gives meanwhile is none of its training."""
    teacher, student = (seen := program("distillation")).runs
    assert (teacher.name, student.name) == ("Teacher", "Student")
    assert teacher.metrics["train/loss"] == near(seen.epochs("teacher"))
    assert student.metrics["train/loss"] == near(seen.epochs("student"))
    assert student.params["loss"] == "kl_div + cross_entropy"
    assert "test/loss" not in student.metrics
    assert student.metrics["test/cross_entropy"] == near([loss for loss, _ in seen["test"]])
    assert student.metrics["test/accuracy"] == near([right / 13 for _, right in seen["test"]])
    assert not any(key.startswith("test") for key in teacher.metrics)


def test_gradient_penalty(program):  # noqa: F811
    """Gradients that are part of a loss are none of their own; models of one class are called as the program does."""
    seen = program("penalty")
    assert seen.run.metrics["step/loss/discriminator"] == near([numbers[-1] for numbers in seen["critic"]])
    assert seen.run.metrics["step/loss/generator"] == near([numbers[-1] for numbers in seen["generator"]])
    assert seen.run.steps["step/loss/generator"] == [1, 3, 5, 7]
    assert seen.run.metrics["train/loss/discriminator"] == near(seen.epochs("critic"))
    assert seen.run.metrics["train/loss/generator"] == near(seen.epochs("generator"))
    assert seen.run.params["parameters"] == str((2 * 8 + 8 + 8 * 3 + 3) + (3 * 8 + 8 + 8 + 1))
    assert {model.name for model in seen.run.models} == {"discriminator", "generator"}


def test_several_tasks(program):  # noqa: F811
    """A weighted sum is the loss; in the evaluation each part has its own name, as no sum is seen there."""
    seen = program("multitask")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.metrics["val/mse_loss"] == near(weighted(seen["val"], 2))
    assert seen.run.metrics["val/cross_entropy"] == near(weighted(seen["val"], 3))
    assert "val/loss" not in seen.run.metrics


def test_warmup(program):  # noqa: F811
    """The rate is that of an epoch's last step, however often it changes; losses weighted by hand are taken as such."""
    seen = program("warmup")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.metrics["lr"] == near(list({numbers[0]: numbers[2] for numbers in seen["loss"]}.values()))
    assert seen.run.params["optimizer.group1.weight_decay"] == "0.0"


def test_folds(program):  # noqa: F811
    """Each fold is a run; its model is the one with the weights that the program has put back."""
    seen = program("kfold")
    assert len(seen.runs) == 3
    for fold, run in enumerate(seen.runs):
        lines = [numbers[1:] for numbers in seen["loss"] if numbers[0] == fold]
        assert run.metrics["train/loss"] == near(weighted(lines))
        scores = [score for which, score in seen["valid"] if which == fold]
        ((_, restored),) = [numbers for numbers in seen["restored"] if numbers[0] == fold]
        assert run.metrics["val/loss"] == near([*scores, restored])
        assert run.params["best_epoch"] == str(scores.index(min(scores)))
        assert run.params["val_samples"] == "10"
    torch.manual_seed(27)
    x = torch.randn(30, 4)
    held = torch.tensor(sorted(torch.randperm(30).tolist()[0::3]))
    model = autotrack.torch.load_model(seen.runs[0].file("model"), trust=True)
    with torch.no_grad():
        loss = torch.nn.functional.smooth_l1_loss(model(x[held]), x[held].prod(1, keepdim=True)).item()
    assert loss == pytest.approx(seen["restored"][0][1], rel=1e-5)
    assert seen.runs[0].models[0].tags["state"] == "final"


def test_curriculum(program):  # noqa: F811
    """Data in the place of others go on with the epochs."""
    seen = program("curriculum")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.steps["train/loss"] == [0, 1, 2, 3, 4, 5]


def test_one_function_for_all(program):  # noqa: F811
    """A pass is what is done in it; its name is in the words of the call, also behind a progress bar."""
    seen = program("one_function")
    assert seen.run.metrics["train/loss"] == near([loss for loss, _ in seen["train"]])
    assert seen.run.metrics["train/accuracy"] == near([right for _, right in seen["train"]])
    assert seen.run.metrics["val/loss"] == near([loss for loss, _ in seen["val"]])
    assert seen.run.metrics["test/loss"] == near([loss for loss, _ in seen["test"]])
    assert seen.run.metrics["test/accuracy"] == near([right for _, right in seen["test"]])
    assert seen.run.steps["val/loss"] == [0, 1, 2]


def test_so_many_steps(program):  # noqa: F811
    """Where the steps are counted, a pass that is left is an epoch; evaluations within lie at their steps."""
    seen = program("max_steps")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert (seen.run.params["steps"], seen.run.params["gradient_accumulation"]) == ("11", "2")
    assert seen.run.metrics["step/val/loss"] == near([loss for _, loss in seen["eval"]])
    assert seen.run.steps["step/val/loss"] == [4, 8]
    assert seen.run.metrics["val/loss"] == near([loss for (loss,) in seen["final"]])


def test_averaged_weights(program):  # noqa: F811
    """An average of the model's weights is another model; its score has its own name."""
    seen = program("averaged")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.metrics["test/loss"] == near([loss for (loss,) in seen["test"]])
    assert seen.run.metrics["test/loss/swa_model"] == near([loss for (loss,) in seen["swa"]])
    assert (seen.run.params["epochs"], seen.run.params["train_samples"]) == ("4", "32")


def test_parts_without_a_name(program):  # noqa: F811
    """Two evaluations after one epoch that are called the same are told apart by their number."""
    seen = program("scored")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.metrics["val/loss"] == near([loss for _, loss in seen["score"]][::2])
    assert seen.run.metrics["val2/loss"] == near([loss for _, loss in seen["score"]][1::2])
    assert (seen.run.params["val_samples"], seen.run.params["val2_samples"]) == ("8", "9")
