"""TensorBoard's event files: scalars of both styles, texts, and hyperparameters.

Each directory with such files is a run, as in TensorBoard. What is not understood, as images and histograms, is in the
files themselves, which go along. A last record that is cut off, as by a program that was killed, is left out.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from autotrack.entities import Experiment
from autotrack.exceptions import AutotrackException
from autotrack.exchange.gathered import Gathered, experiment, run_id
from autotrack.exchange.protobuf import double, fields, first, message, signed, text, varints
from autotrack.exchange.record import Record, copied
from autotrack.files import plain
from autotrack.store.registry.changes import Entry

NAMES = "*tfevents*"
_MOST_RECORD = 1 << 30
_CHECKED = 1 << 16
"""Records up to this size have their content checked too; longer ones hold images and graphs, which are not read."""
_LENGTH = struct.Struct("<QI")
_CHECK = struct.Struct("<I")
_STATES = {1: "FINISHED", 2: "FAILED"}
_FLOAT, _DOUBLE, _HALF, _BFLOAT16 = 1, 2, 19, 14


@dataclass
class Events:
    """Reads the event files below a directory."""

    directory: Path
    experiment: str
    notes: list[str] = field(default_factory=list)

    def experiments(self) -> list[Experiment]:
        """See :class:`~autotrack.exchange.record.Source`."""
        return [experiment(self.experiment)]

    def runs(self) -> list[str]:
        """See :class:`~autotrack.exchange.record.Source`."""
        return sorted(self._places())

    def run(self, run_id: str) -> Record:
        """See :class:`~autotrack.exchange.record.Source`."""
        place = self._places()[run_id]
        name = place.relative_to(self.directory).as_posix()
        made = Gathered(self.experiment, self.directory.name if name == "." else name, run_id)
        texts: dict[str, list[str]] = {}
        plugins: dict[str, str] = {}
        for file in _files(place):
            for event in self._events(file):
                _take(made, event, plugins, texts)
            made.files.append(copied(file, f"tensorboard/{file.name}"))
        for tag, lines in texts.items():
            made.file(f"text/{plain(tag)}.md", "\n".join(lines).encode())
        return made.record()

    def histories(self) -> list[list[Entry]]:
        """See :class:`~autotrack.exchange.record.Source`."""
        return []

    def _places(self) -> dict[str, Path]:
        found = sorted({file.parent for file in self.directory.rglob(NAMES) if file.is_file()})
        return {
            run_id("tensorboard", self.directory.name, place.relative_to(self.directory).as_posix(),
                   *(file.name for file in _files(place)[:1])): place
            for place in found
        }  # fmt: skip

    def _events(self, file: Path) -> Iterator[bytes]:
        for event, whole in records(file):
            if whole:
                yield event
            else:
                note = f"{file}: its last record is cut off; what is before it is there"
                if note not in self.notes:
                    self.notes.append(note)


def _files(place: Path) -> list[Path]:
    return sorted(one for one in place.glob(NAMES) if one.is_file() and not one.is_symlink())


def records(file: Path) -> Iterator[tuple[bytes, bool]]:
    """The records of a file; ``False`` for a last one that is cut off. One that is damaged is an error."""
    with file.open("rb") as opened:
        while True:
            at = opened.tell()
            head = opened.read(_LENGTH.size)
            if not head:
                return
            if len(head) < _LENGTH.size:
                yield b"", False
                return
            size, check = _LENGTH.unpack(head)
            if masked(head[:8]) != check or size > _MOST_RECORD:
                raise AutotrackException.invalid(f"{file} is damaged at byte {at}: no length of a record is there")
            data = opened.read(size)
            tail = opened.read(_CHECK.size)
            if len(data) < size or len(tail) < _CHECK.size:
                yield b"", False
                return
            if size <= _CHECKED and masked(data) != _CHECK.unpack(tail)[0]:
                raise AutotrackException.invalid(
                    f"{file} is damaged at byte {at}: a record has not the check it states"
                )
            yield data, True


def _take(made: Gathered, event: bytes, plugins: dict[str, str], texts: dict[str, list[str]]) -> None:
    try:
        when, step = 0.0, 0
        values: list[bytes] = []
        for number, value in fields(event):
            if number == 1:
                when = double(value)
            elif number == 2:
                step = signed(value)
            elif number == 5:
                values += [message(one) for found, one in fields(message(value)) if found == 1]
    except ValueError as error:
        raise AutotrackException.invalid(f"a record of an event file is no event: {error}") from None
    time_ms = round(when * 1000) if math.isfinite(when) and 0 <= when < 1e15 else 0
    if time_ms:
        made.start = time_ms if made.start is None else min(made.start, time_ms)
    for one in values:
        try:
            _value(made, one, plugins, texts, time_ms, step)
        except ValueError as error:
            raise AutotrackException.invalid(f"a summary of an event file cannot be read: {error}") from None


def _value(
    made: Gathered, one: bytes, plugins: dict[str, str], texts: dict[str, list[str]], when: int, step: int
) -> None:
    tag, simple, tensor, content = "", None, b"", b""
    for number, value in fields(one):
        if number == 1:
            tag = text(value)
        elif number == 2:
            simple = double(value)
        elif number == 8:
            tensor = message(value)
        elif number == 9 and (plugin := message(first(message(value), 1))):
            plugins.setdefault(tag, text(first(plugin, 1)))
            content = message(first(plugin, 2))
    kind = plugins.get(tag, "")
    if simple is not None:
        made.point(tag, simple, when, step)
    elif kind == "scalars" and (found := scalar(tensor)) is not None:
        made.point(tag, found, when, step)
    elif kind == "text":
        lines = [text(value) for number, value in fields(tensor) if number == 8]
        texts.setdefault(tag.removesuffix("/text_summary"), []).append(f"## step {step}\n\n" + "\n".join(lines) + "\n")
    elif kind == "hparams" and content:
        _hyperparameters(made, content)


def scalar(tensor: bytes) -> float | None:
    """The number of a tensor of one; ``None`` for another one."""
    kind, content, numbers = 0, b"", list[float]()
    for number, value in fields(tensor):
        if number == 1:
            kind = int(value) if isinstance(value, int) else 0
        elif number == 4:
            content = message(value)
        elif number in (5, 6) and isinstance(value, bytes):
            numbers += struct.unpack(f"<{len(value) // (4 if number == 5 else 8)}{'f' if number == 5 else 'd'}", value)
        elif number in (7, 10):
            numbers += [float(signed(one)) for one in varints(value)]
        elif number == 13 and kind in (_HALF, _BFLOAT16):
            numbers += [_half(one, kind) for one in varints(value)]
    sizes = {_FLOAT: "<f", _DOUBLE: "<d", _HALF: "<e", 3: "<i", 9: "<q"}
    if content and kind in sizes and len(content) == struct.calcsize(sizes[kind]):
        numbers = [float(struct.unpack(sizes[kind], content)[0])]
    return numbers[0] if len(numbers) == 1 else None


def _half(bits: int, kind: int) -> float:
    found: float
    if kind == _HALF:
        (found,) = struct.unpack("<e", struct.pack("<H", bits & 0xFFFF))
    else:
        (found,) = struct.unpack("<f", struct.pack("<I", (bits & 0xFFFF) << 16))
    return found


def _hyperparameters(made: Gathered, content: bytes) -> None:
    for number, value in fields(content):
        if number == 3:  # a session starts
            for found, part in fields(message(value)):
                if found == 1:
                    pair = message(part)
                    made.params[text(first(pair, 1))] = _plain(message(first(pair, 2)))
                elif found == 4 and text(part):
                    made.tags["tensorboard.group"] = text(part)
        elif number == 4:  # and ends
            status = signed(first(message(value), 1))
            made.status = _STATES.get(status, made.status)
            ended = double(first(message(value), 2))
            made.end = round(ended * 1000) if 0 < ended < 1e12 else made.end


def _plain(value: bytes) -> str:
    for number, found in fields(value):
        match number:
            case 2:
                near = double(found)
                return str(int(near)) if near.is_integer() and abs(near) < 2**53 else repr(near)
            case 3:
                return text(found)
            case 4:
                return str(bool(found))
    return ""


def masked(data: bytes | bytearray) -> int:
    """The check of a stretch of bytes: CRC-32C (Castagnoli), turned by 15 bits, plus a constant."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _row(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ 0x82F63B78 if byte & 1 else byte >> 1
    return byte


_TABLE: tuple[int, ...] = tuple(map(_row, range(256)))
