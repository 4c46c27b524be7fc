"""The commit that a run's code lies at."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import autotrack
from autotrack.capture.code import commit


def git(place: Path, *words: str) -> str:
    identity = ("-c", "user.name=me", "-c", "user.email=me@example.org", "-c", "init.defaultBranch=main")
    return subprocess.run(
        ["git", *identity, *words], cwd=place, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit and a folder in it."""
    place = tmp_path / "project"
    (place / "src").mkdir(parents=True)
    git(place, "init")
    (place / "src/train.py").write_text("print()\n")
    git(place, "add", ".")
    git(place, "commit", "-m", "first")
    return place


@pytest.mark.parametrize("state", ["loose", "packed", "detached", "worktree"])
def test_commit_and_branch_are_those_that_git_tells(repository: Path, state: str) -> None:
    """However git keeps them."""
    place = repository / "src"
    if state == "packed":
        git(repository, "pack-refs", "--all")
    elif state == "detached":
        git(repository, "checkout", "--detach")
    elif state == "worktree":
        git(repository, "worktree", "add", "../other", "-b", "feature/x")
        place = repository.parent / "other"
    found = commit(str(place))
    assert found["mlflow.source.git.commit"] == git(place, "rev-parse", "HEAD")
    branch = git(place, "branch", "--show-current")
    assert found.get("mlflow.source.git.branch", "") == branch


def test_where_there_is_no_commit_nothing_is_told(tmp_path: Path) -> None:
    """Neither outside a repository nor in one without a commit, nor in one whose files make no sense."""
    assert commit(str(tmp_path)) == {}
    git(tmp_path, "init", "empty")
    assert commit(str(tmp_path / "empty")) == {}
    (tmp_path / "broken/.git").mkdir(parents=True)
    (tmp_path / "broken/.git/HEAD").write_bytes(b"ref: \xff\xfe/../../x\n")
    assert commit(str(tmp_path / "broken")) == {}


def test_a_run_carries_the_commit_of_its_program(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the script's directory, or of the working directory where there is no script."""
    monkeypatch.chdir(repository)
    monkeypatch.delattr("__main__.__file__", raising=False)
    with autotrack.start_run() as run:
        pass
    tags = autotrack.get_run(run.run_id).data.tags
    assert tags["mlflow.source.git.commit"] == git(repository, "rev-parse", "HEAD")
