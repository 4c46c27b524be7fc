"""An integration of a framework small enough to see through."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autotrack.hooks import Integration
from autotrack.testing import Recording, recording


@pytest.fixture
def toy() -> Integration:
    """Records nothing yet; a test declares its hooks and switches it on."""
    return Integration("toy", distribution="toyframework")


@pytest.fixture
def record() -> Iterator[Recording]:
    """What is recorded during the test."""
    with recording() as made:
        yield made
