"""What every answer is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
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
