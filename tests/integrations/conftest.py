"""Everything that has an integration is recorded, and kept in memory."""

from __future__ import annotations

import sys
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


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Torch computes in one thread: several wait for one another, for minutes where other tests have the processors."""
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch is not None else 0
    if torch is not None:
        torch.set_num_threads(1)
    yield
    if torch is not None:
        torch.set_num_threads(before)
