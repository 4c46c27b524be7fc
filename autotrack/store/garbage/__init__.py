"""House-keeping: which runs may go for good, and taking them away without leaving anything of them behind."""

from autotrack.store.garbage.choice import Candidate, Choice
from autotrack.store.garbage.collected import Collected
from autotrack.store.garbage.policy import Policy

__all__ = ["Candidate", "Choice", "Collected", "Policy"]
