"""What every answer is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, fields
from itertools import islice
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Entity:
    """What every answer can do: ``dict(run.info)`` gives its fields by name, ``to_dictionary()`` all that is in them
    too."""

    __slots__ = ()

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        for one in fields(self):  # type: ignore[arg-type]  # each of them is a dataclass
            yield one.name, getattr(self, one.name)

    def to_dictionary(self) -> dict[str, Any]:
        """Everything, as nested dictionaries of plain values."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]  # as above


class PagedList(list[T], Generic[T]):
    """One page of an answer; ``token`` asks for the next one and is ``None`` on the last."""

    def __init__(self, items: Iterable[T] = (), token: str | None = None) -> None:
        super().__init__(items)
        self.token = token

    def to_list(self) -> list[T]:
        """The page as a plain list."""
        return list(self)


def every(page: Callable[[str | None], PagedList[T]], limit: int | None = None) -> Iterator[T]:
    """What all pages of an answer hold together, at most ``limit`` of it. ``page`` gives the page of a token, ``None``
    for the first; one that nobody reads as far as is not asked for."""
    return islice(_entries(page), None if limit is None else max(limit, 0))


def _entries(page: Callable[[str | None], PagedList[T]]) -> Iterator[T]:
    token: str | None = None
    while True:
        part = page(token)
        yield from part
        token = part.token
        if not token:
            return
