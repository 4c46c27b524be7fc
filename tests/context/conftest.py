"""Programs in projects of their own, recorded with their context."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from projects import RECORD, Project


@pytest.fixture(autouse=True)
def with_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs of these tests have their context recorded, however long that takes on a machine that is busy."""
    monkeypatch.delenv("AUTOTRACK_CONTEXT")
    monkeypatch.setenv("AUTOTRACK_CONTEXT_TIMEOUT", "30")
    for name, value in (("AUTHOR", "Ada"), ("COMMITTER", "Ada")):
        monkeypatch.setenv(f"GIT_{name}_NAME", value)
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "ada@example.org")


@pytest.fixture
def project(tmp_path: Path, store: Path) -> Project:
    """A project with a program that leaves one run, in no repository yet."""
    directory = tmp_path / "project"
    directory.mkdir()
    return Project(directory, store).write(train=RECORD)


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """How git was called, by whom ever: a script of that name stands first on the path."""
    real = shutil.which("git")
    place, log = tmp_path / "bin", tmp_path / "git.log"
    place.mkdir()
    (place / "git").write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {real} "$@"\n')
    (place / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(place), prepend=os.pathsep)
    return lambda: log.read_text().splitlines() if log.exists() else []
