"""The command ``autotrack``."""

from __future__ import annotations

import sys


def main() -> None:
    """What the console script and ``python -m autotrack`` call; ends with the command's exit code."""
    words = sys.argv[1:]
    if words[:1] == ["run"] and words[1:2] not in (["--help"], ["-h"]):
        from autotrack.cli import run  # without typer, which takes longer to load than many a program to run

        sys.exit(run.start(words[1:]))
    from autotrack.cli.app import main as application  # typer and rich: not for `run`

    application()
