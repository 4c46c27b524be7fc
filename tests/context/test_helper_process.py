"""The context is taken beside the program: never on its way, never seen by it, and never for long."""

import ctypes
import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from projects import RECORD, Project

from autotrack.context import detached

FACTS = {"code.json", "environment.json", "packages.json", "launch.json"}


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """git does nothing before somebody writes into this pipe."""
    gate, place = tmp_path / "gate", tmp_path / "slow"
    os.mkfifo(gate)
    place.mkdir()
    (place / "git").write_text(f'#!/bin/sh\nread line < {gate}\nPATH=${{PATH#*:}}\nexec git "$@"\n')
    (place / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(place), prepend=os.pathsep)
    monkeypatch.delenv("AUTOTRACK_CONTEXT_TIMEOUT")
    return gate


def test_a_program_does_not_wait_for_its_context(project: Project, gate: Path):
    """It runs to its end while git has not begun; the files are there afterwards, marked as taken late or missing."""
    project.commit_with("/usr/bin/git", "/usr/local/bin/git")
    project.run()
    assert project.helpers()
    run = project.only()
    assert run.noted >= FACTS
    assert run.fact("code.json")["late"] is True
    assert run.fact("code.json")["missing"] == ["changes", "untracked"]


def test_a_program_that_is_killed_has_its_context_too(project: Project):
    """The helper writes down in its place what it has found."""
    project.write(train="import autotrack, os\nautotrack.start_run()\nos.read(0, 1)\n").commit()
    process = project.begin()
    (pid,) = project.eventually(project.helpers)
    # It has heard the question as soon as it has started git.
    started = Path(f"/proc/{pid}/task").glob
    project.eventually(lambda: any(map(Path.read_text, started("*/children"))) or not project.helpers())
    process.kill()
    process.communicate()
    assert project.only().noted >= FACTS


def test_a_program_never_sees_the_helper(project: Project):
    """Neither by waiting for any child nor by the signal that tells of one; and nothing is printed."""
    project.write(
        train="""
        import autotrack, errno, os, signal, threading
        told = []
        signal.signal(signal.SIGCHLD, lambda *_: told.append(1))
        with autotrack.start_run():
            while (thread := next((t for t in threading.enumerate() if t.name == "autotrack-context"), None)):
                try:
                    told.append(os.waitpid(-1, os.WNOHANG))
                except ChildProcessError:
                    pass
                thread.join(0.001)
        print(told)
        """.replace("\n        ", "\n")
    ).commit()
    done = project.run()
    assert done.stdout == "[]\n"
    assert done.stderr.count("\n") == 1  # where the record goes
    assert project.only().noted >= FACTS


@pytest.mark.slow
def test_a_program_keeps_its_signals(project: Project):
    """Also one that starts programs of its own by the C library at the very same time."""
    project.write(
        train="""
        import os, threading
        from autotrack.context import detached
        def ignored():
            return next(line for line in open("/proc/self/status") if line.startswith("SigIgn"))
        before, over = ignored(), threading.Event()
        def call():
            while not over.is_set():
                os.system("true")
        threads = [threading.Thread(target=call) for _ in range(2)]
        for thread in threads:
            thread.start()
        for _ in range(100):
            for fd in detached.connected("pass"):
                detached.close(fd)
        over.set()
        for thread in threads:
            thread.join()
        print(ignored() == before)
        """.replace("\n        ", "\n")
    )
    assert project.run().stdout == "True\n"


def test_nothing_is_started_where_the_system_has_no_way(monkeypatch: pytest.MonkeyPatch):
    """A C library without contexts, and a sandbox that forbids the call."""

    class Library:
        prctl = staticmethod(lambda *_: 0)

    class Sandbox(Library):
        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        clone = ctypes.CFUNCTYPE(ctypes.c_int)(lambda *_: -1)

    real = ctypes.CDLL(None)
    for library in (Library(), Sandbox()):
        monkeypatch.setattr(ctypes, "CDLL", lambda *_, library=library, **__: library)
        assert detached.connected("pass") is None


def test_the_helper_has_nothing_of_the_program(project: Project, gate: Path):
    """No file, terminal or group; a pipe that the program's children inherit ends with the program."""
    project.commit_with("/usr/bin/git", "/usr/local/bin/git")
    out, into = os.pipe()
    os.set_inheritable(into, True)
    process = project.begin(close_fds=False)
    os.close(into)
    process.communicate()
    (pid,) = project.helpers()
    assert os.read(out, 1) == b""
    os.close(out)
    assert os.getsid(pid) != os.getsid(0)
    kinds = {fd.name: fd.stat().st_mode for fd in Path(f"/proc/{pid}/fd").iterdir()}
    assert stat.S_ISFIFO(kinds["0"])
    assert stat.S_ISFIFO(kinds["1"])
    assert project.ended()


@pytest.mark.slow
def test_a_helper_ends_when_its_time_is_over(project: Project, gate: Path):
    """Also if what it has asked never answers."""
    project.commit_with("/usr/bin/git", "/usr/local/bin/git")
    project.write(train="import autotrack, os\nautotrack.start_run()\nos.read(0, 1)\n")
    process = project.begin()
    project.eventually(project.helpers)
    assert project.ended()
    process.communicate(b"x")
    assert project.only().fact("code.json")["missing"] == ["changes", "untracked"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [("AUTOTRACK_DISABLED", "1"), ("AUTOTRACK_CONTEXT", "0"), ("AUTOTRACK_TRACKING_URI", "/proc/x")],
)
def test_nothing_is_started_where_nothing_is_wanted_or_kept(
    project: Project, called: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch, variable: str, value: str
):
    """No thread, no process."""
    project.write(
        train="import autotrack, threading\nautotrack.start_run()\nprint([t.name for t in threading.enumerate()])\n"
    )
    project.commit()
    before = len(called())
    monkeypatch.delenv("AUTOTRACK_STRICT")
    done = project.run(**{variable: value})
    assert "autotrack-context" not in done.stdout
    assert project.helpers() == []
    assert called()[before:] == []


def test_ten_runs_or_a_thousand_are_collected_once(project: Project, called: Callable[[], list[str]]):
    """The first runs have files of their own, which take their space once; later ones name the run that has them."""
    project.write(
        train="""
        import autotrack, threading
        from autotrack.context import process
        process.OWN = 12
        for number in range(8):
            with autotrack.start_run():
                for thread in threading.enumerate():
                    if thread.name == "autotrack-context":
                        thread.join()
        with autotrack.start_run():
            with autotrack.start_run(nested=True):
                pass
        """.replace("\n        ", "\n")
    ).commit()
    before = len(called())
    project.run()
    runs = project.runs()
    assert sum(line.startswith("diff") for line in called()[before:]) == 1
    own = [run for run in runs if run.context.exists()]
    assert 2 <= len(own) <= 5
    named = {run.tags.get("autotrack.context") for run in runs if run not in own}
    assert len(named) == 1
    assert named < {run.directory.name for run in own}
    assert all(run.noted >= FACTS for run in own)
    assert all(run.tags["autotrack.git.dirty"] == "false" for run in runs)
    assert (own[0].context / "packages.json").samefile(own[1].context / "packages.json")


def test_programs_share_what_is_equal(project: Project):
    """The list of packages takes its space once, however many programs have brought it."""
    for _ in range(2):
        project.run()
    one, two = project.runs()
    assert (one.context / "packages.json").read_bytes() == (two.context / "packages.json").read_bytes()
    assert (one.context / "packages.json").samefile(two.context / "packages.json")


def test_forked_workers_start_nothing(project: Project, called: Callable[[], list[str]]):
    """What they record names the run of the program that forked them; before that has one, they have no context."""
    work = "import autotrack, multiprocessing\ndef work(n):\n    with autotrack.start_run():\n        return 0\n"
    pool = "with multiprocessing.get_context('fork').Pool(2) as pool:\n    pool.map(work, range(4))\n"
    project.write(before=work + pool, after=f"{work}work(0)\n{pool}").commit()
    before = len(called())
    project.run("before.py")
    assert [run.noted for run in project.runs()] == [set()] * 4
    assert called()[before:] == []
    project.run("after.py")
    first = next(run for run in project.runs() if run.noted)
    forked = [run for run in project.runs() if not run.noted and "autotrack.context" in run.tags]
    assert len(forked) == 4
    assert {run.tags["autotrack.context"] for run in forked} == {first.directory.name}


def test_a_signal_that_ends_the_program_is_not_sent_by_the_helpers_death(project: Project):
    """A program that has set SIGPIPE back to its default survives a helper that is gone."""
    project.write(
        train="""
        import autotrack, os, signal
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        with autotrack.start_run():
            os.read(0, 1)
        """.replace("\n        ", "\n")
    )
    process = project.begin()
    for pid in project.eventually(project.helpers):
        os.kill(pid, signal.SIGKILL)
    process.communicate(b"x")
    assert process.returncode == 0
    assert project.only().noted >= {"launch.json"}


def test_the_shell_that_starts_the_helper_never_speaks(project: Project, tmp_path: Path):
    """Neither of a working directory that is gone nor of a locale that is not there."""
    gone = tmp_path / "gone"
    program = f"import os\nos.mkdir({str(gone)!r}); os.chdir({str(gone)!r}); os.rmdir({str(gone)!r})\n"
    done = project.write(train=program + RECORD).run(LC_ALL="xx_YY.UTF-8", PYTHONPATH=os.environ["PYTHONPATH"])
    assert done.stderr.splitlines() == [f"autotrack: recording to {project.store}"]
    done = project.write(train=RECORD).run(LC_ALL="xx_YY.UTF-8")
    assert done.stderr.splitlines() == [f"autotrack: recording to {project.store}"]
    assert len(project.runs()) == 2


def test_a_process_that_is_the_parent_of_orphans_starts_none(project: Project):
    """It would see the helper end; what it knows itself is recorded all the same."""
    program = "import ctypes\nctypes.CDLL(None).prctl(36, 1, 0, 0, 0)\n" + RECORD
    project.write(train=program).run()
    run = project.only()
    assert run.noted == {"launch.json"}


def test_without_a_helper_the_program_has_what_takes_no_process(project: Project, called: Callable[[], list[str]]):
    """In a container's first process, say: the commit, the files that it has imported, machine and packages."""
    commit = project.write(other="x = 1\n").commit()
    project.write(
        train="""
        import autotrack, other, threading
        from autotrack.context import detached
        detached.possible = lambda: False
        with autotrack.start_run():
            for thread in threading.enumerate():
                if thread.name == "autotrack-context":
                    thread.join()
        """.replace("\n        ", "\n")
    )
    before = len(called())
    project.run()
    assert called()[before:] == []
    run = project.only()
    assert run.noted == FACTS | {"files/train.py", "files/other.py"}
    code = run.fact("code.json")
    assert (code["commit"], code["branch"], code["dirty"]) == (commit, "main", None)
    assert code["missing"] == ["changes", "untracked", "submodules"]
    assert "autotrack.git.dirty" not in run.tags
    assert run.fact("launch.json")["imported"]
    assert run.fact("environment.json")["python"]["version"]
