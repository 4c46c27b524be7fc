"""Runs side by side, what differs first."""

from __future__ import annotations

from typing import Any

from autotrack.analysis.context import context, home
from autotrack.analysis.difference import Facts, facts_of
from autotrack.client.differences import differing, side_by_side
from autotrack.context.record import Record
from autotrack.exceptions import AutotrackException
from autotrack.server.reading import reading
from autotrack.server.request import Asked
from autotrack.server.route import Routes
from autotrack.server.service import Service
from autotrack.wire.messages import OWN
from autotrack.wire.values import INTEGER, TEXT, Kind, several, spelled

ROUTES = Routes()
MOST = 20
"""Runs that are put side by side."""


class Compare(Asked):
    """``run_id`` is repeated, once for each run; ``same`` asks for what is equal in all of them too."""

    run_id: tuple[str, ...]
    same: bool = False


_ROW = {
    "type": "object",
    "properties": {"key": TEXT.schema, "values": {"type": "array", "items": {}}},
}
_PART = {
    "type": "object",
    "properties": {
        "name": TEXT.schema, "rows": {"type": "array", "items": _ROW}, "same": INTEGER.schema,
        "unknown": several(TEXT).schema,
    },
}  # fmt: skip


@ROUTES("GET", f"{OWN}/comparison", Compare, parts=several(Kind(_PART)))
def compare(service: Service, asked: Compare) -> dict[str, Any]:
    """What differs between runs, by part: parameters, code, command, packages, environment, seeds, data and metrics.
    Of each key the value of every run, in the order that was asked for, null where it has none; how many keys are the
    same in all; and the runs of which nothing is known in a part, as no context was recorded."""
    ids = list(dict.fromkeys(asked.run_id))
    if not 2 <= len(ids) <= MOST:
        raise AutotrackException.invalid(f"give from 2 to {MOST} runs to compare, not {len(ids)}")
    runs = [service.run(one) for one in ids]
    contexts: dict[str, Record | None] = {}
    known: list[Facts] = []
    with reading(service) as client:
        for run in runs:
            if (place := home(run)) not in contexts:  # runs of one program share a context, which is read once
                contexts[place] = context(client, run)
            known.append(facts_of(run, contexts[place]))
    names = dict.fromkeys(name for one in known for name in one)
    return {"parts": [_part(name, ids, known, same=asked.same) for name in names]}


def _part(name: str, ids: list[str], known: list[Facts], *, same: bool) -> dict[str, Any]:
    having = [n for n, one in enumerate(known) if name in one]
    rows = side_by_side([{name: known[n][name]} for n in having])[name]
    shown = rows if same else differing({name: rows})[name]
    places = {n: place for place, n in enumerate(having)}
    return {
        "name": name,
        "rows": [
            {"key": key, "values": [_value(values[places[n]]) if n in places else None for n in range(len(ids))]}
            for key, values in shown.items()
        ],
        "same": len(rows) - len(differing({name: rows})[name]),
        "unknown": [ids[n] for n in range(len(ids)) if n not in places],
    }


def _value(value: Any) -> Any:
    return spelled(value) if isinstance(value, float) else value
