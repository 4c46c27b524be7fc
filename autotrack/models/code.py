"""Modules that a model brings along: importable once it may run, and never compiled into its directory.

Bytecode beside the source would be a change of a directory whose content is vouched for, and bytecode that lies there
would be run although nobody vouched for it. So neither is written nor read.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from types import CodeType

BYTECODE = "__pycache__"

_roots: set[str] = set()


class _SourceOnly(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _finder(path: str) -> importlib.machinery.FileFinder:
    """A hook of the import system for directories below those that `add` was given."""
    if not any(path == root or path.startswith(f"{root}/") for root in _roots):
        raise ImportError(path)
    return importlib.machinery.FileFinder(
        path,
        (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES),
        (_SourceOnly, importlib.machinery.SOURCE_SUFFIXES),
    )


def add(directory: Path) -> None:
    """Put a model's code in front of the module path, for the rest of the process.

    A module of the same name that another model brought along is forgotten: what was loaded with it keeps it, this
    model gets its own.
    """
    root = str(directory)
    for name in {entry.name.partition(".")[0] for entry in directory.iterdir()}:
        file = getattr(sys.modules.get(name), "__file__", None) or ""
        if any(file.startswith(f"{other}/") for other in _roots - {root}):
            for loaded in [key for key in sys.modules if key == name or key.startswith(f"{name}.")]:
                del sys.modules[loaded]
    if _finder not in sys.path_hooks:
        sys.path_hooks.insert(0, _finder)
    _roots.add(root)
    sys.path_importer_cache.pop(root, None)
    if root in sys.path:
        sys.path.remove(root)
    sys.path.insert(0, root)
