"""trackio on its local SQLite files."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import ClassVar

from benchmarks.tracker import LogMany, LogOne, Tracker

PROJECT = "benchmarks"


class Trackio(Tracker):
    distribution = "trackio"
    module = "trackio"
    environment: ClassVar[Mapping[str, str]] = {
        "TRACKIO_DIR": "trackio",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    persistence = "in a queue of the process, which a thread writes to SQLite twice a second,"

    def open(self) -> str:
        self.run = self.api.init(project=PROJECT)
        return str(self.run.id)

    def close(self) -> None:
        self.api.finish()

    def logger(self) -> LogOne:
        log = self.run.log  # `trackio.log` finds the run in the opening thread alone
        return lambda key, value, step: log({key: value}, step=step)

    def batch_logger(self) -> LogMany:
        log = self.run.log
        return lambda values, step: log(dict(values), step=step)

    def points(self, run: str, key: str) -> int:
        storage = import_module("trackio.sqlite_storage").SQLiteStorage
        name = next(record["name"] for record in storage.get_run_records(PROJECT) if record["id"] == run)
        return sum(key in entry for entry in storage.get_logs(PROJECT, name, run_id=run))


TRACKER = Trackio
