"""Whether a pickle would need autotrack to be loaded."""

from __future__ import annotations

import re

_OURS = re.compile(rb"(?<![\w/\\.-])(autotrack(_\w+)?|wrapt)(\.\w+)*(?![\w/\\-])")
"""A module's name, as pickle's protocol 4 and later write it after its length; not a part of a file's path."""


def names_us(data: bytes) -> bool:
    """Whether a pickle names a module of autotrack's, of an integration's or wrapt's.

    The path of the file where a function was written, which comes along with its code, may contain the word.
    """
    return _OURS.search(data) is not None
