"""Which commit a program's code lies at, read from git's own files: no process is started, nothing of the repository
is run."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from autotrack import redact

_HEX = frozenset("0123456789abcdef")


@lru_cache(maxsize=8)
def commit(directory: str) -> dict[str, str]:
    """MLflow's tags for the commit, the branch if one is checked out, and the address of "origin" without anybody's
    credentials; empty outside a git repository.

    Asked once a directory and process: what a program runs is what was checked out when it began.
    """
    try:
        git = git_directory(Path(directory))
        head = _text(git / "HEAD") if git else ""
        if git is None or not head:
            return {}
        common = common_directory(git)
        origin = {"mlflow.source.git.repoURL": redact.text(url)} if (url := _origin(common / "config")) else {}
        if not head.startswith("ref: "):
            return {"mlflow.source.git.commit": head, **origin} if _is_commit(head) else {}
        ref = head.removeprefix("ref: ")
        found = _text(git / ref) or _text(common / ref) or _packed(common / "packed-refs", ref)
        if not _is_commit(found):
            return {}  # nothing has been committed yet
        return {
            "mlflow.source.git.commit": found,
            "mlflow.source.git.branch": ref.removeprefix("refs/heads/"),
            **origin,
        }
    except (OSError, ValueError):
        return {}


def git_directory(directory: Path) -> Path | None:
    """The directory in which git keeps the repository around a place."""
    for place in (directory, *directory.parents):
        git = place / ".git"
        if git.is_dir():
            return git
        if git.is_file():  # a worktree or a submodule says where its directory lies
            return place / _text(git).removeprefix("gitdir: ")
    return None


def common_directory(git: Path) -> Path:
    """What a repository's worktrees share, objects and settings among it; for others the directory itself."""
    return git / (_text(git / "commondir") or ".")


def _origin(file: Path) -> str:
    """The address of the remote "origin", as git's settings have it."""
    if not file.is_file():
        return ""
    with file.open(encoding="utf-8", errors="replace") as opened:
        lines = [line.strip() for line in opened.read(100_000).splitlines()]
    section = ""
    for line in lines:
        if line.startswith("["):
            section = line
        elif section == '[remote "origin"]' and line.partition("=")[0].strip() == "url":
            return line.partition("=")[2].strip().strip('"')
    return ""


def _packed(file: Path, ref: str) -> str:
    if file.is_file():
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.rstrip("\n").endswith(f" {ref}"):
                    return line.partition(" ")[0]
    return ""


def _text(file: Path) -> str:
    if not file.is_file():
        return ""
    with file.open(encoding="utf-8", errors="replace") as opened:
        return opened.read(1000).strip()


def _is_commit(text: str) -> bool:
    return len(text) in (40, 64) and _HEX.issuperset(text)
