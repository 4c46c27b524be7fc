"""What a program writes to its terminal is kept with its run, and reaches the terminal as it would without."""
# ruff: noqa: T201 - what a program prints is what is tested

import contextlib
import io
import os
import pty
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from projects import Project

import autotrack
from autotrack.capture import streams
from autotrack.capture.screen import ROWS, Screen
from autotrack.context import console, detached, observer
from autotrack.context.console import Console

SHOW = r"""
import autotrack, logging, sys, warnings
before = sys.stdout
autotrack.start_run()
print("plain", 1, flush=True)
print("no end", end="")
for n in range(30):
    print(f"\r{n}%", end="", file=sys.stderr)
print("\n\x1b[31mred\x1b[0m \u00e9 \u4e16", file=sys.stderr)
sys.stdout.writelines(["a\n", "b\n"])
logging.warning("logged")
warnings.warn("warned")
s = sys.stdout
print([s is before, s is sys.__stdout__, s.isatty(), s.fileno(), s.encoding, s.line_buffering, s.errors, type(s)])
print(sys.stdout.write("12345\n"))
1 / 0
"""


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything but the process beside the program, which has tests of its own."""
    monkeypatch.setattr(detached, "possible", lambda: False)
    yield
    observer.reset()


def on_terminal(project: Project, **environment: str) -> bytes:
    """What the program shows on a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "train.py"], cwd=project.directory, stdin=theirs, stdout=theirs, stderr=theirs,
        env={**os.environ, "AUTOTRACK_TOLD": "1", "PYTHONIOENCODING": "utf-8", **environment},
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # that is how the end of a terminal is told
        while piece := os.read(ours, 1 << 16):
            shown += piece
    os.close(ours)
    assert process.wait() == 1
    return shown


def test_the_terminal_shows_what_it_would(project: Project):
    """Byte by byte, in the same order, by the same objects; and the run has it, a progress bar once, with the
    traceback that ended the program."""
    project.write(train=SHOW)
    shown = on_terminal(project)
    assert shown == on_terminal(project, AUTOTRACK_CONSOLE="0")
    first, second = project.runs()
    kept = (first.directory / "artifacts" / "console.log").read_bytes()
    assert b"\r29%" in shown
    assert kept == shown.replace(b"\r\n", b"\n").replace(b"".join(b"\r%d%%" % n for n in range(30)), b"29%").replace(
        b"no end29%", b"29%"
    )
    assert kept.endswith(b"ZeroDivisionError: division by zero\n")
    assert not (second.directory / "artifacts" / "console.log").exists()


def test_a_killed_program_has_left_its_output(project: Project):
    """All that is older than some seconds."""
    project.write(
        train="""
        import autotrack, os, time
        run = autotrack.start_run().run
        print("the last words")
        while not (run.files / "console.log").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), 9)
        """.replace("\n        ", "\n")
    ).run(code=-9)
    run = project.only()
    assert (run.directory / "artifacts" / "console.log").read_text() == "the last words\n"
    assert "console.log" in [line.event.path for line in run.events if line.event.kind == "artifact"]


def test_each_run_has_its_own_output(alone: None, monkeypatch: pytest.MonkeyPatch, store: Path):
    """From its beginning to its end; a nested run's is the outer one's. Afterwards the stream is as it was."""
    stream = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", stream)
    for number in range(2):
        print("before")
        with autotrack.start_run() as run:
            print("in", number)
            with autotrack.start_run(nested=True) as inner:
                print("nested")
        assert (run.run.files / "console.log").read_text() == f"in {number}\nnested\n"
        assert not (inner.run.files / "console.log").exists()
    assert vars(stream) == {"mode": stream.mode} if "mode" in vars(stream) else not vars(stream)
    with autotrack.start_run() as run:
        pass
    assert not (run.run.files / "console.log").exists()
    with autotrack.start_run() as run:
        autotrack.log_text("mine", "console.log")
        print("x")
    assert sorted(file.read_text() for file in run.run.files.glob("console*.log")) == ["mine", "x\n"]


@contextlib.contextmanager
def hearing() -> Iterator[list[str]]:
    """What is heard of the program's output, which goes to a file of its own."""
    found: list[str] = []
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())), contextlib.redirect_stderr(None):
        streams.listen(found.append)
        yield found
        streams.unlisten(found.append)


def test_what_does_not_reach_the_terminal_is_not_heard():
    """What goes to a stream that the program has put in the place of its output."""
    with hearing() as heard:
        with contextlib.redirect_stdout(io.StringIO()):
            print("elsewhere")
        print("here")
    assert heard == ["here", "\n"]


def test_a_write_that_fails_fails_as_ever(monkeypatch: pytest.MonkeyPatch):
    """By the same error, from the program's own line; and nothing was written."""

    class Broken(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            raise BrokenPipeError("nobody reads")

    found: list[str] = []
    broken = io.TextIOWrapper(Broken(), write_through=True)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", broken)
        streams.listen(found.append)
        with pytest.raises(BrokenPipeError) as failed:
            print("too late", end="")
        streams.unlisten(found.append)
    assert found == []
    assert [frame.name for frame in traceback.extract_tb(failed.value.__traceback__)] == [
        "test_a_write_that_fails_fails_as_ever", "write"
    ]  # fmt: skip


def test_a_stream_that_writes_to_another_is_heard_once():
    """Whichever of them was there first; and a failing listener is nobody's business."""

    class Tee:
        def __init__(self, inner: io.TextIOBase) -> None:
            self.inner = inner

        def write(self, text: str) -> int:
            return self.inner.write(text.upper()) + 1

    def deaf(text: str) -> None:
        raise RuntimeError(text)

    with hearing() as heard:
        inner = sys.stdout
        with contextlib.redirect_stdout(Tee(inner)):  # type: ignore[type-var]  # as programs do it
            assert sys.stdout.write("early") == 6
            streams.listen(deaf)
            assert sys.stdout.write("late") == 5
            inner.write("inner")
            streams.unlisten(deaf)
    assert heard == ["EARLY", "late", "inner"]


def test_threads_write_as_they_like(monkeypatch: pytest.MonkeyPatch):
    """Each text is there, whole and once."""
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO()))
    kept = Console(None)  # type: ignore[arg-type]  # nothing is written here
    threads = [threading.Thread(target=lambda n=n: [print(f"{n}-{m}") for m in range(500)]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    streams.unlisten(kept.hear)
    found = kept._text()
    assert found is not None
    assert sorted(found.split()) == sorted(f"{n}-{m}" for n in range(8) for m in range(500))


def test_a_forked_child_is_not_heard():
    """What it writes is its own; it inherits a stream that works."""
    with hearing() as heard:
        if (pid := os.fork()) == 0:
            os._exit(sys.stdout.write("child") if streams._listeners == () else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5
        print("parent", end="")
    assert "".join(heard) == "parent"


def test_a_long_output_is_cut_in_the_middle(monkeypatch: pytest.MonkeyPatch):
    """Its beginning and its end are kept, and how much is missing between them."""
    monkeypatch.setattr(console, "LONGEST", 1000)
    monkeypatch.setattr(console, "_AT_ONCE", 4000)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO()))
    kept = Console(None)  # type: ignore[arg-type]  # nothing is written here
    for number in range(10_000):
        print(f"line {number:05}")
    streams.unlisten(kept.hear)
    assert len(kept._said) * 6 < 9000
    text = kept._text()
    assert text is not None
    assert text.startswith("line 00000\n")
    assert text.endswith("line 09999\n")
    assert "characters left out" in text
    assert len(text) < 1000 + 1000 + ROWS * 12 + 200


def test_no_secret_is_kept(monkeypatch: pytest.MonkeyPatch):
    """Also where it comes in pieces, and over many lines of which some have left the screen already."""
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO()))
    kept = Console(None)  # type: ignore[arg-type]  # nothing is written here
    sys.stdout.write("password=")
    sys.stdout.write("hunter10word and token ghp_")
    sys.stdout.write("16C7e42F292c6912E7710c838347Ae178B4a\nnum_memory_tokens=128\n")
    texts = []
    for number in range(4 * ROWS):
        if number == ROWS // 2:
            print("-----BEGIN RSA PRIVATE KEY-----")
        print(f"hunter{number}line" if ROWS // 2 <= number < ROWS else f"line {number}")
        if number == ROWS - 1:
            print("-----END RSA PRIVATE KEY-----")
        if number % 10 == 0:
            texts.append(kept._text())
    streams.unlisten(kept.hear)
    texts.append(kept._text())
    assert not any("hunter" in text or "16C7e42F" in text for text in texts if text)
    assert "num_memory_tokens=128" in str(texts[-1])
    assert all(f"line {number}\n" in str(texts[-1]) for number in (0, ROWS // 2 - 1, ROWS, 4 * ROWS - 1))


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("one\ntwo\n", "one\ntwo\n"),
        ("one\r\ntwo\r\n", "one\ntwo\n"),
        ("1%\r2%\r3%\n", "3%\n"),
        ("\r 50%|##  |\r100%|####|\ndone", "100%|####|\ndone"),
        ("\x1b[32mgreen\x1b[0m\n", "\x1b[32mgreen\x1b[0m\n"),
        ("outer 1\ninner 1\x1b[A\router 2\ninner 2\n", "outer 2\ninner 2\n"),
        ("a 1\nb 1\n\x1b[2A\x1b[2Ka 2\n\x1b[2Kb 2\n", "a 2\nb 2\n"),
        ("working\r\x1b[K\nnext\n", "\nnext\n"),
        ("\x1b[99Afar\n", "far\n"),
        ("ends\r", "ends"),
    ],
)
def test_progress_is_folded(written: str, left: str):
    """As a terminal does it, whether the text comes at once or letter by letter."""
    whole, letters = Screen(), Screen()
    whole.write(written)
    assert whole.take() + whole.rest() == left
    if "\x1b" not in written:
        for letter in written:
            letters.write(letter)
        assert letters.take() + letters.rest() == left


def test_lines_that_are_gone_take_no_time_and_no_space():
    """A screen has so many rows, of so many characters; what was there before was handed on."""
    screen = Screen()
    for number in range(1000):
        screen.write(f"{number}\n")
    screen.write("." * 100_000)
    assert len(screen.rest()) < 50_000
    taken = screen.take()
    assert taken + screen.rest() == "".join(f"{number}\n" for number in range(1000)) + "." * 100_000
