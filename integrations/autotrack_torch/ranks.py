"""The ranks of a distributed training: rank 0 owns the run, the others add what they see under names of their own.

How they find it: rank 0 leaves the run's id in the store of the process group, which the program itself has set up and
which all of its ranks are connected to. The others ask whether it is there; nobody waits for anybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from autotrack.hooks import Contribution, Run
from autotrack_torch import settings
from autotrack_torch.integration import INTEGRATION, log_steps

MOST = 64
"""Ranks that are recorded."""
_CURVES = 8
"""Ranks with curves per step."""

_begun: Counter[str] = Counter()
"""The trainings of this process, by what is trained."""


def announce(run: Run, models: list[Any], size: int) -> None:
    """Rank 0 has a run for a training: leave its id for the others."""
    store = _store()
    if store is not None and settings.world_size() > 1:
        key = _key(models, size)
        if run.kept:
            store.set(key, run.run_id)


def follow(rank: int, models: list[Any], size: int) -> Contribution | None:
    """What another rank adds to the run of the same training; ``None`` where it adds nothing."""
    if _store() is None or rank >= MOST:
        return None
    return Following(rank, _key(models, size))


class Following(Contribution):
    """Values of one rank. Asks a few times whether rank 0 has left the id, in steps in which it waits for it anyhow."""

    def __init__(self, rank: int, key: str) -> None:
        super().__init__(f"rank{rank}/")
        self._key = key
        self._steps = rank < _CURVES and log_steps()
        self._seen = 0
        self._due = 2

    def metric(self, key: str, value: Any, step: int | float | None = None, **of: Any) -> None:
        """Add one point."""
        self._count(1)
        if self._steps or not key.startswith("step/"):
            super().metric(key, value, step, **of)

    def curve(self, key: str, points: Iterable[tuple[int, float, int]]) -> None:
        """Add several points to one curve."""
        points = list(points)
        self._count(len(points))
        if self._steps or not key.startswith("step/"):
            super().curve(key, points)

    def metrics(self, values: Mapping[str, Any], step: int | float | None = None, **of: Any) -> None:
        """Add several points, as at the end of an epoch."""
        if not self.attached and values:
            self._ask()
        super().metrics(values, step, **of)

    def _count(self, points: int) -> None:
        if not self.attached:
            self._seen += points
            if self._seen >= self._due:
                self._due = 2 * self._seen
                self._ask()

    def _ask(self) -> None:
        store = _store()
        if store is not None and not self.ended:
            with INTEGRATION.attempt("ranks"):
                if store.check([self._key]):
                    self.attach(store.get(self._key).decode())


def _key(models: list[Any], size: int) -> str:
    """Under which the id is left: the same in all ranks, for what they train together."""
    what = f"{'+'.join(type(model).__name__ for model in models)}/{size}"
    _begun[what] += 1
    return f"autotrack/{what}/{_begun[what]}"


def _store() -> Any:
    """What the processes of the group have in common; ``None`` where there is nothing."""
    distributed = settings.distributed()
    if distributed is None:
        return None
    try:
        return distributed.distributed_c10d._get_default_store()  # torch has no public name for it
    except Exception:  # noqa: BLE001 - a group without one
        return None
