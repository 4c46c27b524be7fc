"""What somebody wants to be rid of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autotrack.exceptions import AutotrackException
from autotrack.store.search import moments

FAILED = ("FAILED", "KILLED", "LOST")


@dataclass(frozen=True, slots=True)
class Policy:
    """Which runs are to go: those that all of it holds for."""

    experiment_ids: Sequence[str] | None = None
    """All experiments where it is ``None``."""
    where: str = ""
    """A filter as searches have it."""
    older_than: float | None = None
    """Seconds since the run ended, or since it began where nothing is known of its end."""
    failed: bool = False
    """Only runs that failed, were killed or lost."""
    keep_best: int = 0
    """So many of each experiment stay, deleted or not: those with the best value of ``metric``."""
    metric: str = ""
    mode: str | None = None
    """ "min" or "max": which values are better, where the metric's name does not say."""
    active: bool = False
    """Runs that nobody has marked as deleted, too."""

    def __post_init__(self) -> None:
        if bool(self.keep_best) != bool(self.metric):
            raise AutotrackException.invalid("to keep the best runs, say how many and by which metric")
        if self.keep_best < 0:
            raise AutotrackException.invalid(f"{self.keep_best} runs cannot be kept; give 1 or more")
        if self.mode not in (None, "min", "max"):
            raise AutotrackException.invalid(f'{self.mode!r} says nothing about values; give "min" or "max"')
        if self.active and not (self.where or self.older_than is not None or self.failed or self.keep_best):
            raise AutotrackException.invalid(
                "every run that is not deleted would go; say which: by age, by state, by a filter, or all but the best"
            )


def age(text: str) -> float:
    """An age such as "30 days" or "12h", in seconds; raises for a text that is none."""
    found = moments.seconds(text)
    if found is None:
        raise AutotrackException.invalid(f"{text!r} is no age; write it as '30 days', '12 hours' or '2w'")
    return found
