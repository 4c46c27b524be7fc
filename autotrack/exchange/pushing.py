"""A store's registered models on their way to a server, with what was ever done to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from autotrack.client import Client
from autotrack.entities import every
from autotrack.exceptions import AutotrackException
from autotrack.exchange.replay import replay
from autotrack.exchange.versions import plain, portable, tell
from autotrack.sinks.uploads.outbox import Outbox
from autotrack.store import open_store
from autotrack.store.registry.changes import Entry, VersionCreated
from autotrack.wire.connection import Refused, Unavailable

_MODELS = 1000


@dataclass(frozen=True, slots=True)
class Pushed:
    """What came of one registered model: how many changes the server lacked, or why it does not take them."""

    name: str
    changes: int
    reason: str = ""


def push(outbox: Outbox) -> Iterator[Pushed]:
    """Have a server know each registered model of a store as the store does; what it knows already is not done again.

    A server of autotrack's takes the log itself, with times, authors and reasons; one of MLflow's is asked for the same
    changes by its protocol. The runs that the versions come from have been sent before. Raises where the server cannot
    be asked.
    """
    store = open_store(outbox.store)
    client = Client(outbox.server.uri)
    names = [one.name for one in every(lambda token: store.registry.search_models("", None, _MODELS, token))]
    for name in names:
        history = store.registry.own_history(name)
        try:
            changes = _push(client, outbox, name, history)
            if changes:
                outbox.note_pushed({name: history[-1].hash})
            yield Pushed(name, changes)
        except Unavailable:
            raise
        except AutotrackException as error:
            yield Pushed(name, 0, error.message)


def _push(client: Client, outbox: Outbox, name: str, history: Sequence[Entry]) -> int:
    try:
        return tell(client, [portable(plain(entry), "") for entry in history])
    except Refused as error:
        if error.error_code != "ENDPOINT_NOT_FOUND":
            raise
    hashes = ["", *(entry.hash for entry in history)]
    before = outbox.facts.get("pushed", {}).get(name, "")
    least = hashes.index(before) if before in hashes else 0
    return replay(client, [_there(outbox, plain(entry)) for entry in history], least)


def _there(outbox: Outbox, entry: Entry) -> Entry:
    """An entry with the ids that its run and its model have on a server of MLflow's."""
    change = entry.change
    if not isinstance(change, VersionCreated) or not change.run_id:
        return entry
    receipt = outbox.receipt(change.run_id)
    if receipt.run_id is None:
        raise AutotrackException.missing(f"run {change.run_id} of version {change.version} has not arrived there")
    model = receipt.models.get(change.model_id or "", {}).get("id")
    place = change.location.partition("/artifacts/")[2] if change.location.startswith("runs/") else ""
    source = f"models:/{model}" if model else f"{receipt.artifact_uri}/{place}" if place else change.source
    return replace(entry, change=replace(change, source=source, run_id=receipt.run_id, model_id=model))
