"""The table of routes: each line says once what is asked, what answers and with what, for decoding, dispatch and
documentation alike."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from autotrack.server.request import Asked, Quick
from autotrack.wire.values import Kind

F = TypeVar("F", bound=Callable[..., Any])

PREFIXES = ("/api/2.0/", "/api/3.0/", "/ajax-api/2.0/", "/ajax-api/3.0/")
"""Where every route of MLflow's protocol is found. The second pair is the one that pages ask."""


@dataclass(frozen=True, slots=True)
class Route:
    """One way to ask the server something.

    ``path`` begins with a slash where it is the whole path, and lies below each of the prefixes otherwise; ``{name}``
    in it is one part of the path and ``{name:path}`` all the rest. ``asked`` is the request, None for a route that
    reads the body itself. ``answer`` are the fields of the answer. ``handle`` is a coroutine function for a route that
    makes its own response.
    """

    method: str
    path: str
    handle: Callable[..., Any]
    asked: type[Asked] | None = None
    answer: Mapping[str, Kind] = field(default_factory=dict)
    version: str = "2.0"
    quick: Quick[Any] | None = None
    """For what is asked often."""
    reads: bool = False
    """Whether it changes nothing, whatever its method."""

    @property
    def own(self) -> bool:
        """Whether the route reads its request and makes its response itself."""
        return inspect.iscoroutinefunction(self.handle)

    @property
    def full_path(self) -> str:
        """The path as documents have it."""
        return self.path if self.path.startswith("/") else f"/api/{self.version}/{self.path}"

    @property
    def says(self) -> str:
        """What the route does, in a sentence."""
        return inspect.cleandoc(self.handle.__doc__ or "")


class Routes(list[Route]):
    """Some lines of the table. An instance is a decorator of the functions that answer."""

    def __call__(
        self, method: str, path: str, asked: type[Asked] | None = None, *,
        version: str = "2.0", quick: bool = False, reads: bool = False, **answer: Kind,
    ) -> Callable[[F], F]:  # fmt: skip
        """Have a function answer at a path; with ``quick`` its requests are decoded without a detour."""
        decoder = Quick(asked) if quick and asked is not None else None

        def add(handle: F) -> F:
            self.append(Route(method, path, handle, asked, answer, version, decoder, reads or method == "GET"))
            return handle

        return add


class Table:
    """All routes, found by method and path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._exact: dict[str, dict[str, Route]] = {}
        self._patterns: list[tuple[re.Pattern[str], Route]] = []
        for route in self.routes:
            if "{" in route.path:
                self._patterns.append((_pattern(route.path), route))
                continue
            found = self._exact.setdefault(route.path, {})
            assert route.method not in found, f"{route.method} {route.path} is in the table twice"
            found[route.method] = route

    def __iter__(self) -> Iterator[Route]:
        return iter(self.routes)

    def find(self, method: str, path: str) -> tuple[Route | None, dict[str, str], bool]:
        """The route, what its path holds, and whether the path is known for any method."""
        method = "GET" if method == "HEAD" else method
        if path.startswith("//"):  # as those ask who put an address with a slash at its end before a path
            path = f"/{path.lstrip('/')}"
        for prefix in PREFIXES:
            if path.startswith(prefix):
                path = path[len(prefix) :]
                break
        exact = self._exact.get(path)
        if exact is not None:
            return exact.get(method), {}, True
        known = False
        for pattern, route in self._patterns:
            match = pattern.fullmatch(path)
            if match is not None:
                known = True
                if route.method == method:
                    return route, match.groupdict(), True
        return None, {}, known


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)(:path)?\}", path)
    found = re.escape(parts[0])
    for name, rest, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        found += f"(?P<{name}>{'.*' if rest else '[^/]+'})" + re.escape(text)
    return re.compile(found, re.DOTALL)
