"""What a program and its helper say to each other.

The program asks one question, a line of JSON. The helper answers :data:`DONE` when the files are written, and the
program ends the talk with :data:`TAKEN` when it has noted them down. A program that ends before that says instead, in
JSON, what is left to do; one that is killed says nothing, and then the helper does what it knows.

A program that ends while digests of files are missing asks a helper for these instead, ``{"reads": [[directory of a
run, facts of a file], ...]}``. Then nobody waits for an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LIFE, LONG = 10, 120
"""Seconds after which the helper ends wherever it is; and one that reads files which a program has left to it."""
SOURCE = "import sys; sys.path.append(sys.argv[1]); from autotrack.context import helper; helper.main()"
"""What the interpreter is started with; its argument is where autotrack lies."""
DONE, TAKEN = b"done\n", b"taken\n"


def dirty_tag(facts: Mapping[str, Any]) -> dict[str, str]:
    """The tag that says whether the code is otherwise than its commit; none where that is not known."""
    dirty = facts.get("dirty")
    return {} if dirty is None else {"autotrack.git.dirty": str(dirty).lower()}
