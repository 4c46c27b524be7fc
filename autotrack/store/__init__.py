"""The store: tables, what fills them, and the questions that they answer."""

from autotrack.store.questions import Fault, Questions
from autotrack.store.rows import Row
from autotrack.store.runs import Search
from autotrack.store.store import Store, open_store

__all__ = ["Fault", "Questions", "Row", "Search", "Store", "open_store"]
