"""What is declared to autotrack: the integration itself and its options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autotrack.exceptions import AutotrackException
from autotrack.hooks import Call, Integration, Options

FORMATS = ("pickle", "cloudpickle", "skops")


@dataclass(frozen=True, slots=True, kw_only=True)
class SklearnOptions(Options):
    """What to record of scikit-learn."""

    log_training_metrics: bool = True
    log_post_training_metrics: bool = True
    """Whether what is scored after the fit is recorded too."""
    pos_label: Any = None
    """The class that precision, recall and F1 of a two-class problem are about; without it they are weighted."""
    max_tuning_runs: int | None = None
    """How many of a search's candidates get a run of their own, the best first; ``None`` means up to 100, 0 none.
    The table of all candidates does not depend on it."""
    log_plots: bool = False
    """Whether the evidence is drawn too, as PNG files under MLflow's names: by matplotlib, which takes about a second
    when it is first needed. Without it, matplotlib is not loaded."""
    serialization_format: str = "cloudpickle"
    """Taken for MLflow's sake: a model is pickled, and by cloudpickle where it needs that, which loads the same."""

    def __post_init__(self) -> None:
        if self.max_tuning_runs is not None and self.max_tuning_runs < 0:
            raise AutotrackException.invalid(
                f"max_tuning_runs is {self.max_tuning_runs}; give a number of runs, 0 for none, or None for up to 100"
            )
        if self.serialization_format not in FORMATS:
            raise AutotrackException.invalid(
                f"serialization_format is {self.serialization_format!r}; it is one of {', '.join(FORMATS)}"
            )


INTEGRATION = Integration(
    "sklearn", distribution="scikit-learn", supports=">=1.5,<2", options=SklearnOptions, needs=("joblib",)
)


def chosen(call: Call) -> SklearnOptions:
    """The options of a recorded call."""
    assert isinstance(call.options, SklearnOptions)
    return call.options
