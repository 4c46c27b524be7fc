"""Holding what a program computes to be the same, to the bit, with and without a record."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from autotrack.testing import recording
from autotrack.testing.sameness import digest, random_state, seed
from autotrack_torch import INTEGRATION

EVERY = 12
"""Of the long lists one case in so many runs always."""


def slice_of(cases: Iterable[str], always: Iterable[str] = ()) -> list[Any]:
    """The cases, of which most are slow tests."""
    kept = set(always)
    return [
        case if case in kept or (not kept and at % EVERY == 0) else pytest.param(case, marks=pytest.mark.slow)
        for at, case in enumerate(cases)
    ]


def same(program: Callable[[], Any]) -> list[Any]:
    """Run a program without, with and again without a record, and hold its outcomes to be equal to the bit."""

    def outcome() -> tuple[str, str]:
        seed(11)
        return digest(program()), random_state()

    INTEGRATION.disable()
    plain = outcome()
    with recording() as record:
        INTEGRATION.switch()
        recorded = outcome()
        record.finish()
        runs = record.runs
    INTEGRATION.disable()
    assert recorded == plain
    assert outcome() == plain
    return runs
