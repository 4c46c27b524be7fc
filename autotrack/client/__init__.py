"""The client: MLflow's verbs over a store."""

from autotrack.client.client import Client

__all__ = ["Client"]
