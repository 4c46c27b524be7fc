"""Whether a pickle would need autotrack to be loaded."""

from __future__ import annotations

import pickletools
import re

_OURS = re.compile(r"(autotrack(_\w+)?|wrapt)(\.[\w.]+)?")


def names_us(data: bytes) -> bool:
    """Whether a pickle names a module of autotrack's, of an integration's or wrapt's.

    A text such as the path of the file where a function was written may contain the word.
    """
    texts = (argument for _, argument, _ in pickletools.genops(data) if isinstance(argument, str))
    return any(_OURS.fullmatch(part) for text in texts for part in text.split())
