"""Models of a server: fetched once, and kept in the user's cache as long as their content is what the server says."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from autotrack.client import Client
from autotrack.entities import LoggedModel
from autotrack.exceptions import AutotrackException
from autotrack.models.flavor import climbs
from autotrack.sinks.open import usable_sink
from autotrack.sinks.uploads.models import DIGEST_TAG
from autotrack.store.registry.names import parse_uri


def fetched(uri: str) -> tuple[Path, str, Path | None]:
    """Where a model lies on this machine, what its content must hash to if that is known, and the local store that it
    lies in if it was recorded here."""
    client: Any = Client()
    if uri.startswith("runs:/"):
        run_id, _, name = uri.removeprefix("runs:/").strip("/").partition("/")
        if not name or climbs(name):
            raise AutotrackException.invalid(f"{uri} is no model: write runs:/<run_id>/<name>")
        store: Path | None = getattr(usable_sink(), "directory", None)
        if store is not None and run_id.isalnum() and (here := store / "runs" / run_id / "artifacts" / name).is_dir():
            return here, "", store
        run = client.get_run(run_id)
        for output in reversed(run.outputs.model_outputs):
            model = client.get_logged_model(output.model_id)
            if model.name == name:
                return (*_fetch(client, uri, model.artifact_location, _digest(model)), None)
        return (*_fetch(client, uri, f"{run.info.artifact_uri}/{name}", ""), None)
    reference = parse_uri(uri)
    if reference.model_id is not None:
        model = client.get_logged_model(reference.model_id)
        return (*_fetch(client, uri, model.artifact_location, _digest(model)), None)
    version = client.resolve_model_version(uri)
    digest = version.digest or (_digest(client.get_logged_model(version.model_id)) if version.model_id else "")
    place = client.get_model_version_download_uri(version.name, version.version)
    if place.startswith("runs:/"):
        return fetched(place)
    return (*_fetch(client, uri, place, digest), None)


def _digest(model: LoggedModel) -> str:
    return model.digest or model.tags.get(DIGEST_TAG, "")


def _fetch(client: Any, uri: str, place: str, digest: str) -> tuple[Path, str]:
    kept = _cache() / hashlib.sha256(f"{client.tracking_uri} {place} {digest}".encode()).hexdigest()[:40]
    if digest and kept.is_dir():  # whoever loads it finds out whether it is still what it was
        return kept, digest
    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = Path(tempfile.mkdtemp(dir=kept.parent if digest else None, prefix="autotrack-"))
    client.download_root(place, temporary)
    if not any(temporary.iterdir()):
        shutil.rmtree(temporary)
        raise AutotrackException.missing(f"{uri}: {client.tracking_uri} has no files at {place}")
    if not digest:
        return temporary, digest
    try:
        temporary.rename(kept)
    except OSError:  # another program was faster
        shutil.rmtree(temporary)
    return kept, digest


def _cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/autotrack/models"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "autotrack/models"
