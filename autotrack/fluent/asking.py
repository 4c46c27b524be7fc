"""How the fluent functions ask the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autotrack.client import Client


def client() -> Client:
    """A client of the place where runs are recorded."""
    from autotrack.client import Client  # heavy: SQLAlchemy, for those who ask the store

    return Client()


def all_pages(page: Callable[[str | None], Any], limit: int | None) -> list[Any]:
    """What all pages of a question hold together, up to a limit."""
    found: list[Any] = []
    token: str | None = None
    while limit is None or len(found) < limit:
        part = page(token)
        found += part
        token = part.token
        if not token:
            break
    return found if limit is None else found[:limit]
