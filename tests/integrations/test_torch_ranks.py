"""Processes that train together are one run: rank 0's, with the values of the others under names of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from autotrack import hooks
from autotrack.testing import RecordedRun, recorded, recording

PROGRAM = Path(__file__).parent / "torch_programs" / "distributed.py"
SIZES = (8, 8, 4)


@pytest.fixture(scope="module")
def port() -> str:
    """Nobody listens at it."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


def launched(store: Path, port: str, *launcher: str) -> tuple[RecordedRun, dict[str, list[list[float]]]]:
    """The run of the program, and for each rank the numbers that it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "autotrack", "run", *launcher, str(PROGRAM)],
        env={**os.environ, "PORT": port},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    printed: dict[str, list[list[float]]] = {}
    for rank, *numbers in map(str.split, done.stdout.splitlines()):
        printed.setdefault(rank, []).append([float(number) for number in numbers])
    assert set(printed) == {"rank0", "rank1"}
    (run,) = recorded(store)
    return run, printed


def hold(run: RecordedRun, printed: dict[str, list[list[float]]]) -> None:
    """Every value is that of the rank whose name it has."""
    for rank, prefix in (("rank0", ""), ("rank1", "rank1/")):
        losses = [loss for _, _, loss in printed[rank]]
        assert run.metrics[f"{prefix}step/loss"] == pytest.approx(losses, rel=1e-6)
        assert run.steps[f"{prefix}step/loss"] == [1, 2, 3, 4, 5, 6]
        epochs = [sum(map(float.__mul__, map(float, SIZES), part)) / 20 for part in (losses[:3], losses[3:])]
        assert run.metrics[f"{prefix}train/loss"] == pytest.approx(epochs, rel=1e-6)
        assert run.steps[f"{prefix}train/loss"] == [0, 1]
    assert (run.status, run.name, run.params["world_size"]) == ("FINISHED", "Linear", "2")
    assert len(run.models) == 1
    assert (run.writers, run.damage) == (2, [])


def test_spawned_ranks(store, port):
    """Both ranks' losses are what they printed, each under its own name."""
    hold(*launched(store, port))


@pytest.mark.slow
def test_torchrun(store, port):
    """So are those of ranks that torchrun starts."""
    hold(*launched(store, port, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"))


@pytest.mark.slow
def test_two_launches(store, port):
    """Are two runs, also at the same port."""
    first, _ = launched(store, port)
    done = subprocess.run(
        [sys.executable, "-m", "autotrack", "run", str(PROGRAM)],
        env={**os.environ, "PORT": port}, capture_output=True, timeout=240, check=True,
    )  # fmt: skip
    assert done.returncode == 0
    runs = recorded(store)
    assert len(runs) == 2
    assert [len(run.metrics["rank1/step/loss"]) for run in runs] == [6, 6]
    assert first.run_id in {run.run_id for run in runs}


def test_values_wait_for_their_run():
    """What is added before it is known where goes there then, as of when it was; nobody ends another's run."""
    with recording() as record:
        run = hooks.current.start("owner")
        part = hooks.Contribution("rank1/")
        part.curve("loss", [(1, 1.0, 1000)])
        part.params({"lr": 1})
        part.tags({"a": "b"})
        part.metrics({"loss": 2.0, "lr": 0.5}, 2)
        assert not part.attach("0" * 32)
        assert part.attach(run.run_id)
        part.curve("loss", [(3, 3.0, 1000)])
        part.end()
        assert hooks.current.current() is run
        run.metric("loss", 9.0)
        (kept,) = record.runs
        assert kept.metrics == {"rank1/loss": [1.0, 2.0, 3.0], "rank1/lr": [0.5], "loss": [9.0]}
        assert kept.steps["rank1/loss"] == [1, 2, 3]
        assert (kept.params, kept.status) == ({}, "")
        run.end()
        assert record.run.status == "FINISHED"


def test_a_contribution_that_comes_late(store):
    """One that is first told of the run when that has ended leaves its end as it is."""
    part = hooks.Contribution("rank1/")
    part.metric("loss", 1.0)
    part.started -= 1000
    run = hooks.current.start("owner")
    run.end()
    assert part.attach(run.run_id)
    part.end()
    (kept,) = recorded(store)
    assert kept.metrics == {"rank1/loss": [1.0]}
    assert kept.status == "FINISHED"


def test_contributions_that_nobody_owns(store):
    """Leave nothing behind."""
    part = hooks.Contribution("rank1/")
    part.metric("loss", 1.0)
    part.text("a", "b.txt")
    part.end()
    part.metric("loss", 2.0)
    assert not store.exists()
