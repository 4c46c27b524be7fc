"""The context of a run, in words and as plain facts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.analysis import wording
from autotrack.context.files import NAME, TAG
from autotrack.context.record import Record, read
from autotrack.exceptions import AutotrackException
from autotrack.resumed import REVISIONS, SEGMENTS

if TYPE_CHECKING:
    from autotrack.client import Client
    from autotrack.entities import Run

SEED = "autotrack.seed."


def context(client: Client, run: Run) -> Record | None:
    """The context of a run, which may lie in the files of another one; ``None`` where there is none within reach."""
    try:
        return read(Path(client.download_artifacts(home(run), NAME)))
    except AutotrackException:
        return None


def home(run: Run) -> str:
    """The run in whose files the context of a run lies."""
    return run.data.tags.get(TAG, run.info.run_id)


def as_json(record: Record | None) -> dict[str, Any] | None:
    """The facts, for programs."""
    if record is None:
        return None
    facts = {"code": record.code, "environment": record.environment, "launch": record.launch}
    return {"directory": str(record.directory), **{name: dict(value) for name, value in facts.items()}}


def lines(record: Record | None, run: Run) -> dict[str, str]:
    """The context in a few lines, by their titles; what is not known has none."""
    tags = run.data.tags
    seeds = {key.removeprefix(SEED): value for key, value in sorted(tags.items()) if key.startswith(SEED)}
    found = {"seeds": ", ".join(f"{name} {value}" for name, value in seeds.items())}
    if record is not None:
        found = {
            "code": _code(record),
            "command": " ".join(map(str, record.launch.get("command", ()))),
            "started by": tags.get("autotrack.launcher", ""),
            "on": _machine(record),
            "packages": _packages(record),
            **found,
        }
    found |= {"segments": _segments(tags), "revised": "; ".join(_revisions(tags))}
    return {name: wording.clean(value) for name, value in found.items() if value}


def _segments(tags: Mapping[str, str]) -> str:
    """The programs that have worked on it one after the other."""
    count = tags.get(SEGMENTS, "1")
    last = _json(tags.get(f"autotrack.segment.{count}"))
    if not isinstance(last, dict) or not isinstance(last.get("time"), int):
        return ""
    return f"{count}, the last since {wording.moment(last['time'])} on {last.get('host')}, after {last.get('after')}"


def _revisions(tags: Mapping[str, str]) -> Iterator[str]:
    for key, text in sorted(tags.items()):
        values = _json(text) if key.startswith(REVISIONS) else None
        if isinstance(values, list) and all(isinstance(one, list) and len(one) == 2 for one in values):
            told = [f"{value} from {wording.moment(at)}" for at, value in values[1:] if isinstance(at, int)]
            yield ", ".join([f"{key.removeprefix(REVISIONS)} {values[0][1]}", *told])


def _json(text: str | None) -> Any:
    try:
        return json.loads(text or "null")
    except ValueError:
        return None


def _code(record: Record) -> str:
    code = record.code
    if not code.get("vcs"):
        return f"no repository; {code['files']} files kept" if code.get("files") else ""
    at = " ".join(filter(None, (code.get("branch"), (code.get("commit") or "no commit")[:8])))
    changed = record.changes.count(b"\ndiff --git ") + record.changes.startswith(b"diff --git ")
    parts = [f"{changed} files changed" if changed else "", f"{code['files']} added" if code.get("files") else ""]
    unnamed = "changes unknown" if code.get("dirty") is None else "changed" if code["dirty"] else "clean"
    state = ", ".join(filter(None, parts)) or unnamed
    return f"{at}, {state}{'; taken late' if code.get('late') else ''}"


def _machine(record: Record) -> str:
    facts = record.environment
    python, cpu = facts.get("python", {}), facts.get("cpu", {})
    memory = (facts.get("memory") or {}).get("total")
    gpus = [str(gpu.get("name")) for gpu in facts.get("gpus") or ()]
    parts = (
        str(record.launch.get("host") or ""),
        f"Python {python['version']}" if python.get("version") else "",
        f"{cpu['usable']} CPUs" if cpu.get("usable") else "",
        wording.size(memory) if memory else "",
        ", ".join(f"{gpus.count(name)} x {name}" for name in dict.fromkeys(gpus)),
    )
    return ", ".join(filter(None, parts))


def _packages(record: Record) -> str:
    imported = record.launch.get("imported")
    if not isinstance(imported, dict):
        return ""
    named = ", ".join(f"{name} {version}" for name, version in list(imported.items())[:8])
    return f"{named}{', …' if len(imported) > 8 else ''} ({len(imported)} imported)"
