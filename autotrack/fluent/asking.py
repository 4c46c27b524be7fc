"""How the fluent functions ask the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autotrack.client import Client


def client() -> Client:
    """A client of the place where runs are recorded."""
    from autotrack.client import Client  # heavy: SQLAlchemy, for those who ask the store

    return Client()
