"""Answers of autotrack's own in JSON, as its server gives them to its client."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from autotrack.client.differences import Compared, differs
from autotrack.client.promotion import Promotion
from autotrack.store.columns import Columns
from autotrack.store.registry.chain import Verdict
from autotrack.store.registry.policy import Check
from autotrack.wire.messages import Field, Message
from autotrack.wire.values import BOOLEAN, INTEGER, TEXT, Kind, spelled


def _checks(documents: list[Mapping[str, Any]]) -> tuple[Check, ...]:
    return tuple(Check(**one) for one in documents)


def table(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Columns by name as JSON can hold them."""
    return [{"name": name, "values": [_cell(one) for one in values]} for name, values in columns.items()]


def _columns(documents: list[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {one["name"]: [_read(value) for value in one["values"]] for one in documents}


def _cell(value: Any) -> Any:
    """A value as JSON can hold it: a number that it cannot is an object, as a text may be spelled the same."""
    return {"double": spelled(value)} if isinstance(value, float) and not math.isfinite(value) else value


def _read(cell: Any) -> Any:
    return float(cell["double"]) if isinstance(cell, dict) else cell


def compared(things: Compared) -> list[dict[str, Any]]:
    """Things side by side, as JSON can hold them."""
    return [
        {
            "name": part,
            "rows": [
                {"key": key, "values": [_cell(one) for one in values], "differs": differs(values)}
                for key, values in rows.items()
            ],
        }
        for part, rows in things.items()
    ]


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
_COMPARED = {"key": TEXT.schema, "values": {"type": "array", "items": {}}, "differs": BOOLEAN.schema}
_PART = {"name": TEXT.schema, "rows": {"type": "array", "items": {"type": "object", "properties": _COMPARED}}}

COMPARED = Kind({"type": "array", "items": {"type": "object", "properties": _PART}}, compared)
"""Things side by side. A key has a value for each of them, null where it has none."""
TABLE = Kind({"type": "array", "items": _COLUMN}, table, _columns)
COLUMNS = Message(
    Columns,
    Field("run_ids", Kind(_TEXTS, list, tuple)),
    Field("values", TABLE, "columns"),
    Field("token", TEXT, "next_page_token"),
    run_ids=(), values={},
)  # fmt: skip
