"""What those ask who take records from one place to another: facts with the times that they were first noted with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from autotrack import event as events
from autotrack.event import ExperimentCreated, ExperimentLife, ExperimentTags
from autotrack.exceptions import AutotrackException
from autotrack.exchange.versions import add, at_home, portable
from autotrack.server import limits
from autotrack.server.registry import ByName
from autotrack.server.request import Asked
from autotrack.server.route import Routes
from autotrack.server.service import Service
from autotrack.store.registry.changes import Entry, VersionCreated, body, parsed
from autotrack.wire.messages import OWN
from autotrack.wire.values import INTEGER, TEXT, Kind

ROUTES = Routes()
Document = dict[str, Any]
_TEXTS = Kind({"type": "array", "items": TEXT.schema})


class Entries(Asked):
    """Entries of a registry's log as they are written, all of one model."""

    entries: tuple[str, ...] = ()


class Lines(Asked):
    """Lines of a journal about experiments."""

    lines: tuple[str, ...] = ()


@ROUTES("GET", f"{OWN}/registry/log", ByName, entries=_TEXTS)
def log(service: Service, asked: ByName) -> Document:
    """All entries of the log about the model that has a name now, as they are written."""
    history = [portable(entry, _home(service, entry)) for entry in service.store.registry.own_history(asked.name)]
    return {"entries": [body(entry, "").decode("ascii") for entry in history]}


@ROUTES("POST", f"{OWN}/registry/log", Entries, added=INTEGER)
def add_to_log(service: Service, asked: Entries) -> Document:
    """Append what a log lacks of a model's history, with the times, authors and reasons that it has elsewhere: none of
    the authors counts as verified."""
    try:
        history = [parsed(text.encode("ascii"))[0] for text in asked.entries]
    except (ValueError, UnicodeEncodeError) as error:
        raise AutotrackException.invalid(f"no entries of a registry's log: {str(error)[:200]}") from None
    if not history:
        return {"added": 0}
    return {"added": add(service.store.registry, [at_home(entry, _home(service, entry)) for entry in history])}


@ROUTES("POST", f"{OWN}/experiments/take", Lines)
def take(service: Service, asked: Lines) -> Document:
    """Have experiments there with the times that they have elsewhere."""
    for line in asked.lines:
        try:
            found = events.decode(line.encode("ascii"))
        except (ValueError, UnicodeEncodeError) as error:
            raise AutotrackException.invalid(f"no event of an experiment: {str(error)[:200]}") from None
        when, event = found or (0, None)
        if not isinstance(event, ExperimentCreated | ExperimentTags | ExperimentLife):
            raise AutotrackException.invalid("no event of an experiment")
        limits.identifier(str(event.experiment_id), "experiment id")
        if isinstance(event, ExperimentCreated):
            event = replace(event, artifact_location="")
            limits.short(str(event.name), limits.EXPERIMENT_NAME, "name")
        service.store.editor.experiment(event, time_ms=max(when, 0))
    return {}


def _home(service: Service, entry: Entry) -> str:
    """Where the files of a version's run lie here; empty where that is not known."""
    if service.store.directory is not None or not isinstance(entry.change, VersionCreated) or not entry.change.run_id:
        return ""  # a store in a directory has portable places
    try:
        return str(service.store.run(entry.change.run_id).info.artifact_uri or "")
    except AutotrackException:
        return ""
