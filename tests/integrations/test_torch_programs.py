"""Programs written without autotrack in mind are recorded as they are, to the values that their own losses gave.

Each prints what its losses returned; the oracle is computed from that by the definitions of docs/pytorch.md.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from autotrack.testing import RecordedRun, recording
from autotrack_torch import INTEGRATION

PROGRAMS = Path(__file__).parent / "torch_programs"


class Seen(NamedTuple):
    """What a program printed, and what was recorded of it."""

    printed: str
    runs: list[RecordedRun]

    def __getitem__(self, word: str) -> list[list[float]]:
        """The numbers on the lines that begin with a word."""
        lines = [line for line in self.printed.splitlines() if line.startswith(f"{word} ")]
        return [[float(number) for number in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", line)] for line in lines]

    @property
    def run(self) -> RecordedRun:
        assert len(self.runs) == 1
        return self.runs[0]

    def epochs(self, word: str = "loss", value: int = -1) -> list[float]:
        """Per epoch the mean of a printed loss, weighted by samples; lines are "word epoch samples loss …"."""
        found: dict[float, list[tuple[float, float]]] = {}
        for numbers in self[word]:
            found.setdefault(numbers[0], []).append((numbers[1], numbers[value]))
        return [sum(n * loss for n, loss in batches) / sum(n for n, _ in batches) for batches in found.values()]


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str]) -> Callable[[str], Seen]:
    """Runs a program without and with autotrack, and holds what it printed to be the same byte for byte."""

    def run(name: str) -> Seen:
        spec = spec_from_file_location(f"torch_program_{name}", PROGRAMS / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[spec.name] = module_from_spec(spec)
        spec.loader.exec_module(module)
        capsys.readouterr()
        module.main()
        random, plain = torch.get_rng_state(), capsys.readouterr()
        with recording() as record:
            INTEGRATION.switch()
            module.main()
            assert torch.equal(torch.get_rng_state(), random)
            assert capsys.readouterr() == plain
            record.finish()
            return Seen(plain.out, record.runs)

    return run


def near(expected: list[float]) -> object:
    """The same to a millionth."""
    assert expected
    return pytest.approx(expected, rel=1e-6)


def test_images(program):
    """Functions train() and test(): both losses per epoch are what the program prints, and the test's is so named."""
    seen = program("images")
    assert seen.run.metrics["train/loss"] == near([loss for _, loss in seen["train"]])
    assert seen.run.metrics["test/loss"] == near([loss for _, loss in seen["test"]])
    assert seen.run.steps["train/loss"] == seen.run.steps["test/loss"] == [0, 1, 2]
    assert seen.run.metrics["test/accuracy"] == near([right / all_ for right, all_ in seen["Accuracy:"]])
    assert seen.run.metrics["train/accuracy"] == near([right / 50 for _, right in seen["right"]])
    assert seen.run.metrics["lr"] == near([1.0, 0.7, 0.49])
    assert len(seen.run.metrics["step/loss"]) == 12
    assert {
        "optimizer": "Adadelta", "optimizer.lr": "1.0", "batch_size": "16", "train_samples": "50", "epochs": "3",
        "steps": "12", "loss": "nll_loss", "model": "Net", "device": "cpu", "shuffle": "True",
    }.items() <= seen.run.params.items()  # fmt: skip
    assert seen.run.name == "Net"
    assert seen.run.status == "FINISHED"


def test_generator_and_discriminator(program):
    """Two optimizers in turn are one run; each loss has its model's name, and a step's parts add up."""
    seen = program("gan")
    assert seen.run.metrics["train/loss/Discriminator"] == near(seen.epochs("losses", 2))
    assert seen.run.metrics["train/loss/Generator"] == near(seen.epochs("losses", 3))
    assert seen.run.metrics["step/loss/Generator"] == near([numbers[3] for numbers in seen["losses"]])
    assert "train/loss" not in seen.run.metrics
    assert seen.run.params["Generator.optimizer.lr"] == "0.0004"
    assert seen.run.params["Discriminator.optimizer.lr"] == "0.0002"
    assert {model.name for model in seen.run.models} == {"Generator", "Discriminator"}


def test_accumulation_under_mixed_precision(program):
    """Neither the scaling nor the division by the number of batches shows in the loss."""
    seen = program("accumulation")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.params["gradient_accumulation"] == "3"
    assert seen.run.params["steps"] == "9"
    assert len(seen.run.metrics["step/loss"]) == 9


def test_closures(program):
    """A step of LBFGS counts once, with the loss that it began at."""
    seen = program("sequence")
    assert seen.run.metrics["step/loss"] == near([loss for _, loss in seen["step"]])
    assert seen.run.params["optimizer"] == "LBFGS"
    assert "epochs" not in seen.run.params


def test_no_loader(program):
    """Without a loader no epoch is invented: the loss is averaged over windows of a hundred steps."""
    seen = program("batches_by_hand")
    losses = [loss for _, loss in seen["loss"]]
    means = [sum(window) / len(window) for window in (losses[:100], losses[100:200], losses[200:])]
    assert seen.run.metrics["train/loss"] == near(means)
    assert seen.run.steps["train/loss"] == [100, 200, 250]
    assert seen.run.metrics["step/loss"] == near(losses)
    assert "epochs" not in seen.run.params
    assert seen.run.models[0].signature == "" or "int64" in seen.run.models[0].signature


def test_early_break(program):
    """A pass that is left early is an epoch of what was seen; a peek at the first batch is none."""
    seen = program("early_break")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.steps["train/loss"] == [0, 1, 2]
    assert seen.run.params["epochs"] == "3"
    assert "train_samples" not in seen.run.params


def test_two_trainings(program):
    """A second training is a second run; an evaluation belongs to the training before it, unless another is at hand."""
    seen = program("two_trainings")
    small, large = seen.runs
    printed = [loss for _, loss in seen["train"]]
    assert small.metrics["train/loss"] == near(printed[:2])
    assert large.metrics["train/loss"] == near(printed[2:])
    assert (small.name, large.name) == ("Linear", "Sequential")
    (after_small,), _, (after_large,) = seen["val"]
    assert small.metrics["val/loss"] == near([after_small])
    assert large.metrics["val/loss"] == near([after_large])
    assert [model.name for model in (*small.models, *large.models)] == ["model", "model"]


def test_frozen_layers(program):
    """Who trains only the last layer still trains the whole model; phases are told apart by what is done in them."""
    seen = program("frozen")
    assert seen.run.metrics["train/loss"] == near([loss for _, loss in seen["train"]])
    assert seen.run.metrics["val/loss"] == near([loss for _, loss in seen["val"]])
    assert seen.run.params["model"] == "Backbone"
    assert int(seen.run.params["parameters_trainable"]) == 18 < int(seen.run.params["parameters"])


def test_a_loss_of_two_sums(program):
    """What is summed over the batch is recorded per sample; a part of a loss does not pass for the whole."""
    seen = program("vae")
    assert seen.run.metrics["train/loss"] == near([loss for _, loss in seen["train"]])
    assert "test/loss" not in seen.run.metrics
    assert len(seen.run.metrics["test/binary_cross_entropy"]) == 2
    assert seen.run.params["loss"] == "binary_cross_entropy + sum"


def test_loaders_side_by_side(program):
    """Two loaders in step are one pass; validation within an epoch lies at its step; groups have their own settings."""
    seen = program("paired")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.params["epochs"] == "2"
    assert seen.run.metrics["step/val/loss"] == near([loss for (loss,) in seen["val"]])
    assert seen.run.params["optimizer.group1.lr"] == "0.02"
    assert seen.run.params["model"] == "Siamese"


def test_reinforcement(program):
    """Each update of the policy is a step."""
    seen = program("cartpole")
    assert seen.run.metrics["step/loss"] == near([loss for _, loss in seen["loss"]])
    assert seen.run.steps["step/loss"] == [1, 2, 3, 4, 5, 6]
    assert seen.run.name == "Policy"


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # the compiler's own
def test_compiled(program):
    """Model and loss compile into one graph each, and every step is counted once."""
    seen = program("compiled")
    assert seen.run.metrics["train/loss"] == near([loss for _, loss in seen["train"]])
    assert seen.run.params["steps"] == "8"


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")  # the compiler's own
def test_compiled_steps(program):
    """Where the step itself is compiled, and so is not seen, the change of the parameters tells of it."""
    seen = program("compiled_step")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.params["steps"] == "6"


def test_workers(program):
    """What a loader's workers do is not recorded; one iterator may serve all passes."""
    seen = program("workers")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.params["epochs"] == "2"
    assert seen.run.params["loss"] == "l1_loss"


def test_early_stopping(program):
    """Every validation is recorded, that of the best state as well; the rate is that of an epoch's last step."""
    seen = program("resumed")
    assert seen.run.metrics["train/loss"] == near(seen.epochs(value=2))
    assert seen.run.metrics["lr"] == near(list({numbers[0]: numbers[3] for numbers in seen["loss"]}.values()))
    assert seen.run.metrics["val/loss"] == near([loss for (loss,) in (*seen["val"], *seen["best"])])


def test_cycled_loader(program):
    """itertools.cycle asks its loader once; the batches that it kept are epochs like the first, the last one begun."""
    seen = program("cycled")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.steps["train/loss"] == [0, 1, 2, 3]
    first, *others = [loss for (loss,) in seen["dev"]]  # the first one comes before cycle() knows that this was all
    assert seen.run.metrics["step/val/loss"] == near([first])
    assert (seen.run.steps["val/loss"], seen.run.metrics["val/loss"]) == ([1, 2], near(others))
    assert (seen.run.params["scheduler"], seen.run.params["scheduler.gamma"]) == ("MultiStepLR", "0.5")


def test_a_look_at_some_images_first(program):
    """An iterator that the program keeps, and goes on with no further, has no part in anything."""
    seen = program("tutorial")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.metrics["test/loss"] == near([loss for (loss,) in seen["test"]])
    assert seen.run.params["epochs"] == "2"


def test_actor_and_critic(program):
    """A loss is that of the optimizer whose gradients it has changed, whenever that steps."""
    seen = program("actor_critic")
    assert seen.run.metrics["step/loss/Actor"] == near([numbers[1] for numbers in seen["losses"]])
    assert seen.run.metrics["step/loss/Critic"] == near([numbers[2] for numbers in seen["losses"]])


def test_one_loss_for_two_optimizers(program):
    """It is that of both, as both step for it."""
    seen = program("translation")
    assert seen.run.metrics["train/loss/Encoder"] == seen.run.metrics["train/loss/Decoder"] == near(seen.epochs())
    assert len(seen.run.metrics["train/accuracy"]) == 2


def test_an_optimizer_in_the_place_of_another(program):
    """A new one of the same parameters, built when the one before has done its steps, goes on with its curves."""
    seen = program("phases")
    assert seen.run.metrics["train/loss"] == near([loss for _, loss in seen["train"]])
    assert seen.run.metrics["step/loss"] == near([loss for (loss,) in seen["step"]])
    assert seen.run.steps["step/loss"] == [*range(1, 13)]
    assert (seen.run.params["optimizer"], seen.run.params["then1.optimizer"]) == ("Adam", "SGD")
    assert seen.run.metrics["lr"] == near([0.1, 0.1, 0.01, 0.01])


def test_a_step_after_the_pass(program):
    """A pass whose gradients are used once it is over is a training pass, and no evaluation."""
    seen = program("full_batch")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert (seen.run.params["steps"], seen.run.params["epochs"]) == ("3", "3")
    assert not any(key.startswith("val") for key in seen.run.metrics)


def test_gradients_in_an_evaluation(program):
    """They do not make a training pass of it, and do not show in the training that goes on."""
    seen = program("attacked")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.metrics["step/loss"] == near([numbers[2] for numbers in seen["loss"]])
    assert seen.run.metrics["test/loss"] == near([loss for loss, _ in seen["test"]])


def test_sums_over_tokens(program):
    """A sum that the program divides is its mean; in an evaluation it is averaged as in the training."""
    seen = program("tokens")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.metrics["val/loss"] == near([loss for (loss,) in seen["valid"]])


def test_a_wrapper_that_is_one_batch_ahead(program):
    """The last batch, used when the loader is exhausted already, is the pass's; each loss has its own batch's size."""
    seen = program("prefetched")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.metrics["val/loss"] == near([loss for (loss,) in seen["val"]])
    assert seen.run.params["epochs"] == "2"


def test_evaluation_before_a_batch_is_used(program):
    """A pass that begins and ends while a batch is in hand is an evaluation of its own."""
    seen = program("trainer")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.metrics["step/val/loss"] == near([loss for _, loss in seen["eval"][1:]])
    assert seen.run.steps["step/val/loss"] == [2, 4]


def test_models_in_turn(program):
    """Models that have nothing to do with one another are runs of their own, whichever is trained when."""
    seen = program("ensemble")
    for member, run in enumerate(seen.runs):
        assert run.metrics["train/loss"] == near([loss for which, _, loss in seen["member"] if which == member])
        assert (run.params["epochs"], len(run.metrics["step/loss"])) == ("2", 6)
    assert len(seen.runs) == 3


def test_other_data_in_every_iteration(program):
    """Data in the place of those that were dropped are the next epoch, however many they are."""
    seen = program("rollouts")
    assert seen.run.metrics["train/loss"] == near(seen.epochs())
    assert seen.run.steps["train/loss"] == [0, 1, 2, 3]
