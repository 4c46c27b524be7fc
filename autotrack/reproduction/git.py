"""git, as far as a run's code is put together again; nothing of a repository's own is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from autotrack.capture.code import common_directory, git_directory
from autotrack.exceptions import AutotrackException

_QUIET = {
    "GIT_ASKPASS": "",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "https:ssh:file",
    "LC_ALL": "C",
}
_OWN = {**_QUIET, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
"""Where no server is asked, nobody's configuration is needed."""


def git(directory: Path, *words: str, data: bytes | None = None, asks: bool = False) -> str:
    """What git prints; raises with what it says when it fails. ``asks`` if a server is to be asked, which takes the
    user's own configuration."""
    executable = shutil.which("git")
    if executable is None:
        raise AutotrackException("git is not installed; it is needed to put the code of a run together", "NOT_FOUND")
    environment: Mapping[str, str] = {**os.environ, **(_QUIET if asks else _OWN)}
    kept = {name: value for name, value in environment.items() if name not in ("GIT_DIR", "GIT_WORK_TREE")}
    done = subprocess.run(  # noqa: S603 - git, with words of ours
        [executable, "-C", str(directory), "-c", "core.hooksPath=/dev/null", *words], input=data, capture_output=True,
        check=False, env=kept,
    )  # fmt: skip
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip() or f"exit code {done.returncode}"
        raise AutotrackException(f"git {words[0]} failed in {directory}: {said}", "INVALID_STATE")
    return done.stdout.decode("utf-8", "replace")


def checkout(target: Path, commit: str, *, source: Path | None, remote: str | None) -> None:
    """Have the files of a commit in a new repository at ``target``, from a repository of this machine, else from a
    server."""
    _borrow(target, source)
    if source is None and remote is not None:
        git(target, "fetch", "-q", "--no-tags", "--", remote, commit, asks=True)
    git(target, "checkout", "-q", "-f", "--detach", commit)
    if remote is not None:
        git(target, "config", "remote.origin.url", remote)


def has(repository: Path, commit: str) -> bool:
    """Whether a repository of this machine has a commit."""
    with tempfile.TemporaryDirectory(prefix="autotrack-") as place:
        try:
            _borrow(Path(place), repository)
            git(Path(place), "cat-file", "-e", f"{commit}^{{commit}}")
        except AutotrackException:
            return False
    return True


def _borrow(target: Path, source: Path | None) -> None:
    """A new repository that sees the objects of another one; neither's configuration is in force in the other."""
    target.mkdir(parents=True, exist_ok=True)
    git(target, "init", "-q", "--template=")
    if source is not None:
        information = target / ".git" / "objects" / "info"
        information.mkdir(parents=True, exist_ok=True)
        (information / "alternates").write_text(f"{_objects(source)}\n")


def _objects(repository: Path) -> Path:
    own = git_directory(repository)
    if own is None and (repository / "objects").is_dir():  # a bare one
        own = repository
    if own is None:
        raise AutotrackException.missing(f"{repository} is in no git repository")
    return common_directory(own).resolve() / "objects"
