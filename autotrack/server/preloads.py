"""What a page would ask for one after another is said at its beginning: a module is asked for before the one that
imports it has arrived."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from posixpath import dirname, join, normpath

_IMPORT = re.compile(r'^(?:import|export)\b[^"]*"([^"]+\.js)"|^@import "/page/([^"]+)"', re.MULTILINE)
_PAGES = re.compile(r"^const PAGES = \{(.*?)\};", re.MULTILINE | re.DOTALL)
_PAGE = re.compile(r'(\w+): "\./([^"]+)"')
_FIRST = re.compile(r'^const FIRST = "\./([^"]+)";', re.MULTILINE)
_KINDS = {".js": 'rel="modulepreload"', ".css": 'rel="preload" as="style"'}


class Preloads:
    """Read from the page's own sources, which alone say what they import, and which module shows which address."""

    def __init__(self, text: Callable[[str], str]) -> None:
        self._text = text
        main = text("app.js")
        self._shown: list[tuple[str, str]] = _PAGE.findall("".join(_PAGES.findall(main)))
        self._first: str
        (self._first,) = _FIRST.findall(main)

    def module(self, query: Collection[str]) -> str:
        """Which one shows an address with these keys."""
        return next((module for key, module in self._shown if key in query), self._first)

    def links(self, module: str) -> str:
        """The elements that a page which it shows begins with."""
        needed = dict.fromkeys(name for one in (module, "style.css") for name in self._needed(one, set()))
        return "".join(f'<link {_KINDS[Path(name).suffix]} href="/page/{name}">\n' for name in needed)

    def _needed(self, name: str, seen: set[str]) -> Iterator[str]:
        if name in seen:
            return
        seen.add(name)
        yield name
        for relative, absolute in _IMPORT.findall(self._text(name)):
            yield from self._needed(absolute or normpath(join(dirname(name), relative)), seen)
