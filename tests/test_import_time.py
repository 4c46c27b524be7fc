"""``import autotrack`` costs next to nothing; what it needs is loaded when it is used."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

HEAVY = {
    "asyncio", "importlib.metadata", "logging", "matplotlib", "numpy", "packaging", "pandas", "requests",
    "rich", "sklearn", "sqlalchemy", "torch", "typer", "typing_extensions", "wrapt", "xgboost", "yaml",
}  # fmt: skip

MOST_MODULES = 5
"""Modules that an import may add to those of a bare interpreter, ``autotrack`` itself among them. ``typing``
alone brings twenty, and nearly as long a wait as the interpreter's own start."""


def test_importing_loads_nothing_heavy():
    """No framework, no third party and no slow part of the standard library is there after the import."""
    assert HEAVY.intersection(loaded_by("import autotrack")) == set()


def test_importing_loads_few_modules():
    """The import adds a handful of modules to a bare interpreter."""
    loaded = loaded_by("import autotrack")
    assert len(loaded) <= MOST_MODULES, loaded


def test_importing_needs_only_the_standard_library():
    """The import succeeds where no site-packages exist at all."""
    assert "autotrack" in loaded_by("import autotrack", "-S")


def loaded_by(statement: str, *options: str) -> list[str]:
    """The modules that a statement adds to those of a bare interpreter, sorted."""
    program = (
        f"import sys; before = set(sys.modules); {statement}; after = set(sys.modules)\n"
        "import json; print(json.dumps(sorted(after - before)))"
    )
    done = subprocess.run(
        [sys.executable, *options, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names: list[str] = json.loads(done.stdout)
    return names
