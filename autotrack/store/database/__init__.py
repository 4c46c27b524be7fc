"""A store whose truth is a database: SQLite for one server, PostgreSQL for several."""

from autotrack.store.database.store import DatabaseStore, open_database

__all__ = ["DatabaseStore", "open_database"]
