"""What a benchmark may ask of a tracker. A peer is one file in ``benchmarks/trackers/`` that answers it."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

LogOne = Callable[[str, float, int | None], object]
"""Record one value of one series; with ``None`` the tracker numbers the step as it sees fit."""

LogMany = Callable[[Mapping[str, float], int], object]
"""Record several series at one step in one call."""


class Tracker(ABC):
    """One tracker, used the way its own documentation shows, with its defaults, away from the network.

    Every method but :meth:`points`, :meth:`models` and :meth:`latest` is on some clock: an implementation
    adds nothing that the tracker's users would not write themselves.
    """

    distribution: ClassVar[str]
    module: ClassVar[str]
    environment: ClassVar[Mapping[str, str]] = {}
    """What keeps it on this machine; set before the process starts."""
    persistence: ClassVar[str]
    """Where a value is when the logging call returns, for the notes under the table."""

    def __init__(self) -> None:
        # By name: peers live in the bench extra alone, and type checkers run without it.
        self.api: Any = importlib.import_module(self.module)

    @abstractmethod
    def open(self) -> str:
        """Start a run and return what :meth:`points` knows it by."""

    @abstractmethod
    def close(self) -> None:
        """End the open run; afterwards everything is stored."""

    @abstractmethod
    def logger(self) -> LogOne:
        """The call that records one value in the open run, usable from any thread."""

    @abstractmethod
    def batch_logger(self) -> LogMany:
        """The call that records several values in the open run."""

    @abstractmethod
    def points(self, run: str, key: str) -> int:
        """How many points of a series the store holds, read by a process that did not write them."""

    @classmethod
    def server(cls, store: str, files: str, port: int) -> tuple[list[str], dict[str, str]] | None:  # noqa: ARG003 - the same
        """Arguments to Python, and environment, of its server on a database and a directory; None without one."""
        return None

    def autolog(self, framework: str | None = None) -> bool:  # noqa: ARG002 - for those that have it
        """Switch automatic logging on, for everything or one framework; false where the tracker has none."""
        return False

    def disable(self, framework: str | None = None) -> None:  # noqa: B027 - nothing to do for most
        """Switch off again what :meth:`autolog` switched on with the same argument."""

    def latest(self) -> str:
        """The run that automatic logging made last."""
        raise NotImplementedError

    def xgboost_callbacks(self) -> list[Any] | None:
        """The tracker's own XGBoost callback for the open run; ``None`` where it has none."""
        return None

    def models(self) -> int:
        """How many models with a signature lie in the store of this directory."""
        import yaml  # heavy: not in the process that only draws the table

        found = (yaml.safe_load(path.read_text()) for path in Path.cwd().rglob("MLmodel"))
        return sum(bool(each.get("signature")) for each in found)
