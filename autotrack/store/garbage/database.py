"""Taking runs out of a database, and their files out of where those lie.

The rows go in one transaction, which notes the places of the files; these are removed after it, and then the note. What
is killed in between leaves notes that the next collection works off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, delete, func, select

from autotrack.exceptions import AutotrackException
from autotrack.store import tables
from autotrack.store.context import ARTIFACTS
from autotrack.store.database import DatabaseStore
from autotrack.store.database.tables import chunks, disposals, intake, registry_head, tail
from autotrack.store.dialect import batches, upsert
from autotrack.store.garbage.choice import Candidate, choose
from autotrack.store.garbage.collected import Collected
from autotrack.store.garbage.policy import Policy
from autotrack.wire.objects import Objects, open_objects

PROXIED = "mlflow-artifacts:/"
_AT_ONCE = 50
"""Runs of one transaction: short enough that those who write are not kept waiting."""


def collect(store: DatabaseStore, objects: Objects, policy: Policy, *, dry: bool = False) -> Collected:
    """Remove the runs that a policy names, with their points, models and files; with ``dry`` only say what that would
    be. ``objects`` is where the server keeps files. Servers may work on the database meanwhile."""
    left = {} if dry else finish(store, objects)
    choice = store.choice(policy)
    sizes = {one: _rows(store, one) + _files(objects, one) for one in choice.removed}
    if not dry:
        gone: set[str] = set()
        for some in batches(choice.removed, _AT_ONCE):
            gone.update(store.database.write(_removal(store, policy, some)))
        sizes = {one: size for one, size in sizes.items() if one.run_id in gone}
        left |= finish(store, objects)
    return Collected(sizes, choice.kept, sum(sizes.values()), left)


def finish(store: DatabaseStore, objects: Objects) -> dict[str, str]:
    """Remove the files whose rows are gone; gives the places where that failed, with the reason."""
    left: dict[str, str] = {}
    for uri in store.database.read(lambda connection: list(connection.scalars(select(disposals.c.uri)))):
        try:
            place, prefix = _place(uri, objects)
            asyncio.run(place.delete(prefix))
        except (AutotrackException, OSError) as error:
            left[uri] = str(error)
            continue
        done = delete(disposals).where(disposals.c.uri == uri)
        store.database.write(lambda connection, done=done: connection.execute(done))  # type: ignore[misc]  # its own statement
    return left


def _removal(store: DatabaseStore, policy: Policy, some: Sequence[Candidate]) -> Callable[[Connection], list[str]]:
    def remove(connection: Connection) -> list[str]:
        numbers = [one.number for one in some]
        # Who writes to these runs, or registers a model, waits, and then finds what is left.
        connection.execute(select(registry_head.c.id).with_for_update())
        connection.execute(
            select(intake.c.run).where(intake.c.run.in_(numbers)).order_by(intake.c.run).with_for_update()
        )
        still = {one.run_id: one for one in choose(connection, store.context, policy).removed if one.number in numbers}
        going = [one.number for one in still.values()]
        models = [model for one in still.values() for model in one.models]
        for ids in batches(models):
            # Other runs may have measured these models; such rows have no owner that takes them along.
            connection.execute(delete(tables.model_metrics).where(tables.model_metrics.c.model_id.in_(ids)))
        connection.execute(delete(tables.runs).where(tables.runs.c.id.in_(going)))
        upsert(connection, disposals, [{"uri": _root(one)} for one in still.values()], keep=True)
        return list(still)

    return remove


def _root(one: Candidate) -> str:
    """The directory of all files of a run, its models' among them."""
    return one.uri.removesuffix(ARTIFACTS)


def _place(uri: str, objects: Objects) -> tuple[Objects, str]:
    """Where a run's files lie, and their path there."""
    if uri.startswith(PROXIED):
        path = uri.removeprefix(PROXIED).lstrip("/")
        return objects, path.partition("/")[2] if uri.startswith(f"{PROXIED}/") else path
    above, _, name = uri.rpartition("/")
    return open_objects(above), name


def _rows(store: DatabaseStore, one: Candidate) -> int:
    """What the points of a run take."""

    def ask(connection: Connection) -> int:
        own = chunks.c
        data = func.sum(func.length(own.data) + func.coalesce(func.length(own.sketch), 0))
        folded = connection.scalar(select(data).where(own.run == one.number)) or 0
        return int(folded) + int(
            connection.scalar(select(func.sum(func.length(tail.c.data))).where(tail.c.run == one.number)) or 0
        )

    return store.database.read(ask)


def _files(objects: Objects, one: Candidate) -> int:
    """What the files of a run take; 0 where nobody can look."""

    async def size(place: Objects, prefix: str) -> int:
        found = await place.list(prefix)
        below = [await size(place, f"{prefix}/{entry.name}") for entry in found if entry.is_dir]
        return sum(below) + sum(entry.size or 0 for entry in found)

    try:
        place, prefix = _place(_root(one), objects)
        return asyncio.run(size(place, prefix))
    except (AutotrackException, OSError):
        return 0
