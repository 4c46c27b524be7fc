"""What a page would ask for one after another is said at its beginning: a module is asked for before the one that
imports it has arrived."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from functools import cache
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
        self._links = cache(self._links_of)

    def links(self, query: Collection[str]) -> str:
        """The elements that a page with these keys in its address begins with."""
        pages = _PAGES.search(main := self._text("app.js"))
        first = _FIRST.search(main)
        if pages is None or first is None:
            return ""
        shown = [module for key, module in _PAGE.findall(pages[1]) if key in query]
        return self._links([*shown, first[1]][0])

    def _links_of(self, module: str) -> str:
        needed = dict.fromkeys(name for one in (module, "style.css") for name in self._needed(one, set()))
        return "".join(f'<link {_KINDS[Path(name).suffix]} href="/page/{name}">\n' for name in needed)

    def _needed(self, name: str, seen: set[str]) -> Iterator[str]:
        if name in seen:
            return
        seen.add(name)
        yield name
        for relative, absolute in _IMPORT.findall(self._text(name)):
            yield from self._needed(absolute or normpath(join(dirname(name), relative)), seen)
