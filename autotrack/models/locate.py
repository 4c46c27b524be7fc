"""Where a model lies that a URI names."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from autotrack import settings
from autotrack.exceptions import AutotrackException
from autotrack.models.flavor import climbs
from autotrack.sinks.open import usable_uri
from autotrack.wire.address import is_server

Resolver = Callable[[str, str], Path]
"""From a run's id and a model's name to a directory on this machine."""

FORMS = "runs:/<run_id>/<name>, models:/<name>/<version or stage>, models:/<name>@<alias> or models:/<model_id>"


@dataclass(frozen=True, slots=True)
class Located:
    """A model directory, and the store that may vouch for it."""

    uri: str
    directory: Path
    store: Path | None = None
    named: bool = False
    """Whether the user has named that store, rather than that it was found."""
    digest: str = ""
    """What the content must hash to, where the registry says so."""
    vouched: bool = False
    """Whether it came from the server that the user records to, which said what it must hash to."""


def locate(uri: str | Path, *, store: str | Path | None = None, resolve: Resolver | None = None) -> Located:
    """Where a model lies; raises if there is none or the URI is not understood."""
    text = str(uri)
    root = _store(store)
    digest = ""
    if root is None and resolve is None and text.startswith(("runs:/", "models:/")) and is_server(usable_uri()):
        from autotrack.models.fetched import fetched  # requests, for models that come from a server

        found_at, digest, root = fetched(text)
        return Located(text, found_at, root, digest=digest, vouched=root is None and bool(digest))
    if text.startswith("runs:/"):
        run_id, _, name = text.removeprefix("runs:/").strip("/").partition("/")
        if not re.fullmatch(r"[\w-]+", run_id) or not name or climbs(name):
            raise AutotrackException.invalid(f"{text} is no model: write runs:/<run_id>/<name>")
        if resolve is None and root is None:
            raise AutotrackException.invalid(f"{text} needs a local store; the tracking URI names none")
        directory = resolve(run_id, name) if resolve else _in_store(root, run_id, name)
    elif re.fullmatch(r"models:/+m-\w+/*", text):
        directory = _logged(text, root)
    elif text.startswith("models:"):
        source, digest = _registered(text, root)
        found = locate(source, store=store, resolve=resolve)
        return replace(found, uri=text, digest=digest)
    elif re.match(r"[A-Za-z][\w+.-]+:", text) and not text.startswith("file:"):
        raise AutotrackException.invalid(f"{text}: a model is loaded from a path or from {FORMS}")
    else:
        directory = (settings.local_directory(text) if text.startswith("file:") else None) or Path(text).expanduser()
    directory = directory.absolute()
    if not os.path.isdir(directory):
        raise AutotrackException.missing(f"{text}: there is no model directory {directory}")
    ours = root is not None and f"{directory}{os.sep}".startswith(f"{root}{os.sep}")
    is_named = ours and (store is not None or settings.chosen("tracking_uri") is not None)
    return Located(text, directory, root if ours else None, is_named)


def _store(store: str | Path | None) -> Path | None:
    if store is not None:
        return Path(store).expanduser().absolute()
    uri = usable_uri()
    return settings.local_directory(uri) if uri is not None else None


def _in_store(store: Path | None, run_id: str, name: str) -> Path:
    assert store is not None
    run = f"{store}/runs/{run_id}"
    if not os.path.isdir(run):
        raise AutotrackException.missing(f"there is no run {run_id} in {store}")
    return Path(f"{run}/artifacts/{name}")


def _logged(uri: str, store: Path | None) -> Path:
    if store is None:
        raise AutotrackException.invalid(f"{uri} needs a local store; the tracking URI names none")
    from autotrack.client import Client  # heavy: SQLAlchemy, for those who ask the store

    model_id = uri.removeprefix("models:").strip("/")
    return settings.local_directory(Client(store).get_logged_model(model_id).artifact_location) or store


def _registered(uri: str, store: Path | None) -> tuple[str, str]:
    """Where the version lies that a URI leads to, and what its content must hash to."""
    if store is None:
        raise AutotrackException.invalid(f"{uri} needs a local store; the tracking URI names none")
    from autotrack.client import Client  # heavy: SQLAlchemy, for those who ask the store

    version = Client(store).resolve_model_version(uri)
    return version.location or version.source or "", version.digest
