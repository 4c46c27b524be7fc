"""Everything that has an integration is recorded, and kept in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import autotrack
from autotrack.testing import Recording, recording


@pytest.fixture
def record() -> Iterator[Recording]:
    """What is recorded during the test."""
    with recording() as made:
        autotrack.autolog()
        yield made
