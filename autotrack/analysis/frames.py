"""Answers in the form that somebody works with: pandas, polars, or plain Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from autotrack.exceptions import AutotrackException

FORMATS = ("pandas", "polars", "list")


def framed(columns: Mapping[str, Sequence[Any]], output_format: str | None) -> Any:
    """A table given by its columns: a data frame of pandas where that is installed, else a list of dictionaries; with
    an ``output_format`` that form. What is missing is ``None``, or NaN in a column of floats of pandas.

    Raises for a form that is none, or whose library is not installed.
    """
    form = checked(output_format)
    if form == "list":
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if form == "pandas":
        import pandas as pd  # heavy, and not everybody's

        return pd.DataFrame(dict(columns))
    import polars as pl  # heavy, and not everybody's

    return pl.DataFrame({name: pl.Series(name, list(values), strict=False) for name, values in columns.items()})


def checked(output_format: str | None) -> str:
    """The form that is meant by what was asked for; ``None`` is pandas, or a list where that is not installed."""
    if output_format is None:
        return "pandas" if _installed("pandas") else "list"
    if output_format not in FORMATS:
        raise AutotrackException.invalid(f"output_format is one of {', '.join(FORMATS)}, not {output_format!r}")
    if output_format != "list" and not _installed(output_format):
        raise AutotrackException.invalid(
            f"{output_format} is not installed; `pip install {output_format}`, or give output_format='list'"
        )
    return output_format


def _installed(library: str) -> bool:
    try:
        import_module(library)  # by its name: heavy, and not everybody's
    except ImportError:
        return False
    return True
