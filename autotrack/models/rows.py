"""The first rows of whatever a model is given, without touching the rest."""

from __future__ import annotations

from typing import Any

EXAMPLE = 5
"""How many rows show what a model takes."""


def head(data: Any, count: int = EXAMPLE) -> Any:
    """The first rows as an object of the same kind that shares no memory with ``data``, so that it stays what it is.

    Raises for data that have no rows to take, such as an iterator.
    """
    if hasattr(data, "iloc"):  # pandas
        return data.iloc[:count].copy()
    if hasattr(data, "__next__"):
        raise TypeError(f"a {type(data).__name__} can be read only once")
    if hasattr(data, "tocsr") and getattr(data, "format", "csr") not in ("csr", "csc", "lil", "dok"):
        raise TypeError(f"a {data.format} matrix has no rows that can be taken alone")
    rows = data[:count]
    return rows.copy() if hasattr(rows, "copy") else rows
