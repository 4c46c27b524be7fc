"""A medium that refuses costs one warning and what it refused; the program goes on, and so does the record after."""

import errno
import os
import resource
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from autotrack import current
from autotrack.journal.writer import open_writers
from autotrack.sinks import heartbeat
from autotrack.testing import fresh, recorded, said
from autotrack.testing.sink import exit_code_of

pytestmark = [pytest.mark.lenient, pytest.mark.skipif(sys.platform != "linux", reason="mounts and limits of Linux")]


def log_everything(run, step=0):
    """Every way to record something."""
    run.metric("loss", 0.5, step)
    run.metrics({"a": 1, "b": 2}, step)
    run.metric("huge", 2**70, step)
    run.params({f"param {step}": "x" * 7000})
    run.tags({f"tag {step}": "x"})
    run.text("content", f"file {step}.txt")
    run.artifact(__file__, f"copy {step}")
    run.rename("other")


@contextmanager
def mounted(directory, options):
    """A file system of its own."""
    directory.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", directory], capture_output=True, check=False
    ).returncode:
        pytest.skip("mounting needs root")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", directory], check=True)


def fill(file):
    """Take all the space that there is."""
    with file.open("wb", buffering=0) as out:
        try:
            while True:
                out.write(b"x" * 4096)
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017 - it must come


def test_a_full_disk(tmp_path, monkeypatch):
    """One warning; when there is space again the record goes on, with nothing half-written in it."""
    with mounted(tmp_path / "disk", "size=200k") as disk:
        monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(disk / "store"))
        with said() as lines:
            run = current.start("mine")
            run.metric("loss", 1.0, 0)
            filler = disk / "filler"
            fill(filler)
            for step in range(1, 3000):
                log_everything(run, step)
            filler.unlink()
            run.metric("loss", 2.0, 10_000)
            run.params({"after": "x"})
            run.end()
        (found,) = recorded(disk / "store")
    assert len(lines) == 1
    assert "No space left on device" in lines[0]
    assert found.damage == []
    assert found.metrics["loss"][0], found.metrics["loss"][-1] == (1.0, 2.0)
    assert found.params["after"] == "x"
    assert found.status == "FINISHED"


def test_a_disk_that_is_full_from_the_start(tmp_path, monkeypatch):
    """Nothing is recorded, and the program is told once."""
    with mounted(tmp_path / "disk", "size=4k,nr_inodes=1") as disk:
        monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(disk / "store"))
        with said() as lines:
            for _ in range(3):
                with current.start("mine") as run:
                    log_everything(run)
        assert len(lines) == 1
        assert "this run is not recorded" in lines[0]


def test_a_disk_that_fills_up_at_any_byte(tmp_path, monkeypatch):
    """A write that is taken only in part is cut off again, wherever it was cut."""
    monkeypatch.setenv("AUTOTRACK_TOLD", "1")

    def child(limit):
        def work():
            monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(tmp_path / f"store {limit}"))
            run = current.start("mine")
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            with said() as lines:
                for step in range(40):
                    run.metrics({"one": step, "two": step, f"key {step}": step}, step)
                    run.params({f"param {step}": "é" * step})
            assert len(lines) == 1, lines
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            run.metrics({"one": -1, "two": -1})
            run.end()

        return work

    for limit in range(900, 1300, 7):
        assert exit_code_of(child(limit)) == 0
        (run,) = recorded(tmp_path / f"store {limit}")
        assert run.damage == []
        assert run.metrics["one"] == run.metrics["two"]
        assert run.metrics["one"][-1] == -1
        assert run.status == "FINISHED"
        for step in range(40):
            assert run.params.get(f"param {step}", "é" * step) == "é" * step


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.ESTALE])
def test_a_disk_that_fails(code, store, monkeypatch):
    """Whatever the kernel answers."""
    run = current.start("mine")
    real = os.write

    def refuse(fd, data):
        raise OSError(code, os.strerror(code))

    with said() as lines:
        monkeypatch.setattr("autotrack.journal.writer._write", refuse)
        log_everything(run)
        monkeypatch.setattr("autotrack.journal.writer._write", real)
        log_everything(run, 1)
        run.end()
    assert len(lines) == 1
    assert os.strerror(code) in lines[0]
    (found,) = recorded(store)
    assert found.metrics["loss"] == [0.5]
    assert "param 1" in found.params
    assert found.damage == []


def test_a_device_that_is_always_full(store):
    """`/dev/full` takes no byte."""
    run = current.start("mine")
    run.metric("loss", 1.0, 0)
    (writer,) = open_writers()
    full = os.open("/dev/full", os.O_WRONLY)
    for fd in (writer._events, writer._metrics):
        os.dup2(full, fd)
    os.close(full)
    with said() as lines:
        log_everything(run)
        run.end()
    assert len(lines) == 1


def test_a_read_only_file_system(tmp_path, monkeypatch):
    """Of a store that can be read but not written nothing is changed, and the program is told once."""
    with mounted(tmp_path / "disk", "size=1m") as disk:
        monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(disk / "store"))
        current.start("before").end()
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        with said() as lines:
            for _ in range(3):
                with current.start("mine") as run:
                    log_everything(run)
        assert len(lines) == 1
        assert "Read-only file system" in lines[0]
        assert [run.name for run in recorded(disk / "store")] == ["before"]


def test_a_directory_of_somebody_elses(tmp_path):
    """A user who may not write there trains on."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o755)
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:3]:  # one more where several processes share the tests
        if parent.name.startswith(("pytest-", "popen-")):
            parent.chmod(0o755)

    def child():
        if os.getuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        os.environ["AUTOTRACK_TRACKING_URI"] = str(closed / "store")
        with said() as lines:
            for _ in range(3):
                with current.start("mine") as run:
                    log_everything(run)
        assert len(lines) == 1, lines
        assert "Permission denied" in lines[0]

    assert exit_code_of(child) == 0
    assert list(closed.iterdir()) == []


def test_a_store_that_is_deleted_under_the_program(store):
    """What the open run goes on to log is lost, with one warning; the next run makes a new store."""
    run = current.start("mine")
    run.metric("loss", 1.0)
    shutil.rmtree(store)
    with said() as lines:
        log_everything(run)
        for writer in open_writers():
            writer.beat(1)
            writer.beat(2)
        run.end()
        run.metric("score", 1.0)
    assert len(lines) == 1
    assert "No such file or directory" in lines[0]
    with current.start("next") as after:
        after.metric("loss", 2.0)
    assert [(found.name, found.metrics) for found in recorded(store)] == [("next", {"loss": [2.0]})]


def test_a_deleted_store_is_noticed_though_every_write_succeeds(store):
    """Of a program that only logs values, the sign of life notices."""
    run = current.start("mine")
    run.metric("loss", 1.0)
    shutil.rmtree(store)
    with said() as lines:
        run.metric("loss", 2.0)
        for writer in open_writers():
            writer.beat(1)
            writer.beat(2)
    assert len(lines) == 1
    assert "was deleted: what the run logs is lost" in lines[0]
    assert not store.exists()


def test_a_program_whose_store_is_deleted_ends_as_ever(store, tmp_path):
    """Its exit code and its output are its own."""
    told = fresh(
        "import shutil\n"
        "from autotrack import current\n"
        "run = current.start('mine')\n"
        f"shutil.rmtree({str(store)!r})\n"
        "run.metric('loss', 1)\n"
        "print('trained')",
        directory=tmp_path,
        environ={"AUTOTRACK_STRICT": ""},
    )
    assert told == "trained\n"


def test_the_heartbeat_overwrites_one_small_file(store):
    """It is removed when the run is let go."""
    run = current.start("mine")
    (writer,) = open_writers()
    writer.beat(1234567890123)
    writer.beat(1234567890124)
    (sign,) = store.glob("runs/*/alive-*")
    assert sign.read_text() == "1234567890124\n"
    run.end()
    assert not sign.exists()


def test_the_heartbeat_goes_on_by_itself(store, monkeypatch):
    """While a run is open, and no longer."""
    monkeypatch.setattr(heartbeat, "INTERVAL", 0.01)
    monkeypatch.setattr(heartbeat, "_thread", None)
    run = current.start("mine")
    deadline = time.monotonic() + 5
    while not list(store.glob("runs/*/alive-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert list(store.glob("runs/*/alive-*"))
    run.end()
    time.sleep(0.05)
    assert not list(store.glob("runs/*/alive-*"))
    monkeypatch.undo()
