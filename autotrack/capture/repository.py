"""How the code that ran differs from its commit, asked of git in a way that runs nothing of the repository's own.

The repository's configuration is never in force: git is given a directory of ours with a configuration of ours, in
which of the repository's settings only those are repeated that tell how files are compared, and is pointed at the
objects, the index and the work tree. There are no hooks, filters, drivers, pagers, helpers or monitors in it, and so
none to run, whatever a ``.git/config`` or ``.gitattributes`` asks for. Nothing is written to the repository.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autotrack import redact
from autotrack.capture.code import commit, common_directory, git_directory

DIFFERENCE = 4 << 20
"""Bytes of a difference that are kept."""
FILE, FILES, ALL = 256 << 10, 200, 4 << 20
"""Bytes of one file that git does not track, how many of them are kept, and their bytes together."""
LISTED = 200
"""Names of what is left out."""
SUBMODULES = 20
_OUTPUT = 16 << 20
_SETTINGS = re.compile(
    r"(core\.(filemode|symlinks|ignorecase|autocrlf|eol|safecrlf|precomposeunicode|repositoryformatversion)"
    r"|extensions\.objectformat)\n([A-Za-z0-9.-]{1,32})"
)
_EMPTY = {40: "4b825dc642cb6eb9a060e54bf8d69288fbee4904", 64: ""}
_SOURCES = frozenset((".py", ".ipynb", ".yaml", ".yml", ".json", ".toml", ".cfg", ".ini", ".sh", ".txt", ".md", ".sql"))


@dataclass(slots=True)
class Code:
    """What is known of a program's code: facts that JSON can hold, and files by their path below the record's."""

    facts: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


def code(directory: Path, imported: Iterable[str], deadline: float, *, processes: bool = True) -> Code:
    """The code around a directory: its commit and the difference from it, else the project's files themselves.

    ``imported`` are the source files that the program has imported; ``deadline`` is one of ``time.monotonic``, after
    which what is missing stays missing, and is named. Without git, or where no ``processes`` may be started, the commit
    and these files are all.
    """
    found = Code()
    root = _root(directory)
    sources = [Path(name) for name in imported]
    if root is None or not processes or _git() is None:
        base = root or directory.absolute()
        found.facts = {"vcs": None, "root": str(base)} if root is None else _at_least(root)
        _keep(base, [file.relative_to(base).as_posix() for file in sources if file.is_relative_to(base)], found)
        return found
    with tempfile.TemporaryDirectory(prefix="autotrack-") as scratch:
        _read(root, sources, Path(scratch), deadline, found, depth=0)
    return found


def _read(root: Path, sources: list[Path], scratch: Path, deadline: float, found: Code, depth: int) -> None:
    git = _Git(root, scratch, deadline)
    at = commit(str(root))
    facts = found.facts
    facts |= {
        "vcs": "git",
        "root": str(root),
        "commit": at.get("mlflow.source.git.commit"),
        "branch": at.get("mlflow.source.git.branch"),
        "remote": git.remote(at.get("mlflow.source.git.branch", "")),
    }
    with ThreadPoolExecutor(1) as beside:  # each looks at every file of the work tree
        looking = beside.submit(git.untracked)
        changes = git.difference(facts["commit"])
        names = looking.result()
    shown = _clear(_whole(changes))
    if shown:
        found.files["changes.diff"] = shown
    tracked = git.tracked([file.relative_to(root).as_posix() for file in sources if file.is_relative_to(root)])
    _keep(root, list(dict.fromkeys((*(names or ()), *tracked))), found)
    facts |= {
        "dirty": None if changes is None or names is None else bool(changes or names),
        "changes": {"size": len(changes or b""), "truncated": len(changes or b"") > DIFFERENCE} if changes else None,
        "binary": _binary(changes or b""),
        "missing": [name for name, value in (("changes", changes), ("untracked", names)) if value is None],
    }
    if depth == 0:
        facts["submodules"] = list(_submodules(root, git, scratch, deadline, found))


def _at_least(root: Path) -> dict[str, Any]:
    """What a repository's own files tell."""
    at = commit(str(root))
    return {
        "vcs": "git",
        "root": str(root),
        "commit": at.get("mlflow.source.git.commit"),
        "branch": at.get("mlflow.source.git.branch"),
        "remote": at.get("mlflow.source.git.repoURL"),
        "dirty": None,
        "changes": None,
        "binary": [],
        "submodules": [],
        "missing": ["changes", "untracked", "submodules"],
    }


def _submodules(root: Path, git: _Git, scratch: Path, deadline: float, found: Code) -> Iterator[dict[str, Any]]:
    for number, path in enumerate(git.submodules()[:SUBMODULES]):
        place = root / path
        if not (place / ".git").exists() or not place.resolve().is_relative_to(root.resolve()):
            continue
        inner = Code()
        with tempfile.TemporaryDirectory(dir=scratch) as below:
            _read(place, [], Path(below), deadline, inner, depth=1)
        for name, data in inner.files.items():
            target = f"submodules/{number}.diff" if name == "changes.diff" else name
            found.files[target if target != name else f"files/{path}/{name.removeprefix('files/')}"] = data
        yield {"path": path, **{key: inner.facts[key] for key in ("commit", "branch", "remote", "dirty", "missing")}}


class _Git:
    """git, with nothing of the repository's own configuration in force."""

    def __init__(self, root: Path, scratch: Path, deadline: float) -> None:
        own = git_directory(root) or root / ".git"
        common = common_directory(own)
        self._root, self._deadline = root, deadline
        self._settings = self._config(common / "config")
        (scratch / "refs").mkdir()
        (scratch / "info").mkdir()
        (scratch / "HEAD").write_text(commit(str(root)).get("mlflow.source.git.commit", "ref: refs/heads/none") + "\n")
        lines = [f"[{key.partition('.')[0]}]\n\t{key.partition('.')[2]} = {value}" for key, value in self._kept()]
        ignored = [f"[core]\n\texcludesFile = {quoted}" for quoted in self._ignored()]
        (scratch / "config").write_text("\n".join(["[core]\n\tbare = false", *lines, *ignored, ""]))
        if (common / "info" / "exclude").is_file():
            shutil.copyfile(common / "info" / "exclude", scratch / "info" / "exclude")
        for shared in own.glob("sharedindex.*"):
            (scratch / shared.name).symlink_to(shared.absolute())
        self._environment = _ENVIRONMENT | {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(scratch),
            "GIT_DIR": str(scratch),
            "GIT_WORK_TREE": str(root),
            "GIT_INDEX_FILE": str(own / "index"),
            "GIT_OBJECT_DIRECTORY": str(common / "objects"),
        }

    def remote(self, branch: str) -> str | None:
        """Where the branch comes from, without anybody's credentials."""
        name = self._settings.get(f"branch.{branch}.remote", "origin")
        url = self._settings.get(f"remote.{name}.url")
        return redact.text(url) if url else None

    def difference(self, head: str | None) -> bytes | None:
        """Whatever in the work tree is otherwise than in the commit, staged or not."""
        return self._run(
            "diff", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--full-index",
            "--ignore-submodules=dirty", "--src-prefix=a/", "--dst-prefix=b/", head or _EMPTY[40], limit=DIFFERENCE + 1,
        )  # fmt: skip

    def untracked(self) -> list[str] | None:
        """Files that are neither tracked nor ignored."""
        return _names(self._run("ls-files", "--others", "--exclude-standard", "-z"))

    def tracked(self, names: list[str]) -> list[str]:
        """Those of the names, which the program has imported, that git does not track, ignored ones too."""
        if not names:
            return []
        known = _names(self._run("ls-files", "-z", "--", *names[:2000]))
        return [] if known is None else [name for name in names[:2000] if name not in set(known)]

    def submodules(self) -> list[str]:
        """Their paths, as ``.gitmodules`` has them."""
        file = self._root / ".gitmodules"
        named = self._config(file) if file.is_file() and not file.is_symlink() else {}
        return [path for key, path in named.items() if key.endswith(".path") and not path.startswith("/")]

    def _kept(self) -> list[tuple[str, str]]:
        matches = (_SETTINGS.fullmatch(f"{key}\n{value}") for key, value in self._settings.items())
        return [(match[1], match[3]) for match in matches if match]

    def _ignored(self) -> list[str]:
        """The user's own list of what git is to ignore, as a setting's value."""
        home = Path(os.path.expanduser("~"))  # noqa: PTH111 - does not raise
        own = self._config(home / ".gitconfig").get("core.excludesfile")
        base = os.environ.get("XDG_CONFIG_HOME") or str(home / ".config")
        file = Path(own.replace("~", str(home), 1) if own else base + "/git/ignore")
        path = str(file)
        return [f'"{path}"'] if file.is_file() and not set(path) & set('"\\\n') else []

    def _config(self, file: Path) -> dict[str, str]:
        if not file.is_file():
            return {}
        environment = _ENVIRONMENT | {"PATH": os.environ.get("PATH", os.defpath)}
        listed = self._started(["config", "--file", str(file), "--no-includes", "--list", "-z"], environment, 1 << 20)
        pairs = (entry.partition("\n") for entry in (listed or b"").decode("utf-8", "replace").split("\0") if entry)
        return {key: value for key, _, value in pairs}

    def _run(self, *arguments: str, limit: int = _OUTPUT) -> bytes | None:
        return self._started(list(arguments), self._environment, limit)

    def _started(self, arguments: list[str], environment: dict[str, str], limit: int) -> bytes | None:
        """What git prints, up to a limit; ``None`` if it fails or is not done in time."""
        left = self._deadline - time.monotonic()
        executable = _git()
        if left <= 0 or executable is None:
            return None
        process = subprocess.Popen(  # noqa: S603 - git, with arguments of ours
            [executable, *arguments], cwd=self._root, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        with process:
            try:
                data = _up_to(process, limit, self._deadline)
            finally:
                process.kill()
        return None if data is None or (process.returncode not in (0, -9) and not data) else data


_ENVIRONMENT = {
    "GIT_ASKPASS": "",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


def _up_to(process: subprocess.Popen[bytes], limit: int, deadline: float) -> bytes | None:
    import selectors  # with subprocess, which has loaded it

    assert process.stdout is not None
    pieces: list[bytes] = []
    size = 0
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while size < limit:
            if not selector.select(max(deadline - time.monotonic(), 0)):
                return None
            piece = os.read(process.stdout.fileno(), 1 << 16)
            if not piece:
                process.wait(max(deadline - time.monotonic(), 0.1))
                break
            pieces.append(piece)
            size += len(piece)
    return b"".join(pieces)


def _git() -> str | None:
    """git's own place; a directory of the ``PATH`` that depends on where one stands is not looked into."""
    path = os.pathsep.join(place for place in os.environ.get("PATH", "").split(os.pathsep) if place.startswith("/"))
    return shutil.which("git", path=path)


def _root(directory: Path) -> Path | None:
    return next((place for place in (directory, *directory.parents) if (place / ".git").exists()), None)


def _names(listed: bytes | None) -> list[str] | None:
    return None if listed is None else [os.fsdecode(name) for name in listed.split(b"\0") if name]


def _whole(changes: bytes | None) -> bytes:
    """A difference within its limit, cut where a file's begins."""
    if changes is None or len(changes) <= DIFFERENCE:
        return changes or b""
    end = changes.rfind(b"\ndiff --git ", 0, DIFFERENCE)
    return changes[: end + 1]


def _binary(changes: bytes) -> list[str]:
    found = re.findall(rb"^Binary files .{1,4000} and b/(.{1,2000}) differ$", changes, re.MULTILINE)
    return [os.fsdecode(name) for name in found[:LISTED]]


def _clear(data: bytes) -> bytes:
    return redact.text(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _keep(root: Path, names: list[str], found: Code) -> None:
    """Take the text files of these names into the record, the likeliest sources first, and name the others."""
    total, left_out = 0, []
    for name in sorted(names, key=lambda name: (Path(name).suffix not in _SOURCES, name.count("/"), name)):
        data, why = _text(root, name) if len(found.files) < FILES and total < ALL else (None, "enough")
        if data is None:
            left_out.append({"path": name, "why": why})
        else:
            total += len(data)
            found.files[f"files/{name}"] = _clear(data)
    found.facts["files"] = sum(name.startswith("files/") for name in found.files)
    found.facts["left_out"] = {"count": len(left_out), "names": left_out[:LISTED]}


def _text(root: Path, name: str) -> tuple[bytes | None, str]:
    """A text file's content, or why it is none that is kept."""
    try:
        # Neither a link nor a pipe is followed or waited for.
        fd = os.open(root / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None, "unreadable"
    with open(fd, "rb") as file:  # noqa: PTH123 - a descriptor
        facts = os.fstat(fd)
        if not stat.S_ISREG(facts.st_mode):
            return None, "no file"
        if facts.st_size > FILE:
            return None, "large"
        data = file.read(FILE + 1)
    if b"\0" in data[:8192]:
        return None, "binary"
    return data, ""
