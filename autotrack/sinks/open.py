"""From a tracking URI to its sink; the one place that knows the built-in ones."""

from __future__ import annotations

from pathlib import Path

from autotrack.exceptions import AutotrackException
from autotrack.settings import current, default_store, local_directory
from autotrack.sinks.base import Sink
from autotrack.sinks.local import LocalSink
from autotrack.sinks.memory import MemorySink

GROUP = "autotrack.sinks"

_open: dict[str, Sink] = {}


def tracking_uri() -> str:
    """Where runs go now: what was set, else the store of the project around the working directory."""
    return current().tracking_uri or str(default_store())


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


def store_directory(uri: str | None = None) -> Path:
    """The directory of a local store; raises for a URI that names none."""
    uri = uri or tracking_uri()
    directory = local_directory(uri)
    if directory is None:
        raise AutotrackException.invalid(f"{uri} is not a local store; this version reads directories only")
    return directory


def keep(sink: Sink) -> None:
    """Have the sink's URI lead to this very sink."""
    _open[sink.uri] = sink


def forget() -> None:
    """Drop what is remembered, as between two tests."""
    _open.clear()


def _foreign(uri: str) -> Sink:
    scheme = uri.partition(":")[0]
    if scheme == "memory":
        return MemorySink(uri)
    from importlib.metadata import entry_points  # milliseconds, only for a scheme that is not built in

    for point in entry_points(group=GROUP, name=scheme):
        sink: Sink = point.load()(uri)
        return sink
    raise AutotrackException.invalid(
        f"no sink for {scheme}: ({uri}); set a directory, or install a package that offers the entry point "
        f"{GROUP!r} named {scheme!r}"
    )
