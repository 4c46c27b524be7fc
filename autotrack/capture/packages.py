"""Which distributions are installed, in which versions, and where those come from that are not of an index."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autotrack import redact

MOST = 5000
_RECORD = 64 << 10
"""Bytes of a list of installed files that are looked at for the modules that a distribution brings."""
_NAME = re.compile(r"(?P<name>.+?)-(?P<version>[^-]+?)(?:-py[0-9.]+[^/]*)?\.(?:dist|egg)-info")


def packages(path: Iterable[str]) -> list[dict[str, Any]]:
    """The distributions on an import path, each by the first place that has it, in the order of their names.

    ``name`` is the normalized one; ``modules`` the top-level modules that it brings; ``editable``, ``url`` and
    ``commit`` are there where a distribution was installed from a directory or a repository.
    """
    found: dict[str, dict[str, Any]] = {}
    for place in path:
        for information in _informations(Path(place)):
            match = _NAME.fullmatch(information.name)
            if match is None or len(found) >= MOST:
                continue
            name = normal(match["name"])
            if name not in found:
                found[name] = {"name": name, "version": match["version"], **_details(information, match["name"])}
    return [found[name] for name in sorted(found)]


def normal(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _informations(place: Path) -> list[Path]:
    try:
        return sorted(entry for entry in place.iterdir() if entry.name.endswith((".dist-info", ".egg-info")))
    except OSError:
        return []


def _details(information: Path, name: str) -> dict[str, Any]:
    details: dict[str, Any] = {"modules": _modules(information, name)}
    try:
        origin = json.loads((information / "direct_url.json").read_text("utf-8"))
        details["url"] = redact.text(str(origin.get("url", "")))
        if origin.get("dir_info", {}).get("editable"):
            details["editable"] = True
        if revision := origin.get("vcs_info", {}).get("commit_id"):
            details["commit"] = str(revision)
    except (OSError, ValueError, AttributeError):
        pass  # from an index, as nearly all
    return details


def _modules(information: Path, name: str) -> list[str]:
    try:
        return sorted({line for line in (information / "top_level.txt").read_text("utf-8").split() if line})
    except (OSError, ValueError):
        pass
    try:
        with (information / "RECORD").open("rb") as file:
            listed = file.read(_RECORD).decode("utf-8", "replace").splitlines()
    except OSError:
        listed = []
    found = {line.partition(",")[0].partition("/")[0].partition(".")[0] for line in listed if not line.startswith(".")}
    modules = sorted(module for module in found if module.isidentifier() and module != "__pycache__")
    return modules or [name.replace("-", "_")]
