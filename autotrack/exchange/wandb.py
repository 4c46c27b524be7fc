"""The files that Weights & Biases writes offline: ``offline-run-*/run-*.wandb``, a log of protobuf records.

The log is LevelDB's: blocks of 32 KiB of records, each with a check. What cannot be understood is left out; the files
that the run kept go along.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autotrack.entities import Experiment
from autotrack.exceptions import AutotrackException
from autotrack.exchange.gathered import Gathered, experiment, flat, run_id
from autotrack.exchange.protobuf import Value, double, fields, first, message, signed, text
from autotrack.exchange.record import Record, copied
from autotrack.files import below
from autotrack.store.registry.changes import Entry

_MAGIC = b":W&B"
_HEADER = 7
"""Bytes before the first record of the file, and before each record."""
_BLOCK = 32 * 1024
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_MOST_RECORD = 1 << 30
_SPELT = ("NaN", "Infinity", "-Infinity")


@dataclass
class Offline:
    """Reads the runs below a directory, or one file."""

    place: Path
    experiment: str = ""
    notes: list[str] = field(default_factory=list)
    _known: dict[str, list[Path]] = field(default_factory=dict)

    def experiments(self) -> list[Experiment]:
        """See :class:`~autotrack.exchange.record.Source`."""
        names = {self._project(files[0]) for files in self._runs().values()}
        return [experiment(name) for name in sorted(names)]

    def runs(self) -> list[str]:
        """See :class:`~autotrack.exchange.record.Source`."""
        return sorted(self._runs())

    def run(self, run_id: str) -> Record:
        """See :class:`~autotrack.exchange.record.Source`."""
        files = self._runs()[run_id]
        told = _Told(Gathered(self._project(files[0]), "", run_id))
        for file in files:
            for data in self._records(file):
                told.take(data)
            kept = file.parent / "files"
            if kept.is_dir():
                links = {path for one, path in below(kept) if one.is_symlink()}
                self.notes += [f"{kept / path} is a link and is left out" for path in sorted(links)]
                told.made.files += [copied(one, f"files/{path}") for one, path in below(kept) if path not in links]
        return told.record()

    def histories(self) -> list[list[Entry]]:
        """See :class:`~autotrack.exchange.record.Source`."""
        return []

    def _runs(self) -> dict[str, list[Path]]:
        """The files of each run: a run that was resumed has several."""
        if not self._known:
            found = [self.place] if self.place.is_file() else sorted(self.place.rglob("run-*.wandb"))
            for file in found:
                run = self._first(file)
                known = (text(first(run, 2)), text(first(run, 3)), text(first(run, 1)) or file.stem)
                self._known.setdefault(run_id("wandb", *known), []).append(file)
        return self._known

    def _project(self, file: Path) -> str:
        return self.experiment or text(first(self._first(file), 3)) or "uncategorized"

    def _first(self, file: Path) -> bytes:
        """The record that says which run it is."""
        for data in self._records(file):
            for number, value in _parsed(data, file):
                if number == 17:
                    return message(value)
        raise AutotrackException.invalid(f"{file} does not say which run it is of")

    def _records(self, file: Path) -> Iterator[bytes]:
        for data, whole in records(file):
            if whole:
                yield data
            elif (note := f"{file}: its last record is cut off; what is before it is there") not in self.notes:
                self.notes.append(note)


def records(file: Path) -> Iterator[tuple[bytes, bool]]:
    """The records of a log; ``False`` for a last one that is cut off. One that is damaged is an error."""
    with file.open("rb") as opened:
        if opened.read(_HEADER)[:4] != _MAGIC:
            raise AutotrackException.invalid(f"{file} is no log of W&B's")
        parts: list[bytes] = []
        at = _HEADER
        while True:
            left = _BLOCK - at % _BLOCK
            if left < _HEADER:
                opened.read(left)
                at += left
                continue
            head = opened.read(_HEADER)
            if not head.strip(b"\0"):
                if parts:
                    yield b"", False
                return
            size, kind = int.from_bytes(head[4:6], "little"), head[6] if len(head) == _HEADER else 0
            data = opened.read(size)
            if len(head) < _HEADER or len(data) < size:
                yield b"", False
                return
            if size > left - _HEADER or not _FULL <= kind <= _LAST or _check(kind, data) != head[:4]:
                raise AutotrackException.invalid(f"{file} is damaged at byte {at}")
            at += _HEADER + size
            if (kind in (_FULL, _FIRST)) == bool(parts) or sum(map(len, parts)) > _MOST_RECORD:
                raise AutotrackException.invalid(f"{file} is damaged at byte {at}: a part of a record is missing")
            parts.append(data)
            if kind in (_FULL, _LAST):
                yield b"".join(parts), True
                parts.clear()


def _check(kind: int, data: bytes) -> bytes:
    # The format's own is CRC-32C; W&B writes the CRC of zlib.
    return zlib.crc32(data, zlib.crc32(bytes([kind]))).to_bytes(4, "little")


def _parsed(data: bytes, file: object) -> list[tuple[int, Value]]:
    try:
        return list(fields(data))
    except ValueError as error:
        raise AutotrackException.invalid(f"a record of {file} cannot be read: {error}") from None


@dataclass(slots=True)
class _Told:
    """What the records of a run have told so far."""

    made: Gathered
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    rest: list[str] = field(default_factory=list)
    """Lines of JSON: what was logged besides numbers."""
    output: list[str] = field(default_factory=list)
    last: int = 0
    stats: int = 0

    def take(self, data: bytes) -> None:
        try:
            for number, value in fields(data):
                if (take := _TAKE.get(number)) is not None:
                    take(self, message(value))
        except ValueError as error:
            raise AutotrackException.invalid(f"a record of a log of W&B's cannot be read: {error}") from None

    def record(self) -> Record:
        """The run, once all has been taken."""
        made = self.made
        self.config.pop("_wandb", None)
        made.params |= flat(self.config)
        for key, value in sorted(self.summary.items()):
            if key.startswith("_") or key in made.curves:
                continue
            if _is_number(value):
                made.point(key, float(value), self.last or made.start or 0, 0)
            elif isinstance(value, str):
                made.tags[f"wandb.summary.{key}"] = value
        if self.rest:
            made.file("wandb/history.jsonl", "".join(self.rest).encode())
        if self.output:
            made.file("wandb/output.log", "".join(self.output).encode())
        return made.record()

    def run(self, data: bytes) -> None:
        made = self.made
        names = {
            1: "wandb.run_id", 2: "wandb.entity", 6: "wandb.group", 7: "wandb.job_type", 9: "mlflow.note.content",
            12: "wandb.sweep_id",
        }  # fmt: skip
        labels = []
        for number, value in fields(data):
            if number in names and text(value):
                made.tags[names[number]] = text(value)
            elif number == 8:
                made.name = text(value)
            elif number == 10:
                labels.append(text(value))
            elif number == 4:
                self.configured(message(value))
            elif number == 17 and made.start is None:
                made.start = _milliseconds(message(value))
        if labels:
            made.tags["wandb.tags"] = ", ".join(labels)

    def configured(self, data: bytes) -> None:
        _update(self.config, data)

    def summed(self, data: bytes) -> None:
        _update(self.summary, data)

    def history(self, data: bytes) -> None:
        items: dict[str, Any] = {}
        step = 0
        for number, value in fields(data):
            if number == 1:
                keys, found = _item(message(value))
                items[".".join(keys)] = found
            elif number == 2:
                step = signed(first(message(value), 1))
        if isinstance(items.get("_step"), int):
            step = items["_step"]
        when = items.get("_timestamp")
        if when is not None and _is_number(when) and 0 <= when < 1e12:
            self.last = round(when * 1000)
        others = {}
        for key, value in items.items():
            if key.startswith("_"):
                continue
            found = list(_numbers(key, value))
            for name, point in found:
                self.made.point(name, point, self.last, step)
            if not found:
                others[key] = value
        if others:
            self.rest.append(json.dumps({"step": step, "timestamp": self.last, **others}) + "\n")

    def stat(self, data: bytes) -> None:
        when = 0
        for number, value in fields(data):
            if number == 2:
                when = _milliseconds(message(value))
            elif number == 3:
                keys, found = _item(message(value))
                if _is_number(found):
                    self.made.point(f"system/{'.'.join(keys)}", float(found), when, self.stats)
        self.stats += 1

    def environment(self, data: bytes) -> None:
        for number, value in fields(data):
            if number == 13:
                self.made.user = text(value)
            elif number in (1, 2, 6, 12) and text(value):
                name = {1: "os", 2: "python", 6: "program", 12: "host"}[number]
                self.made.tags[f"wandb.{name}"] = text(value)

    def printed(self, data: bytes) -> None:
        self.output.append(text(first(data, 3)))

    def ended(self, data: bytes) -> None:
        code = signed(first(data, 1))
        self.made.status = "FAILED" if code else "FINISHED"
        self.made.tags["autotrack.exit_code"] = str(code)
        seconds = signed(first(data, 2))
        if self.made.start is not None and 0 <= seconds < 1e9:
            self.made.end = max(self.made.start + 1000 * seconds, self.last)


_TAKE: dict[int, Callable[[_Told, bytes], None]] = {
    2: _Told.history, 3: _Told.summed, 5: _Told.configured, 7: _Told.stat, 13: _Told.printed, 17: _Told.run,
    18: _Told.ended, 26: _Told.environment,
}  # fmt: skip


def _update(values: dict[str, Any], data: bytes) -> None:
    for number, value in fields(data):
        keys, found = _item(message(value))
        if not keys:
            continue
        place = values
        for key in keys[:-1]:
            inner = place.setdefault(key, {})
            if not isinstance(inner, dict):
                inner = place[key] = {}
            place = inner
        if number == 1:
            place[keys[-1]] = found
        elif number == 2:
            place.pop(keys[-1], None)


def _item(data: bytes) -> tuple[list[str], Any]:
    """Key, in its parts, and value of an item: JSON, or one of the plain kinds."""
    keys: list[str] = []
    found: Any = None
    for number, value in fields(data):
        match number:
            case 1 | 2 if text(value):
                keys = [text(value)] if number == 1 else [*keys, text(value)]
            case 4:
                found = bool(value)
            case 5:
                found = signed(value)
            case 6:
                found = double(value)
            case 7:
                found = text(value)
            case 8 | 16:
                found = _json(text(value))
    return keys, found


def _json(told: str) -> Any:
    try:
        return json.loads(told)
    except (ValueError, RecursionError):
        return told


def _numbers(key: str, value: Any) -> Iterator[tuple[str, float]]:
    if _is_number(value) or value in _SPELT:
        yield key, float(value)
    elif isinstance(value, dict) and "_type" not in value:
        for name, inner in value.items():
            yield from _numbers(f"{key}.{name}", inner)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not (isinstance(value, int) and abs(value) > 10**300)


def _milliseconds(data: bytes) -> int:
    seconds, nanoseconds = signed(first(data, 1)), signed(first(data, 2))
    return min(max(seconds * 1000 + nanoseconds // 1_000_000, 0), 2**53)
