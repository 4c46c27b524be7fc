"""What a caller adds to a model's directory: code, further files, and requirements of his own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autotrack.exceptions import AutotrackException

CODE, FILES = "code", "extra_files"
CONSTRAINTS = "constraints.txt"

Paths = Sequence[str | Path]


@dataclass(frozen=True, slots=True)
class Additions:
    """The arguments of ``log_model`` under MLflow's names; all of them are optional."""

    code_paths: Paths | None = None
    """Files and directories that the model imports; they go on the module path before it is loaded."""
    extra_files: Paths | None = None
    pip_requirements: Sequence[str] | str | Path | None = None
    """Instead of what was found: lines, or a requirements file. ``-r`` and ``-c`` lines name files, too."""
    extra_pip_requirements: Sequence[str] | str | Path | None = None
    conda_env: Mapping[str, Any] | str | Path | None = None
    """The whole conda.yaml, as a mapping or a file; its pip part becomes requirements.txt."""

    def __post_init__(self) -> None:
        given = [name for name in ("conda_env", "pip_requirements", "extra_pip_requirements") if self._has(name)]
        if len(given) > 1:
            raise AutotrackException.invalid(f"give only one of {', '.join(given)}")

    def copy(self, directory: Path) -> dict[str, Any]:
        """Copy code and files; what every flavor's entry says about them."""
        conf: dict[str, Any] = {}
        if self.code_paths:
            _copied(self.code_paths, directory / CODE, "code_paths")
            conf["code"] = CODE
        if self.extra_files:
            names = _copied(self.extra_files, directory / FILES, "extra_files")
            conf["extra_files"] = [{"path": f"{FILES}/{name}"} for name in names]
        return conf

    def requirements(self, found: Iterable[str], directory: Path) -> list[str]:
        """The lines of requirements.txt; constraints go into a file of their own beside it."""
        if self.conda_env is not None:
            lines = _pip_part(self.conda())
        elif self.pip_requirements is not None:
            lines = _lines(self.pip_requirements)
        else:
            lines = [*found, *_lines(self.extra_pip_requirements or ())]
        plain = [line for line in lines if not line.startswith("-c ")]
        files = [Path(line.removeprefix("-c ").strip()) for line in lines if line.startswith("-c ")]
        if files:
            (directory / CONSTRAINTS).write_text("".join(_text(file) for file in files), "utf-8")
            plain.append(f"-c {CONSTRAINTS}")
        return list(dict.fromkeys(plain))

    def conda(self) -> Mapping[str, Any]:
        """The conda environment that was given."""
        if isinstance(self.conda_env, Mapping):
            return self.conda_env
        import yaml  # heavy, and only for those who name a file of their own

        content = yaml.safe_load(_text(Path(str(self.conda_env))))
        if not isinstance(content, dict):
            raise AutotrackException.invalid(f"{self.conda_env} is no conda environment: it holds no mapping")
        return content

    def _has(self, name: str) -> bool:
        return getattr(self, name) is not None


def _copied(sources: Paths, directory: Path, argument: str) -> list[str]:
    if isinstance(sources, str | Path):
        raise AutotrackException.invalid(f"{argument} is a list of paths, not the text {str(sources)!r}")
    names: list[str] = []
    for source in map(Path, sources):
        path = source.expanduser().resolve()
        if not path.exists():
            raise AutotrackException.missing(f"{argument}: there is no {source}")
        if path.name in names:
            raise AutotrackException.invalid(f"{argument} has two files called {path.name}; rename one")
        names.append(path.name)
        directory.mkdir(exist_ok=True)
        if path.is_dir():
            # Links are followed, because a model directory holds no links; bytecode is made anew where it is wanted.
            shutil.copytree(path, directory / path.name, ignore=shutil.ignore_patterns("__pycache__", ".git"))
        else:
            shutil.copyfile(path, directory / path.name)
    return names


def _lines(given: Sequence[str] | str | Path) -> list[str]:
    if isinstance(given, str | Path):
        file = Path(given)
        base, texts = file.parent, _text(file).splitlines()
    else:
        base, texts = Path(), [str(line) for line in given]
    lines: list[str] = []
    for text in texts:
        line = text.partition(" #")[0].strip()
        if line.startswith(("-r ", "--requirement ")):
            lines += _lines(base / line.partition(" ")[2].strip())
        elif line.startswith(("-c ", "--constraint ")):
            lines.append(f"-c {base / line.partition(' ')[2].strip()}")
        elif line and not line.startswith("#"):
            lines.append(line)
    return lines


def _pip_part(conda: Mapping[str, Any]) -> list[str]:
    parts = [part for part in conda.get("dependencies") or () if isinstance(part, Mapping)]
    return [str(line) for part in parts for line in part.get("pip") or ()]


def _text(file: Path) -> str:
    try:
        return file.expanduser().read_text("utf-8")
    except FileNotFoundError as error:
        raise AutotrackException.missing(f"there is no file {file}") from error


def plain(conda: Mapping[str, Any]) -> Any:
    """A conda environment as nothing but JSON's types."""
    return json.loads(json.dumps(conda, default=str))
