"""The steps from one version of a server's database to the next, by Alembic.

Each file in ``versions`` is a step. A change of a table in ``autotrack.store.tables`` or
``autotrack.store.database.tables`` comes with a new one; the test that compares the two prints what it must say.
"""
