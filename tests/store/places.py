"""Stores of each kind with their files, for tests of house-keeping: what lies there, and what is reachable."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from databases import opened, point
from sqlalchemy import func, select

from autotrack.client import Client
from autotrack.entities import ViewType
from autotrack.event import Ended, Event, ModelLogged, Params, RunCreated, Tags
from autotrack.journal.format import new_run_id
from autotrack.store import Questions, Search, Store, tables
from autotrack.store.database import DatabaseStore
from autotrack.store.database.tables import own
from autotrack.store.garbage import Collected, Policy, database, directory
from autotrack.wire.objects import Objects, open_objects

OF_RUNS = ("runs", "params", "tags", "metrics", "inputs", "models", "model_params", "model_tags", "model_metrics",
           "model_links", "intake", "positions", "tail", "chunks", "disposals")  # fmt: skip


class Place:
    """A store that programs write to, and its files."""

    def __init__(self, store: Questions, objects: Objects | None) -> None:
        self.store, self.objects = store, objects
        self.client = Client.on(store)

    def run(
        self, name: str = "a run", *, experiment: str = "0", loss: float = 0.5, text: str = "a file",
        ended: bool = True, tags: dict[str, str] | None = None, status: str = "FINISHED", start: int = 1000,
    ) -> str:  # fmt: skip
        """A run with a parameter, a curve, a tag, a file, and a model with files of its own."""
        run_id = new_run_id()
        model = f"m-{run_id[:31]}"
        first: list[Event] = [
            RunCreated(experiment, "e", name, user="ada"),
            Params({"lr": "0.1"}),
            Tags({"team": "red", **(tags or {})}),
            ModelLogged(model, "net", "model", ("torch",), "", 100, "d"),
        ]
        self.store.editor.create(run_id, [(start, event) for event in first])
        points = [point("loss", loss + step, step, start + step) for step in range(3)]
        score = (("score", model, None, None), *point("score", 1.0)[1:])
        self.file(run_id, "artifacts/notes/a.txt", text)
        self.file(run_id, "artifacts/model/weights.bin", "w" * 100)
        self.store.editor.batch(run_id, [(start + 10, Ended(status))] if ended else [], [*points, score])
        return run_id

    def file(self, run_id: str, path: str, text: str) -> None:
        """A file of a run, written as a program or a server does."""
        if self.objects is not None:
            asyncio.run(self.objects.put(f"0/{run_id}/{path}", text.encode()))
            return
        place = self._directory / "runs" / run_id / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def collect(self, policy: Policy | None = None, *, dry: bool = False) -> Collected:
        """One collection."""
        if isinstance(self.store, DatabaseStore):
            assert self.objects is not None
            return database.collect(self.store, self.objects, policy or Policy(), dry=dry)
        assert isinstance(self.store, Store)
        return directory.collect(self.store, policy or Policy(), dry=dry)

    def runs(self) -> set[str]:
        """All runs that are known, deleted or not."""
        return {row.info.run_id for row in self.store.rows(Search(view=ViewType.ALL))[0]}

    def files(self) -> set[str]:
        """All files of runs, and what a collection leaves lying about."""
        if self.objects is not None:
            return asyncio.run(_below(self.objects, ""))
        roots = [self._directory / name for name in ("runs", "removed", "content")]
        return {str(file.relative_to(self._directory)) for root in roots for file in root.rglob("*") if file.is_file()}

    def whole(self, run_id: str) -> bool:
        """Whether a run has everything that :meth:`run` wrote."""
        found = self.client.get_run(run_id)
        names = {name.split(f"{run_id}/", 1)[1] for name in self.files() if run_id in name}
        return (
            found.data.params == {"lr": "0.1"}
            and len(self.store.history(run_id, "loss")) == 3
            and self.store.model(f"m-{run_id[:31]}").source_run_id == run_id
            and {"artifacts/notes/a.txt", "artifacts/model/weights.bin"} <= names
        )

    def owners(self) -> set[str]:
        """The runs that files or rows are of."""
        of_files = {name.removeprefix("runs/").removeprefix("0/").split("/")[0] for name in self.files()}
        return of_files | self.runs()

    def rows(self) -> int:
        """How many rows there are of runs and what belongs to them, in all tables together."""
        known = {**tables.records.tables, **own.tables}
        counts = [
            select(func.count()).select_from(known[name]).scalar_subquery() for name in OF_RUNS if self._has(name)
        ]
        return self.store._ask(lambda connection: sum(connection.execute(select(*counts)).one()))

    def _has(self, name: str) -> bool:
        return self.objects is not None or name in tables.records.tables

    @property
    def _directory(self) -> Path:
        assert self.store.directory is not None
        return self.store.directory


@contextmanager
def place(kind: str, root: Path, url: str = "", files: str = "") -> Iterator[Place]:
    """A place of a kind: "directory", or a database with its files in a directory, or elsewhere."""
    if kind == "directory":
        store = Store(root / "store")
        yield Place(store, None)
        store.close()
        return
    with opened(url or f"sqlite:///{root / 'autotrack.db'}") as served:
        yield Place(served, open_objects(files or root / "files"))


async def _below(objects: Objects, prefix: str) -> set[str]:
    found: set[str] = set()
    for entry in await objects.list(prefix):
        path = f"{prefix}/{entry.name}".lstrip("/")
        found |= await _below(objects, path) if entry.is_dir else {path}
    return found
