"""Runs in JSON, as the messages write them, without an entity for each value: a page has thousands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from autotrack.journal.format import FLOAT_STEP
from autotrack.store.made import Made
from autotrack.store.rows import Listed, Point, metric
from autotrack.wire.messages import METRIC, RUN_INFO, RUN_INPUTS, RUN_OUTPUTS, STATUS_TAG

Document = dict[str, Any]


def document(run: Listed) -> Document:
    """The document of a run, as :data:`~autotrack.wire.messages.RUN` writes it."""
    info = RUN_INFO.write(run.info)
    data: Document = {}
    if run.points:
        data["metrics"] = points(run.points)
    if run.params:
        data["params"] = msgspec.Raw(run.params.encode())
    if run.info.status != info["status"]:
        marked = [*msgspec.json.decode(run.tags or "[]"), {"key": STATUS_TAG, "value": run.info.status}]
        data["tags"] = marked
    elif run.tags:
        data["tags"] = msgspec.Raw(run.tags.encode())
    if run.links is None:
        return {"info": info, "data": data, "inputs": {}, "outputs": {}}
    read, made = run.links
    return {"info": info, "data": data, "inputs": RUN_INPUTS.write(read), "outputs": RUN_OUTPUTS.write(made)}


_MOST_BYTES = 64 * 1024 * 1024
"""What the documents may take that one process keeps."""


def kept_documents() -> Made[msgspec.Raw]:
    """The documents of runs as JSON, which a page of them puts together; of runs that do not change they are kept."""
    return Made(lambda run: msgspec.Raw(msgspec.json.encode(document(run))), len, _MOST_BYTES)


def points(stored: Iterable[Point]) -> list[Document]:
    """The documents of stored points."""
    found: list[Document] = []
    for point in stored:
        key, exact, value, time, step, flags, model, name, _ = point
        if (
            exact is None and model is None and name is None and not flags & FLOAT_STEP
            and value is not None and value - value == 0
        ):  # fmt: skip
            found.append({"key": key, "value": value, "timestamp": time, "step": step})
        else:
            found.append(METRIC.write(metric(point)))
    return found
