"""Every test runs in a program of its own, as far as autotrack can tell."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import settings

from autotrack import _aside

ROOT = Path(__file__).parent.parent

# The same examples in every run, so that a change is judged by its own; --hypothesis-profile=default tries new ones.
settings.register_profile("repeatable", derandomize=True, database=None)
settings.load_profile("repeatable")

pytest_plugins = ["parts.plugin"]  # loads nothing of a server before a test asks for one


@pytest.fixture(autouse=True)
def fresh_program(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty working directory, an absent store, none of the developer's settings, and nothing left behind.

    Failures of autotrack's own are raised; the marker ``lenient`` has them swallowed, as in a real program.
    """
    for name in list(os.environ):
        if name.startswith(("AUTOTRACK_", "MLFLOW_")):
            monkeypatch.delenv(name)
    if request.node.get_closest_marker("lenient") is None:
        monkeypatch.setenv("AUTOTRACK_STRICT", "1")
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(tmp_path / "store"))
    monkeypatch.setenv("MPLBACKEND", "Agg")
    # Idle workers of other programs' pools, left by the tests before this one, draw no random numbers.
    left, package = set(threading.enumerate()) - {threading.current_thread()}, _aside._package
    monkeypatch.setattr(_aside, "_package", lambda thread: "autotrack" if thread in left else package(thread))
    # A process beside each program takes time and adds files; tests/context has it, as programs do.
    monkeypatch.setenv("AUTOTRACK_CONTEXT", "0")
    # A program that a test starts sees the checkout, as this one does through pytest's `pythonpath`.
    paths = [str(ROOT), str(ROOT / "integrations"), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    forget()
    yield
    forget()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The directory of this test's store; it exists once something has been recorded."""
    return tmp_path / "store"


def forget() -> None:
    """Put autotrack into the state of a program that has just started."""
    if any((ROOT / "autotrack").glob("testing*")):
        import_module("autotrack.testing").reset()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """A report is sent from one process to another as UTF-8, whatever a program has written."""
    report: pytest.TestReport = yield  # type: ignore[assignment]  # what the hook inside gives
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report  # type: ignore[return-value]  # the same


def pytest_runtest_teardown() -> None:
    """What a program's own metric raises stays "being handled" in a thread in which CatBoost has trained, with or
    without a record; it must not become the context of what other tests raise."""
    ctypes.pythonapi.PyErr_SetHandledException(ctypes.py_object(None))
