"""The pages: their files as they are, and those of the libraries that draw for them, out of installed wheels."""

from __future__ import annotations

import gzip
import hashlib
import sys
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from autotrack.exceptions import AutotrackException
from autotrack.server.preloads import Preloads
from autotrack.server.route import Routes
from autotrack.server.service import Service

ROUTES = Routes()
PAGES = Path(__file__).parent.parent / "page"
_TYPES = {
    ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
}  # fmt: skip
_LIBRARIES = {"uPlot.iife.js": "uplot", "uPlot.min.css": "uplot"}
"""Files of others, by the package whose ``static`` directory holds them; such a package is never imported."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "media-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


class _File(NamedTuple):
    content: bytes
    packed: bytes
    type: str
    tag: str


@ROUTES("GET", "/")
async def index(service: Service, request: Request) -> Response:  # noqa: ARG001 - as its siblings
    """The page; what it shows is in its address."""
    return _answer(request, await run_in_threadpool(_index, request.query_params.keys()))


@ROUTES("GET", "/page/{name:path}")
async def part(service: Service, request: Request, name: str) -> Response:  # noqa: ARG001 - as its siblings
    """A module or style sheet of the page."""
    return await _sent(request, name)


async def _sent(request: Request, name: str) -> Response:
    found = await run_in_threadpool(_file, name)
    if found is None:
        raise AutotrackException.missing(f"the page has no file {name[:100]!r}")
    return _answer(request, found)


def _answer(request: Request, found: _File) -> Response:
    packs = "gzip" in request.headers.get("accept-encoding", "")
    tag = f'"{found.tag}{"-gzip" if packs else ""}"'
    headers = {"Content-Security-Policy": POLICY, "ETag": tag, "Cache-Control": "no-cache",
               "Referrer-Policy": "same-origin", "Vary": "Accept-Encoding"}  # fmt: skip
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    if packs:
        headers["Content-Encoding"] = "gzip"
    return Response(found.packed if packs else found.content, headers=headers, media_type=found.type)


@cache
def _names() -> frozenset[str]:
    own = (file.relative_to(PAGES).as_posix() for file in PAGES.rglob("*") if file.suffix in _TYPES)
    return frozenset(own) | frozenset(_LIBRARIES)


def _file(name: str) -> _File | None:
    # A name out of a list, never a path that was asked for.
    return _read(name) if name in _names() else None


@cache
def _read(name: str) -> _File | None:
    package = _LIBRARIES.get(name)
    places = [PAGES] if package is None else [Path(entry) / package / "static" for entry in sys.path]
    found = next((place / name for place in places if (place / name).is_file()), None)
    if found is None:
        return None
    return _made(found.read_bytes(), Path(name).suffix)


def _made(content: bytes, kind: str) -> _File:
    tag = hashlib.sha256(content).hexdigest()[:32]
    return _File(content, gzip.compress(content, mtime=0), _TYPES[kind], tag)


def _index(query: Collection[str]) -> _File:
    return _beginning(_preloads().module(query))


@cache
def _beginning(module: str) -> _File:
    return _made(_text("index.html").replace("</head>", f"{_preloads().links(module)}</head>").encode(), ".html")


@cache
def _preloads() -> Preloads:
    return Preloads(_text)


def _text(name: str) -> str:
    found = _read(name)
    assert found is not None
    return found.content.decode()
