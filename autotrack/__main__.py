"""``python -m autotrack`` is the command ``autotrack``."""

from autotrack.cli import main

main()
