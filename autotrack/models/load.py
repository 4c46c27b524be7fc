"""Loading a model back by its URI, and running nothing that nobody vouches for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autotrack import settings
from autotrack.exceptions import AutotrackException
from autotrack.models import format  # noqa: A004 - the module's name, not the builtin
from autotrack.models.flavor import Flavor, climbs, named
from autotrack.models.format import PYFUNC, ModelInfo
from autotrack.models.trust import doubt, recorded
from autotrack.sinks.open import usable_sink

Resolver = Callable[[str, str], Path]
"""From a run's id and a model's name to a directory on this machine."""


@dataclass(frozen=True, slots=True)
class Located:
    """A model directory, and the store that may vouch for it."""

    uri: str
    directory: Path
    store: Path | None = None


def load(
    uri: str | Path,
    *,
    trust: bool = False,
    store: str | Path | None = None,
    resolve: Resolver | None = None,
    flavor: str | None = None,
    **options: Any,
) -> Any:
    """The model at a path, at ``runs:/<run_id>/<name>`` or at ``models:/<model_id>``, as the framework's own object.

    What has to run code to be loaded, a pickle above all, is loaded only if the store (``store``, else the configured
    one) recorded its digest, the directory is still the same, and nobody but the user may write there; anything else
    needs ``trust=True``. Further options go to the flavor's loader.
    """
    located = locate(uri, store=store, resolve=resolve)
    info = format.read(located.directory)
    chosen = _flavor(located, info, flavor)
    conf = info.flavors[chosen.name]
    admit(located, chosen.runs(located.directory, conf), trusted=trust)
    return chosen.load(located.directory, conf, **options)


def locate(uri: str | Path, *, store: str | Path | None = None, resolve: Resolver | None = None) -> Located:
    """Where a model lies; raises if there is none or the URI is not understood."""
    text = str(uri)
    root = _store(store)
    if text.startswith("runs:/"):
        run_id, _, name = text.removeprefix("runs:/").strip("/").partition("/")
        if not re.fullmatch(r"[\w-]+", run_id) or not name or climbs(name):
            raise AutotrackException.invalid(f"{text} is no model: write runs:/<run_id>/<name>")
        if resolve is None and root is None:
            raise AutotrackException.invalid(f"{text} needs a local store; the tracking URI names none")
        directory = resolve(run_id, name) if resolve else _in_store(root, run_id, name)
    elif text.startswith("models:/"):
        directory = _logged(text, root)
    elif re.match(r"[A-Za-z][\w+.-]+:", text) and not text.startswith("file:"):
        raise AutotrackException.invalid(f"{text}: a model is loaded from a path or from runs:/<run_id>/<name>")
    else:
        directory = (settings.local_directory(text) if text.startswith("file:") else None) or Path(text).expanduser()
    directory = directory.absolute()
    if not directory.is_dir():
        raise AutotrackException.missing(f"{text}: there is no model directory {directory}")
    return Located(text, directory, root if root and directory.is_relative_to(root) else None)


def admit(located: Located, runs: str, *, trusted: bool = False) -> None:
    """Raise unless the directory is what was logged, or runs nothing, or the caller trusts it.

    ``runs`` says in words what loading would run; empty for mere data.
    """
    if trusted:
        return
    digests: set[str] = set()
    reason = "it does not lie in the configured store"
    if located.store:
        parts = located.directory.relative_to(located.store).parts
        if len(parts) > 3 and parts[0] == "runs" and parts[2] == "artifacts":
            digests = recorded(located.store.joinpath(*parts[:2]), "/".join(parts[3:]))
        reason = "" if digests else "its store has no record that it was logged there"
    if digests and format.digest(located.directory)[0] not in digests:
        raise AutotrackException(
            f"{located.uri}: {located.directory} is not what was logged: its content has another digest. "
            "Somebody or something changed it; pass trust=True only if you know what.",
            "INVALID_STATE",
        )
    if runs and located.store and digests:
        reason = doubt(located.store, located.directory)
    if runs and reason:
        raise AutotrackException(
            f"{located.uri}: loading would run {runs}, and nothing vouches for it: {reason}. "
            "Pass trust=True if you know where the model comes from.",
            "PERMISSION_DENIED",
        )


def _store(store: str | Path | None) -> Path | None:
    if store is not None:
        return Path(store).expanduser().absolute()
    sink = usable_sink()
    return settings.local_directory(sink.uri) if sink is not None else None


def _in_store(store: Path | None, run_id: str, name: str) -> Path:
    assert store is not None
    run = store / "runs" / run_id
    if not run.is_dir():
        raise AutotrackException.missing(f"there is no run {run_id} in {store}")
    return run / "artifacts" / name


def _logged(uri: str, store: Path | None) -> Path:
    model_id = uri.removeprefix("models:/").strip("/")
    if store is None or not re.fullmatch(r"m-\w+", model_id):
        raise AutotrackException.invalid(
            f"{uri} names no logged model: write models:/<model_id> or runs:/<run_id>/<name>"
        )
    from autotrack.client import Client  # heavy: SQLAlchemy, for those who ask the store

    return settings.local_directory(Client(store).get_logged_model(model_id).artifact_location) or store


def _flavor(located: Located, info: ModelInfo, wanted: str | None) -> Flavor:
    keys = [wanted] if wanted else [key for key in info.flavors if key != PYFUNC]
    for key in keys:
        flavor = named(key) if key in info.flavors else None
        if flavor is not None:
            return flavor
    raise AutotrackException.missing(
        f"{located.uri}: no integration loads its flavor; the model has {', '.join(sorted(info.flavors)) or 'none'}"
        + (f", asked for was {wanted}" if wanted else "")
    )
