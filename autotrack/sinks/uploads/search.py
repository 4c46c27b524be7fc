"""Finding a run on a server by the id that it has on the machine where it was recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autotrack.sinks.uploads.link import RUN_TAG
from autotrack.wire.address import Address
from autotrack.wire.connection import Connection, Refused, patiently

_MOST_EXPERIMENTS = 1000


def found(connection: Connection, run_id: str) -> Mapping[str, Any] | None:
    """A run's facts as the server has them, by the server's id or by its own; ``None`` if it is not there."""
    try:
        run: Mapping[str, Any] = connection.call("GET", "runs/get", {"run_id": run_id})["run"]
    except Refused as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
        return _tagged(connection, run_id)
    return run


def _tagged(connection: Connection, run_id: str) -> Mapping[str, Any] | None:
    token = None
    while True:
        asked = {"max_results": _MOST_EXPERIMENTS, "view_type": "ALL", **({"page_token": token} if token else {})}
        page = connection.call("POST", "experiments/search", asked)
        ids = [one["experiment_id"] for one in page.get("experiments", ())]
        message = {
            "experiment_ids": ids,
            "filter": f"tags.`{RUN_TAG}` = '{run_id}'",
            "run_view_type": "ALL",
            "max_results": 1,
        }
        runs = connection.call("POST", "runs/search", message).get("runs") if ids else None
        if runs:
            run: Mapping[str, Any] = runs[0]
            return run
        token = page.get("next_page_token")
        if not token:
            return None


def is_there(to: Address, run_id: str, seconds: float) -> bool:
    """Whether a server has a run; waits for so long at most."""
    connection = Connection(to, answer_seconds=seconds)
    try:
        return patiently(lambda _: found(connection, run_id), seconds) is not None
    finally:
        connection.close()
