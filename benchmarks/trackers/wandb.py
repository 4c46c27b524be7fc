"""W&B, offline."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from benchmarks.tracker import LogMany, LogOne, Tracker

BLOCK, HEADER = 32768, 7
FULL, LAST = 1, 4


class Wandb(Tracker):
    distribution = "wandb"
    module = "wandb"
    environment: ClassVar[Mapping[str, str]] = {
        "WANDB_MODE": "offline",
        "WANDB_ERROR_REPORTING": "false",
        "WANDB_SILENT": "true",
    }
    persistence = "on its way to the `wandb-core` process"

    def open(self) -> str:
        self.run = self.api.init(project="benchmarks")
        return str(self.run.id)

    def close(self) -> None:
        self.run.finish()

    def logger(self) -> LogOne:
        log = self.run.log
        return lambda key, value, step: log({key: value}, step=step)

    def batch_logger(self) -> LogMany:
        log = self.run.log
        return lambda values, step: log(dict(values), step=step)

    def points(self, run: str, key: str) -> int:
        record = import_module("wandb.proto.wandb_internal_pb2").Record
        (path,) = Path("wandb").glob(f"offline-run-*-{run}/run-{run}.wandb")
        records = (record.FromString(entry) for entry in _entries(path.read_bytes()))
        names = ({name for item in each.history.item for name in (item.key, *item.nested_key)} for each in records)
        return sum(key in each for each in names)

    def xgboost_callbacks(self) -> list[Any] | None:
        return [import_module("wandb.integration.xgboost").WandbCallback()]


def _entries(data: bytes) -> Iterator[bytes]:
    """The records of an offline run: a file header, then entries in pieces that never straddle a block."""
    position, entry = HEADER, b""
    while position + HEADER <= len(data):
        left = BLOCK - position % BLOCK
        if left < HEADER:
            position += left
            continue
        _, length, kind = struct.unpack_from("<IHB", data, position)
        position += HEADER
        entry += data[position : position + length]
        position += length
        if kind in (FULL, LAST):
            yield entry
            entry = b""


TRACKER = Wandb
