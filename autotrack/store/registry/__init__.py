"""The registry: which versions of a model there are, which of them is live, and who said so."""

from autotrack.store.registry.files import FileRegistry
from autotrack.store.registry.registry import Registry

__all__ = ["FileRegistry", "Registry"]
