"""The client: MLflow's verbs over a store, or over a server."""

from __future__ import annotations

from typing import Any

from autotrack.client.client import Client, of_servers

__all__ = ["Client"]


def _of_server() -> type[Any]:
    from autotrack.client.remote import RemoteClient  # requests, for those who ask a server

    return RemoteClient


of_servers.append(_of_server)
