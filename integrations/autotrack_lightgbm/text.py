"""Whether a model's text is whole: LightGBM's own reader does not ask, and ends the process over one that was cut off,
or takes fewer trees for all.
"""

from __future__ import annotations

import mmap
from pathlib import Path

SIZES, FIRST, LAST = b"\ntree_sizes=", b"\nTree=0\n", b"\nend of trees"
PARAMETERS, END = b"\nparameters:", b"\nend of parameters"


def damage(path: Path) -> str:
    """What is wrong with a file; empty if it is whole."""
    with path.open("rb") as file:
        try:
            text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            return "it is empty"
        with text:
            return _damage(text)


def _damage(text: mmap.mmap) -> str:
    last = text.find(LAST)
    if last < 0:
        return "it ends before its last tree does"
    sizes, first = text.find(SIZES, 0, last), text.find(FIRST, 0, last)
    if sizes >= 0 and first >= 0:
        line = text[sizes + len(SIZES) : text.find(b"\n", sizes + 1)]
        try:
            whole = sum(map(int, line.split()))
        except ValueError:
            return "the sizes of its trees are no numbers"
        if first + 1 + whole != last + 1:
            return f"its trees take {last - first} bytes, not {whole}"
    tail = text.find(PARAMETERS, last)
    return "it ends within its parameters" if tail >= 0 and text.find(END, tail) < 0 else ""
