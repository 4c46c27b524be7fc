"""What a program and its helper say to each other.

The program asks one question, a line of JSON. The helper answers :data:`DONE` when the files are written, and the
program ends the talk with :data:`TAKEN` when it has noted them down. A program that ends before that says instead, in
JSON, what is left to do; one that is killed says nothing, and then the helper does what it knows.

A program that ends while digests of files are missing asks a helper for these instead, ``{"reads": [[directory of a
run, facts of a file], ...]}``. Then nobody waits for an answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from autotrack import settings

LONG = 120
"""Seconds after which a helper ends that reads files which a program has left to it, wherever it is."""
SOURCE = "import sys; sys.path.append(sys.argv[1]); from autotrack.context import helper; helper.main()"
"""What the interpreter is started with; its argument is where autotrack lies."""
DONE, TAKEN = b"done\n", b"taken\n"


def life() -> int:
    """Seconds after which the other helper ends wherever it is."""
    return math.ceil(settings.context_timeout()) + 8


def dirty_tag(facts: Mapping[str, Any]) -> dict[str, str]:
    """The tag that says whether the code is otherwise than its commit; none where that is not known."""
    dirty = facts.get("dirty")
    return {} if dirty is None else {"autotrack.git.dirty": str(dirty).lower()}
