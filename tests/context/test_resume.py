"""A program that was stopped is started again and goes on with its run."""

import json
import os
import signal
import subprocess
import sys

from projects import Project

from autotrack.analysis import context
from autotrack.client import Client

PROGRAM = """
import os
import signal
import time
import autotrack

first = not os.path.exists("checkpoint")
open("checkpoint", "w").close()
with autotrack.start_run() as run:
    autotrack.log_params({"lr": 0.1 if first else 0.01, "depth": 3})
    for step in range(3):
        autotrack.log_metric("loss", 1 / (1 + step), step=step + (0 if first else 3))
    while first and not (run.run.files / "context" / "launch.json").exists():
        time.sleep(0.01)
    if first:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def started(project: Project, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "autotrack", "run", *words], cwd=project.directory, capture_output=True, text=True,
        env={**os.environ, "PYTEST_CURRENT_TEST": "", **environment}, check=False,
    )  # fmt: skip


def test_a_killed_program_goes_on_with_its_run(project):
    """As a new segment; a parameter that it gives another value keeps the first one, with both as dated revisions."""
    project.write(train=PROGRAM)
    assert started(project, "train.py", "--size", "3").returncode == -signal.SIGKILL
    project.ended()
    done = started(project, "--resume", "auto", "train.py", "--size", "3")
    assert done.returncode == 0, done.stderr
    client = Client(project.store)
    (run,) = client.search_runs([one.experiment_id for one in client.search_experiments()])
    assert f"goes on with run {run.info.run_id}, which is KILLED" in done.stderr
    assert run.info.status == "FINISHED"
    assert [point.step for point in client.get_metric_history(run.info.run_id, "loss")] == [0, 1, 2, 3, 4, 5]
    assert run.data.params["lr"] == "0.1"
    revisions = json.loads(run.data.tags["autotrack.revisions.lr"])
    assert [value for _, value in revisions] == ["0.1", "0.01"]
    assert revisions[0][0] < revisions[1][0]
    assert "autotrack.revisions.depth" not in run.data.tags
    assert run.data.tags["autotrack.segments"] == "2"
    segment = json.loads(run.data.tags["autotrack.segment.2"])
    assert (segment["after"], segment["time"] > revisions[0][0]) == ("KILLED", True)
    told = context.lines(None, run)
    assert told["segments"].startswith("2, the last since ")
    assert told["revised"].startswith("lr 0.1, 0.01 from ")


def test_only_what_the_same_command_left_unfinished_is_gone_on_with(project):
    """Another argument, another array task or a finished run: a new run begins."""
    project.write(train=PROGRAM)
    started(project, "train.py", "--size", "3", SLURM_JOB_ID="7", SLURM_ARRAY_TASK_ID="1")
    project.ended()
    job = {"SLURM_JOB_ID": "7", "SLURM_RESTART_COUNT": "1"}
    other = started(project, "--resume=auto", "train.py", "--size", "4", SLURM_ARRAY_TASK_ID="1", **job)
    assert "no run unfinished" in other.stderr
    other = started(project, "--resume=auto", "train.py", "--size", "3", SLURM_ARRAY_TASK_ID="2", **job)
    assert "no run unfinished" in other.stderr
    same = started(project, "--resume=auto", "train.py", "--size", "3", SLURM_ARRAY_TASK_ID="1", **job)
    assert "goes on with run" in same.stderr
    again = started(project, "--resume=auto", "train.py", "--size", "3", SLURM_ARRAY_TASK_ID="1", **job)
    assert "no run unfinished" in again.stderr
    unknown = started(project, "--resume", "abcdef", "train.py")
    assert (unknown.returncode, "there is no run abcdef" in unknown.stderr) == (2, True)
