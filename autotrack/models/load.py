"""Loading a model back by its URI, and running nothing that nobody vouches for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from autotrack.exceptions import AutotrackException
from autotrack.models import code, format, unchanged, verified  # noqa: A004 - the module's name, not the builtin
from autotrack.models.flavor import Flavor, inside, named
from autotrack.models.format import PYFUNC, ModelInfo
from autotrack.models.locate import Located, Resolver, locate
from autotrack.models.python import PYTHON
from autotrack.models.trust import doubt, journals, recorded

CONSENT = "AUTOTRACK_TRUST_MODELS"
"""The environment variable that stands for ``trust=True``: 1, or the directories below which anything may run."""


def load(
    uri: str | Path,
    *,
    trust: bool = False,
    store: str | Path | None = None,
    resolve: Resolver | None = None,
    flavor: str | None = None,
    **options: Any,
) -> Any:
    """The model that a path, ``runs:/<run_id>/<name>``, ``models:/<model_id>``, ``models:/<name>/<version or stage>``
    or ``models:/<name>@<alias>`` names, as the framework's own object; a Python model as an object with ``predict``.

    What has to run code to be loaded, a pickle above all, is loaded only if the store (``store``, else the configured
    one) recorded its digest, the directory is still the same, and nobody but the user may write there; anything else
    needs ``trust=True``. A store that was named, here or by ``set_tracking_uri``, vouches whoever may write to it.
    Further options go to the flavor's loader.
    """
    located = locate(uri, store=store, resolve=resolve)
    info = format.read(located.directory)
    return opened(located, info, chosen(located, info, flavor), trust=trust, **options)


def opened(located: Located, info: ModelInfo, flavor: Flavor, *, trust: bool = False, **options: Any) -> Any:
    """The model of a directory that has been found and read, in one of its flavors."""
    conf = info.flavors[flavor.name]
    runs = [f"the modules in its directory {conf['code']}"] if conf.get("code") else []
    if own := flavor.runs(located.directory, conf):
        runs.append(own)
    if not admit(located, " and ".join(runs), trusted=trust) and (damage := flavor.damage(located.directory, conf)):
        raise AutotrackException.invalid(f"{damage}; fetch the model again, or log it again")
    if conf.get("code"):
        code.add(inside(located.directory, conf["code"]))
    return flavor.load(located.directory, conf, **options)


def chosen(located: Located, info: ModelInfo, wanted: str | None = None) -> Flavor:
    """The flavor to load a model in: the one that is wanted, else the first that an integration knows."""
    keys = [wanted] if wanted else [key for key in info.flavors if key != PYFUNC]
    for key in keys:
        flavor = named(key) if key in info.flavors else None
        if flavor is not None:
            return flavor
    if wanted in (None, PYFUNC) and PYFUNC in info.flavors:
        return PYTHON
    raise AutotrackException.missing(
        f"{located.uri}: no integration loads its flavor; the model has {', '.join(sorted(info.flavors)) or 'none'}"
        + (f", asked for was {wanted}" if wanted else "")
    )


def admit(located: Located, runs: str, *, trusted: bool = False) -> bool:
    """Raise unless the directory is what was logged, or runs nothing, or the user trusts it.

    ``runs`` says in words what loading would run; empty for mere data. The answer is whether the content was found to
    be what was logged.
    """
    if trusted or (runs and _consented(located.directory)):
        return False
    key = (located.directory, located.store, located.digest, located.named, bool(runs))
    if unchanged.since(key):
        return True
    parts = located.directory.relative_to(located.store).parts if located.store else ()
    tellers: list[str] = []
    if located.store and len(parts) > 3 and parts[0] == "runs" and parts[2] == "artifacts":
        tellers = journals(Path(located.store, *parts[:2]))
    look = unchanged.Look(located.directory, tellers)
    digests = recorded(tellers, "/".join(parts[3:]))
    # What was registered must be what was registered, whatever else was recorded of that directory.
    expected = {located.digest} if located.digest else digests
    if expected and verified.digest(located.directory, look.found) not in expected:
        raise AutotrackException(
            f"{located.uri}: {located.directory} is not what was logged: its content has another digest. "
            "Somebody or something changed it; pass trust=True only if you know what.",
            "INVALID_STATE",
        )
    reason = "" if digests else "its store has no record that it was logged there"
    if not located.store:
        reason = "" if located.vouched else "it does not lie in the configured store"
    if runs and located.store and not reason and not located.named:
        reason = doubt(located.store, located.directory, look.found)
    if runs and reason:
        raise AutotrackException(
            f"{located.uri}: loading would run {runs}, and nothing vouches for it: {reason}. "
            f"Pass trust=True if you know where the model comes from, or set {CONSENT}.",
            "PERMISSION_DENIED",
        )
    if expected:
        look.keep(key)
    return bool(expected)


def _consented(directory: Path) -> bool:
    setting = os.environ.get(CONSENT, "").strip()
    if setting.lower() in ("", "0", "false", "no", "off"):
        return False
    if setting.lower() in ("1", "true", "yes", "on"):
        return True
    here = directory.resolve()
    return any(here.is_relative_to(Path(place).expanduser().resolve()) for place in setting.split(os.pathsep) if place)
