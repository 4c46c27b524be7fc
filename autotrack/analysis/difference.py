"""What differs between two runs: parameters, code, command, packages, environment, seeds, data and metrics."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from autotrack.analysis.context import SEED, context
from autotrack.client.differences import Compared, differing, side_by_side
from autotrack.client.sources import datasets_of

if TYPE_CHECKING:
    from autotrack.client import Client
    from autotrack.context.record import Record
    from autotrack.entities import Run

PARAMETERS, CODE, COMMAND, PACKAGES = "parameters", "code", "command", "packages"
ENVIRONMENT, SEEDS, DATA, METRICS = "environment", "seeds", "data", "metrics"
OF_CONTEXT = (CODE, COMMAND, PACKAGES, ENVIRONMENT)
"""The parts that a run without a context says nothing about."""
_FILE = re.compile(rb"^diff --git a/.{1,4000} b/(.{1,4000})$", re.MULTILINE)
_OURS = ("AUTOTRACK_", "PYTHONPATH", "VIRTUAL_ENV", "CONDA_", "HOSTNAME", "SLURM_")
"""Variables that say where a program ran and how it was recorded, not what it computes."""

Facts = dict[str, dict[str, Any]]


def difference(client: Client, first: Run, second: Run) -> Compared:
    """For each part what two runs do not share, each key with its two values; ``None`` where a run has none. A part
    that one of them was not asked for (it has no context) is left out."""
    known = [facts(client, run) for run in (first, second)]
    shared = [part for part in known[0] if all(part in one for one in known)]
    return differing(side_by_side([{part: one[part] for part in shared} for one in known]))


def facts(client: Client, run: Run) -> Facts:
    """What is known of a run, by part and key; where no context was recorded, its parts are absent."""
    return facts_of(run, context(client, run))


def facts_of(run: Run, record: Record | None) -> Facts:
    """The same of a run whose context has been read."""
    found: Facts = {PARAMETERS: dict(run.data.params)}
    if record is not None:
        found |= {
            CODE: dict(_code(record)),
            COMMAND: {"program": command(record)},
            PACKAGES: {one["name"]: _version(one) for one in record.packages},
            ENVIRONMENT: dict(_environment(record)),
        }
    tags = run.data.tags
    return found | {
        SEEDS: {key.removeprefix(SEED): value for key, value in tags.items() if key.startswith(SEED)},
        DATA: {f"{one['name']} ({one['context'] or 'no role'})": one["digest"] for one in datasets_of(run)},
        METRICS: dict(run.data.metrics),
    }


def command(record: Record) -> str:
    """The program and its arguments, wherever the project lay and whichever interpreter ran it."""
    launch = record.launch
    program, root = str(launch.get("module") or launch.get("file") or ""), str(record.code.get("root") or "")
    if root and program.startswith(f"{root}/"):
        program = program[len(root) + 1 :]
    words = [program, *map(str, (launch.get("argv") or ())[1:])]
    return " ".join(word.replace(f"{root}/", "") if root else word for word in words)


def changed(changes: bytes) -> dict[str, bytes]:
    """The difference of each file out of one of several."""
    starts = [(match.start(), match[1].decode("utf-8", "replace")) for match in _FILE.finditer(changes)]
    ends = [*(start for start, _ in starts[1:]), len(changes)]
    return {name: changes[start:end] for (start, name), end in zip(starts, ends, strict=False)}  # one end for none


def _code(record: Record) -> Iterator[tuple[str, str]]:
    if record.code.get("commit"):
        yield "commit", str(record.code["commit"])
    for name, piece in changed(record.changes).items():
        yield name, f"changed {_short(piece)}"
    for name, file in record.files.items():
        yield name, f"added {_short(file.read_bytes())}"
    for one in record.code.get("submodules") or ():
        yield str(one.get("path")), str(one.get("commit"))


def _version(package: Mapping[str, Any]) -> str:
    revision = package.get("commit")
    return f"{package['version']} ({str(revision)[:12]})" if revision else str(package["version"])


def _environment(record: Record) -> Iterator[tuple[str, str]]:
    facts = record.environment
    for part, names in (
        ("python", ("version", "implementation")), ("platform", ("system", "machine", "libc")), ("cpu", ("model",)),
    ):  # fmt: skip
        for name in names:
            if value := (facts.get(part) or {}).get(name):
                yield f"{part} {name}", str(value)
    yield "gpus", ", ".join(str(gpu.get("name")) for gpu in facts.get("gpus") or ())
    if facts.get("driver"):
        yield "driver", str(facts["driver"])
    for library, settings in (record.launch.get("libraries") or {}).items():
        for name, value in settings.items():
            yield f"{library} {name}", str(value)
    for name, value in (record.launch.get("environment") or {}).items():
        if not name.startswith(_OURS):
            yield name, str(value)


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]
