"""From a tracking URI to its sink; the one place that knows the built-in ones."""

from __future__ import annotations

import sys
from pathlib import Path

from autotrack import guard, settings
from autotrack.exceptions import AutotrackException
from autotrack.settings import default_store, local_directory
from autotrack.sinks.base import Sink
from autotrack.sinks.local import LocalSink
from autotrack.sinks.memory import MemorySink

GROUP = "autotrack.sinks"

_open: dict[str, Sink] = {}


def tracking_uri() -> str:
    """Where runs go now: what was set, else the store of the project around the working directory."""
    return settings.tracking_uri() or str(default_store())


def open_sink(uri: str | None = None) -> Sink:
    """The sink of a tracking URI, the same one each time in this process.

    Raises :class:`~autotrack.exceptions.AutotrackException` for a scheme that nothing installed here serves and for
    a directory that is not autotrack's.
    """
    uri = uri or tracking_uri()
    directory = local_directory(uri)
    name = str(directory) if directory else uri
    if name not in _open:
        _open[name] = LocalSink(directory) if directory else _foreign(uri)
    return _open[name]


def usable_uri() -> str | None:
    """The tracking URI in force; where nothing serves that, the project's own store, with one warning, and ``None``
    where that cannot be used either."""
    uri = tracking_uri()
    try:
        open_sink(uri)
    except (OSError, AutotrackException) as error:
        if guard.strict() and isinstance(error, AutotrackException):
            raise
        local = str(default_store())
        guard.warn("tracking URI", f"{error}. The record goes to {local} instead")
        try:
            open_sink(local)
        except (OSError, AutotrackException) as again:
            guard.warn("default store", f"{again}. Nothing is recorded")
            return None
        return local
    return uri


def usable_sink() -> Sink | None:
    """The sink of :func:`usable_uri`."""
    uri = usable_uri()
    return None if uri is None else open_sink(uri)


def store_directory(uri: str | None = None) -> Path:
    """The directory of a local store, by default of the one that runs are recorded to; raises for a URI that names
    none."""
    uri = uri or usable_uri() or tracking_uri()
    directory = local_directory(uri)
    if directory is None:
        raise AutotrackException.invalid(_refusal(uri))
    return directory


def keep(sink: Sink) -> None:
    """Have the sink's URI lead to this very sink."""
    _open[sink.uri] = sink


def forget() -> None:
    """Drop what is remembered, as between two tests."""
    _open.clear()
    if (uploads := sys.modules.get("autotrack.sinks.uploads.uploader")) is not None:
        uploads.forget()


def _foreign(uri: str) -> Sink:
    scheme = uri.partition(":")[0]
    if scheme == "memory":
        return MemorySink(uri)
    if scheme in ("http", "https"):
        from autotrack.sinks.remote import RemoteSink  # threads and locks, for those who record to a server

        return RemoteSink(uri)
    from importlib.metadata import entry_points  # milliseconds, only for a scheme that is not built in

    for point in entry_points(group=GROUP, name=scheme):
        sink: Sink = point.load()(uri)
        return sink
    raise AutotrackException.invalid(_refusal(uri))


def _refusal(uri: str) -> str:
    if uri.startswith("databricks"):
        return f"{uri} is a service that this version does not speak to; set the tracking URI to a directory"
    if uri.startswith(("sqlite:", "postgresql", "mysql", "mssql")):
        return (
            f"{uri} is a database that autotrack did not make; it is left as it is. Set the tracking URI to a "
            "directory, such as .autotrack, and keep reading that database with the program that made it"
        )
    scheme = uri.partition(":")[0]
    return (
        f"{uri} is not a local store; set the tracking URI to a directory, or install a package that offers the entry "
        f"point {GROUP!r} named {scheme!r}"
    )
