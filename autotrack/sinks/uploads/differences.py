"""What a server could not take of a run as it was recorded, for a file beside the run's others there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autotrack.event import DatasetUsed, Params, Tags
from autotrack.journal.tail import Tail
from autotrack.sinks.uploads.names import LONG_TAG_CHARACTERS, PARAM_CHARACTERS
from autotrack.sinks.uploads.outbox import Receipt
from autotrack.wire.values import spelled

DIFFERENCES = "autotrack/differences.json"
"""The path of that file."""
MOST_POINTS = 10_000
_BLOCK = 50_000


def differences(directory: Path, run_id: str, receipt: Receipt) -> dict[str, Any] | None:
    """The content of that file, out of the run's journal; ``None`` if the server took everything."""
    names = {kind: found for kind, found in receipt.names.items() if found}
    if not (names or receipt.differs or receipt.refused):
        return None
    tail = Tail(directory)
    files = tail.look({})
    long: dict[str, dict[str, str]] = {"params": {}, "tags": {}}
    inputs: list[dict[str, str]] = []
    for place in tail.events():
        event = place.line.event
        if isinstance(event, Params):
            _long(long["params"], event.values, PARAM_CHARACTERS)
        elif isinstance(event, Tags):
            _long(long["tags"], event.values, LONG_TAG_CHARACTERS)
        elif isinstance(event, DatasetUsed) and receipt.inputs.get(f"{event.digest} {event.name}") != event.context:
            inputs.append({"name": event.name, "digest": event.digest, "context": event.context})
    points: list[list[Any]] = []
    for block in tail.points(files, {}, _BLOCK) if files and receipt.differs else ():
        columns = block.columns
        for row, (key_id, step, value) in enumerate(zip(columns.ids, columns.steps, columns.values, strict=True)):
            text = tail.text(block, row)
            series = tail.series.get((block.writer, key_id))
            odd = type(step) is not int or text is not None or (value - value != 0 and value == value)
            if series is not None and odd and len(points) < MOST_POINTS:
                points.append([series.key, spelled(step), columns.times[row], text or spelled(value)])
    return {
        "what": "The server could not take all of the run as it was recorded. This is what it was.",
        "run_id": run_id,
        "renamed": names,
        "differs": receipt.differs,
        "refused": receipt.refused,
        "texts": {kind: found for kind, found in long.items() if found},
        "inputs": inputs,
        "points": {"columns": ["key", "step", "time", "value"], "rows": points},
    }


def _long(found: dict[str, str], values: Any, most: int) -> None:
    found |= {str(key): value for key, value in values.items() if isinstance(value, str) and len(value) > most}
