"""MLflow's name for the client and the tracking URI."""

from __future__ import annotations

from autotrack.client import Client
from autotrack.fluent import get_tracking_uri, is_tracking_uri_set, set_tracking_uri

MlflowClient = Client

__all__ = ["Client", "MlflowClient", "get_tracking_uri", "is_tracking_uri_set", "set_tracking_uri"]
