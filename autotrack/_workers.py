"""Having the worker processes that a framework starts record like the program that started it."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from autotrack import current
from autotrack._startup import OPTIONS, environment
from autotrack.context import process as context
from autotrack.sinks.open import tracking_uri


class General(NamedTuple):
    """What the general ``autolog()`` was called with."""

    options: dict[str, Any]
    exclude: frozenset[str]


general: General | None = None
"""While it is in force."""


def worker_environment() -> dict[str, str]:
    """The variables with which a worker process records into the same place as this one; empty where recording was not
    switched on for all frameworks."""
    if general is None:
        return {}
    import json  # milliseconds; only for those who start processes

    return environment(
        {
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            OPTIONS: json.dumps({"options": general.options, "exclude": sorted(general.exclude)}, default=str),
            "AUTOTRACK_TRACKING_URI": tracking_uri(),
            "AUTOTRACK_EXPERIMENT": current.current_experiment()[1],
            "AUTOTRACK_TOLD": "1",
            **context.inherited(),
        }
    )
