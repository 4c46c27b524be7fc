"""The cells that a notebook, or an IPython session, has executed."""

from __future__ import annotations

import sys

from autotrack import redact

MOST = 2 << 20
"""Characters of all cells that are kept, the latest ones."""


def executed() -> list[str] | None:
    """The cells' texts in the order of their execution, the running one last; ``None`` outside IPython."""
    shells = sys.modules.get("IPython.core.interactiveshell")
    shell = getattr(getattr(shells, "InteractiveShell", None), "_instance", None)
    history = getattr(getattr(shell, "history_manager", None), "input_hist_raw", None)
    return [str(cell) for cell in history[1:]] if isinstance(history, list) else None


def script(cells: list[str]) -> str:
    """The cells as a Python file in the percent format, without the secrets in them."""
    parts = [f"# %% [{number}]\n{cell.rstrip()}\n" for number, cell in enumerate(cells, 1)]
    while len(parts) > 1 and sum(map(len, parts)) > MOST:
        parts = parts[len(parts) // 2 :]
    return redact.text("\n".join(parts))
