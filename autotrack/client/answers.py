"""Answers of autotrack's own in JSON, as its server gives them to its client."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from autotrack.client.promotion import Promotion
from autotrack.store.columns import Columns
from autotrack.store.registry.chain import Verdict
from autotrack.store.registry.policy import Check
from autotrack.wire.messages import Field, Message
from autotrack.wire.values import BOOLEAN, INTEGER, TEXT, Kind, spelled


def _checks(documents: list[Mapping[str, Any]]) -> tuple[Check, ...]:
    return tuple(Check(**one) for one in documents)


def _values(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "values": [_cell(one) for one in values]} for name, values in columns.items()]


def _columns(documents: list[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {one["name"]: [_read(value) for value in one["values"]] for one in documents}


def _cell(value: Any) -> Any:
    """A value as JSON can hold it: a number that it cannot is an object, as a text may be spelled the same."""
    return {"double": spelled(value)} if isinstance(value, float) and not math.isfinite(value) else value


def _read(cell: Any) -> Any:
    return float(cell["double"]) if isinstance(cell, dict) else cell


_TEXTS = {"type": "array", "items": TEXT.schema}
_CHECK = {
    "type": "object",
    "properties": {"demand": TEXT.schema, "passed": BOOLEAN.schema, "found": TEXT.schema},
}
_COLUMN = {"type": "object", "properties": {"name": TEXT.schema, "values": {"type": "array", "items": {}}}}

VERDICT = Message(
    Verdict, Field("entries", INTEGER), Field("head", TEXT), Field("problems", Kind(_TEXTS, list, tuple)), head=""
)
PROMOTION = Message(
    Promotion,
    *(Field(name, TEXT) for name in ("name", "version", "to", "before", "policies", "head")),
    Field("checks", Kind({"type": "array", "items": _CHECK}, lambda checks: [asdict(one) for one in checks], _checks)),
    Field("made", BOOLEAN),
    before=None, policies=None, checks=(),
)  # fmt: skip
COLUMNS = Message(
    Columns,
    Field("run_ids", Kind(_TEXTS, list, tuple)),
    Field("values", Kind({"type": "array", "items": _COLUMN}, _values, _columns), "columns"),
    Field("token", TEXT, "next_page_token"),
    run_ids=(), values={},
)  # fmt: skip
