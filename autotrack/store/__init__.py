"""The store: tables, what fills them, and the questions that they answer."""

from autotrack.store.runs import Row, Search
from autotrack.store.store import Fault, Store, open_store

__all__ = ["Fault", "Row", "Search", "Store", "open_store"]
