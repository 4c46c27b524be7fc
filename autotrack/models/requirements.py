"""Which distributions a model needs, with the versions that this process imported; nothing is run to find out."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import re
import sys
from collections.abc import Iterable
from pathlib import Path

BUILD_TOOLS = ("pip", "setuptools", "wheel")
"""What an environment is built with."""


def requirements(distributions: Iterable[str], modules: Iterable[str]) -> list[str]:
    """Pinned requirements for distributions, by name, and for the ones that imported modules came from.

    A module that no distribution installed (a script, the standard library) needs none.
    """
    found = [name for module in modules if (name := _distribution(module.partition(".")[0]))]
    return sorted({*pinned(distributions, installed=True), *pinned(found)}, key=str.lower)


def pinned(distributions: Iterable[str], *, installed: bool = False) -> list[str]:
    """``name==version`` for each distribution; the bare name, or nothing, for one that is not installed."""
    lines: list[str] = []
    for name in distributions:
        version = _version(name)
        if version or not installed:
            lines.append(f"{name}=={version}" if version else name)
    return lines


@functools.cache
def _version(distribution: str) -> str | None:
    try:
        found = importlib.metadata.distribution(distribution)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return None
    # One header is wanted; parsing the whole message would take ten times as long as reading it.
    version = re.search(
        r"^Version: *(\S+)", found.read_text("METADATA") or found.read_text("PKG-INFO") or "", re.MULTILINE
    )
    # A local label such as "+cpu" names a build that no package index offers.
    return version[1].partition("+")[0] if version else None


@functools.cache
def _distribution(module: str) -> str | None:
    if module in sys.stdlib_module_names or module == "__main__":
        return None
    if _version(module):
        return module.replace("_", "-")
    file = getattr(sys.modules.get(module), "__file__", None)
    if not file:
        return None
    path = Path(file)
    site = path.parent.parent if path.name == "__init__.py" else path.parent
    # The distribution whose list of installed files has this one; only its own directory is searched.
    wanted = re.compile(rb"^" + re.escape(path.relative_to(site).as_posix().encode()) + rb",", re.MULTILINE)
    for record in site.glob("*.dist-info/RECORD"):
        with contextlib.suppress(OSError):
            if wanted.search(record.read_bytes()):
                return re.sub(r"[-_.]+", "-", record.parent.name.partition("-")[0]).lower()
    return None
