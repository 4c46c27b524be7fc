"""Where nothing can be recorded, or nothing is to be."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from autotrack.event import Event
from autotrack.journal.writer import Key, Point


class NullStream:
    """Stands in where nothing can be recorded, so that a program goes on as if it were."""

    artifacts = Path(os.devnull)

    def event(self, event: Event, time_ms: int | None = None) -> None:
        """Forget it."""

    def point(self, key: Key, flags: int, step: int, time_ms: int, value: float) -> None:
        """Forget it."""

    def points(self, points: Iterable[Point]) -> None:
        """Forget them."""

    def exact(self, key: Key, step: int | float, time_ms: int, text: str) -> None:
        """Forget it."""

    def close(self) -> None:
        """Nothing is open."""
