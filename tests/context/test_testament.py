"""What a program that is killed has left to do is done in its place, and what it has done itself is not."""

import os
import signal

import pytest
from projects import Project

from autotrack import MlflowClient

DEAD = -signal.SIGKILL
LEGACY = """
def finish(run, content, *, step):
    run.metrics({"left": float(content)}, step, time_ms=1_000_000_000_000)
"""
BEGIN = """
import autotrack, os, signal
from pathlib import Path
from autotrack.context import testament
from legacy import finish
file = Path("file")
file.write_text("1")
def testament_of(run, step):
    return testament.Testament(run.run, finish, file, step=step)
def die():
    os.kill(os.getpid(), signal.SIGKILL)
run = autotrack.start_run()
left = testament_of(run, 3)
left.keep()
"""


def left_by(project: Project, rest: str, code: int = 0) -> list[tuple[int, float]]:
    """What the testaments of a program added to its run."""
    project.write(legacy=LEGACY, train=BEGIN + rest)
    project.run(code=code)
    (run_id,) = (run.name for run in (project.store / "runs").iterdir())
    client = MlflowClient(str(project.store))
    client.get_run(run_id)  # an index may well be made before anything is added in the place of the dead
    project.ended()
    return [(point.step, point.value) for point in client.get_metric_history(run_id, "left")]


def test_a_process_that_is_killed_has_it_carried_out(project: Project):
    """With the file as it was then, also where the run has been looked at since; it died all the same."""
    rest = """
file.write_text("2")
another = testament_of(run, 4)
another.keep()
revoked = testament_of(run, 5)
revoked.keep()
file.write_text("3.5")
revoked.revoke()
die()
"""
    assert left_by(project, rest, DEAD) == [(3, 3.5), (4, 3.5)]
    (recorded,) = project.runs()
    assert MlflowClient(str(project.store)).get_run(recorded.directory.name).info.status == "KILLED"


@pytest.mark.parametrize(
    ("rest", "code"),
    [
        ("file.write_text('2'); left.revoke()", 0),
        ("file.write_text('2'); left.revoke(); die()", DEAD),
        ("die()", DEAD),
        ("file.unlink(); die()", DEAD),
        ("file.write_text('2'); left.revoke(); os.environ['AUTOTRACK_CONTEXT'] = '0'; left.keep(); die()", DEAD),
    ],
    ids=["lived", "revoked", "as before", "gone", "unwanted"],
)  # fmt: skip
def test_what_is_not_left_is_not_done(project: Project, rest: str, code: int):
    """A program that has done it, or has not begun."""
    assert left_by(project, rest, code) == []


def test_a_program_that_closes_all_its_files_goes_on_unharmed(project: Project):
    """What it opens then may have the numbers of the pipe, and is not written to; nor is anything done in its place, as
    it could no longer say that it has done so itself."""
    rest = """
import threading
for thread in threading.enumerate():
    if thread.name == "autotrack-context":
        thread.join()  # it writes to the run, as the program does
os.closerange(3, 100)
mine = [os.open(f"mine{n}", os.O_CREAT | os.O_WRONLY) for n in range(50)]
file.write_text("2")
left.revoke()
testament_of(run, 4).keep()
print(sum(os.fstat(fd).st_size for fd in mine))
"""
    project.write(legacy=LEGACY, train=BEGIN + rest)
    assert project.run().stdout == "0\n"
    assert project.ended()


def test_a_forked_child_leaves_nothing_of_its_parents(project: Project):
    """Neither when it is killed nor by living on."""
    rest = """
if (pid := os.fork()) == 0:
    file.write_text("2")
    die()
os.waitpid(pid, 0)
file.write_text("4")
if (pid := os.fork()) == 0:
    os.closerange(0, 3)
    signal.pause()
Path("child").write_text(str(pid))
die()
"""
    assert left_by(project, rest, DEAD) == [(3, 4.0)]
    os.kill(int((project.directory / "child").read_text()), signal.SIGKILL)
