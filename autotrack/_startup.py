"""How a Python process that somebody starts comes to record from its first line on.

A directory with a ``sitecustomize`` stands first on its ``PYTHONPATH``; ``cli/child.py`` is what that calls.
"""

from __future__ import annotations

import os

# No pathlib here: to load it takes as long as the whole of `autotrack run`.
DIRECTORY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cli", "startup")  # noqa: PTH100, PTH118, PTH120
OPTIONS = "AUTOTRACK_AUTOLOG"
"""The variable with the options of ``autolog``, in JSON."""


def environment(given: dict[str, str]) -> dict[str, str]:
    """The environment that switches recording on; ``AUTOTRACK_DISABLED`` is heeded by whoever finds it."""
    path = [entry for entry in given.get("PYTHONPATH", "").split(os.pathsep) if entry != DIRECTORY]
    # An empty PYTHONPATH is none, while an empty entry of one is the working directory.
    given["PYTHONPATH"] = os.pathsep.join([DIRECTORY, *path] if path != [""] else [DIRECTORY])
    return given
