"""The model directory on disk: MLflow's MLmodel file and its environment files, and the digest of all of it.

The documents are JSON that is YAML at the same time: MLflow's YAML parser reads them, and here neither writing nor
reading needs one.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import stat
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import Any, NamedTuple

from autotrack.exceptions import AutotrackException
from autotrack.models.additions import CODE
from autotrack.models.code import BYTECODE
from autotrack.models.requirements import BUILD_TOOLS, pinned
from autotrack.models.signature import ModelSignature
from autotrack.models.tree import Entry, entries

MLMODEL = "MLmodel"
PYFUNC = "python_function"
ORIGIN = "autotrack"
"""The key of an MLmodel file that MLflow passes over."""
SIZE = "model_size_bytes"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model directory: what its MLmodel file says, where it lies, how large it is and what its content hashes to."""

    model_id: str
    name: str
    directory: Path
    flavors: Mapping[str, Mapping[str, Any]]
    run_id: str | None = None
    signature: ModelSignature | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    utc_time_created: str = ""
    size: int = 0
    """Bytes of all files; 0 if it was not counted."""
    digest: str = ""
    """`digest` of the directory when it was saved; empty for one that was only read."""
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    origin: Mapping[str, Any] = field(default_factory=dict)
    """What its run knew when it was logged: ``params``, ``metrics`` and ``datasets``."""

    @property
    def model_uri(self) -> str:
        """What `autotrack.models.load` takes."""
        return f"runs:/{self.run_id}/{self.name}" if self.run_id else str(self.directory)

    @property
    def model_uuid(self) -> str:
        return self.model_id

    @property
    def artifact_path(self) -> str:
        return self.name

    def get_input_schema(self) -> Any:
        return self.signature.inputs if self.signature else None

    def get_output_schema(self) -> Any:
        return self.signature.outputs if self.signature else None

    def document(self) -> dict[str, Any]:
        """The content of the MLmodel file."""
        content: dict[str, Any] = {"artifact_path": self.name}
        if self.run_id:
            content["run_id"] = self.run_id
        content |= {"model_id": self.model_id, "model_uuid": self.model_id, "utc_time_created": self.utc_time_created}
        content["flavors"] = self.flavors
        if self.signature:
            content["signature"] = self.signature.to_dict()
        if self.metadata:
            content["metadata"] = self.metadata
        if self.origin:
            content[ORIGIN] = self.origin
        return content


def content(directory: Path) -> Any:
    """The MLmodel file of a directory, as it stands there."""
    try:
        with open(f"{directory}/{MLMODEL}", encoding="utf-8") as file:  # noqa: PTH123 - on the way of every load
            text = file.read()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise AutotrackException.missing(f"{directory} is no model directory: it has no file {MLMODEL}") from error
    try:
        return json.loads(text)
    except ValueError:
        return _yaml(text, directory)


def read(directory: Path) -> ModelInfo:
    """The model that a directory holds, written by autotrack or by MLflow."""
    found = content(directory)
    flavors = found.get("flavors") if isinstance(found, dict) else None
    if not isinstance(flavors, dict) or not all(isinstance(conf, dict) for conf in flavors.values()):
        raise AutotrackException.invalid(f"{directory / MLMODEL} is damaged: it names no flavors")
    try:
        signature = ModelSignature.from_dict(found["signature"]) if found.get("signature") else None
    except (ValueError, TypeError, AttributeError) as error:
        raise AutotrackException.invalid(f"{directory / MLMODEL} is damaged: its signature cannot be read") from error
    return ModelInfo(
        model_id=str(found.get("model_id") or found.get("model_uuid") or ""),
        name=str(found.get("artifact_path") or directory.name),
        directory=directory,
        flavors=flavors,
        run_id=found.get("run_id"),
        signature=signature,
        metadata=found.get("metadata") or {},
        utc_time_created=str(found.get("utc_time_created") or ""),
        origin=found.get(ORIGIN) or {},
    )


def _yaml(text: str, directory: Path) -> Any:
    import yaml  # heavy, and only for a file that MLflow or a person wrote

    try:
        return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders
    except yaml.YAMLError as error:
        raise AutotrackException.invalid(f"{directory / MLMODEL} is damaged: {str(error)[:200]}") from error


def write_environment(directory: Path, requirements: Sequence[str], conda: Mapping[str, Any] | None = None) -> None:
    """requirements.txt, python_env.yaml and conda.yaml: what a server installs before it loads the model.

    ``conda`` stands in place of the conda environment that the requirements make.
    """
    python = ".".join(map(str, sys.version_info[:3]))
    tools = pinned(BUILD_TOOLS)
    env = {"python": python, "build_dependencies": tools, "dependencies": ["-r requirements.txt"]}
    pip = next((tool.replace("==", "<=") for tool in tools if tool.startswith("pip==")), "pip")
    conda = conda or {
        "name": "autotrack-env",
        "channels": ["conda-forge"],
        "dependencies": [f"python={python}", pip, {"pip": list(requirements)}],
    }
    write_text(directory / "requirements.txt", "".join(f"{line}\n" for line in requirements))
    write_text(directory / "python_env.yaml", document(env))
    write_text(directory / "conda.yaml", document(conda))


def pyfunc(conf: Mapping[str, Any]) -> dict[str, Any]:
    """A flavor's python_function entry, completed by what is the same for all."""
    version = ".".join(map(str, sys.version_info[:3]))
    return {"env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"}, "python_version": version, **conf}


def write_text(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", "surrogatepass"))


def utc_now() -> str:
    """The present moment as MLmodel files carry it."""
    now = time.time()
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06d}"


# --- documents ---


def document(value: Any) -> str:
    """A value as indented text that JSON and YAML parsers read alike."""
    return _node(value, "\n") + "\n"


_UNICODE = re.compile(r"(\\\\)|\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})")


def _text(text: str) -> str:
    # YAML knows no surrogate pairs and refuses a raw DEL; JSON takes both forms used here instead.
    quoted = encode_basestring_ascii(text).replace("\x7f", "\\u007f")
    return _UNICODE.sub(_astral, quoted) if "\\ud" in quoted else quoted


def _astral(match: re.Match[str]) -> str:
    if match[1]:
        return match[0]
    return chr(0x10000 + (int(match[2], 16) - 0xD800) * 0x400 + int(match[3], 16) - 0xDC00)


def _node(value: Any, newline: str) -> str:
    inner = newline + "  "
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, (bool, int)):
        return json.dumps(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        items = [f"{inner}{_text(str(key))}: {_node(item, inner)}" for key, item in value.items()]
        return "{" + ",".join(items) + newline + "}" if items else "{}"
    if isinstance(value, (list, tuple, set, frozenset)):
        items = [inner + _node(item, inner) for item in value]
        return "[" + ",".join(items) + newline + "]" if items else "[]"
    return _text(str(value))


def _number(value: float) -> str:
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    text = float.__repr__(value)
    # YAML 1.1 takes 1e-05 for text.
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


# --- content ---


class Content(NamedTuple):
    """One file of a directory: its relative name, what it hashes to, its bytes."""

    name: str
    sha: str
    size: int


def contents(directory: Path) -> list[Content]:
    """Every file of a directory, in the order of their names.

    Anything that is no plain file or directory is refused: its content lies elsewhere and could change unseen.
    """
    return [Content(name, *_file_digest(path)) for name, path, _ in files(entries(directory))]


def digest(directory: Path) -> tuple[str, int]:
    """SHA-256 over the relative names and contents of all files, and their bytes together."""
    return digest_of(contents(directory))


def digest_of(found: Sequence[Content]) -> tuple[str, int]:
    """The digest of a directory that holds these files, and their bytes together."""
    lines = [f"{sha} {size} {encode_basestring_ascii(name)}\n" for name, sha, size in found]
    text = "".join(sorted(lines, key=lambda line: line.split(" ", 2)[2]))
    return hashlib.sha256(text.encode()).hexdigest(), sum(content.size for content in found)


def files(found: Iterable[Entry]) -> list[Entry]:
    """The plain files of a directory; bytecode of a model's code, which is never run, is none."""
    plain: list[Entry] = []
    for entry in found:
        if entry.name.startswith(f"{CODE}/") and BYTECODE in entry.name.split("/")[1:-1]:
            continue
        if stat.S_ISREG(entry.facts.st_mode):
            plain.append(entry)
        elif not stat.S_ISDIR(entry.facts.st_mode):
            raise AutotrackException.invalid(f"{entry.path} in a model directory is a link or a special file")
    return plain


def _file_digest(path: str) -> tuple[str, int]:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a Path for each file would cost as much as its hash
        sha = hashlib.file_digest(file, "sha256")
        return sha.hexdigest(), file.tell()
