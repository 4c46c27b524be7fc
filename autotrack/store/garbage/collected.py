"""What a collection did, or would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from autotrack.store.garbage.choice import Candidate


@dataclass(frozen=True, slots=True)
class Collected:
    """``removed`` has the size of each run in bytes; ``freed`` is what all of them take together, without what further
    runs share with them."""

    removed: Mapping[Candidate, int]
    kept: Mapping[Candidate, str]
    """Runs that the policy names and that stay, each with the reason."""
    freed: int
    left: Mapping[str, str] = field(default_factory=dict)
    """Places whose files could not be removed, each with the reason; the next collection tries again."""
