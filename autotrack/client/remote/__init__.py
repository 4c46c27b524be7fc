"""The client of a server: the same verbs, one request each."""

from autotrack.client.remote.client import RemoteClient

__all__ = ["RemoteClient"]
