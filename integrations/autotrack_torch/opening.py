"""Opening the run of a training, and what is known of it at its first step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autotrack.hooks import current
from autotrack_torch import checkpoints, datasets, estimates, owner, ranks, settings
from autotrack_torch.integration import INTEGRATION
from autotrack_torch.summary import summary
from autotrack_torch.training import Training

if TYPE_CHECKING:
    from autotrack_torch.loop import Loop

_NAMED = 3
"""Models after which a run is named."""


def begin(loop: Loop, optimizer: Any) -> Training | None:
    """Open the run of a training that has just made its first step; ``None`` where it is not to be recorded."""
    if not INTEGRATION.enabled or (INTEGRATION.options.exclusive and current.users_run() is not None):
        return None
    models = owner.models_of(optimizer)
    count = sum(len(group["params"]) for group in optimizer.param_groups)
    rank = settings.rank()
    if rank > 0:
        part = ranks.follow(rank, models, count)
        if part is None:
            return None
        training = Training(part, True, loop)
        training.shape = loop.shape
        estimates.began(training)
        return training
    run, owned = INTEGRATION.open_run()
    with INTEGRATION.attempt("ranks"):
        ranks.announce(run, models, count)
    training = Training(run, owned, loop)
    training.shape = loop.shape
    estimates.began(training)
    with INTEGRATION.attempt("what was loaded"):
        checkpoints.began(training, loop)
    run.trained(" + ".join(type(model).__name__ for model in models[:_NAMED]) or type(optimizer).__name__)
    if not models:
        run.tags(
            {"autotrack.torch.model": "not kept: it is not known which module the optimizer's parameters belong to"}
        )
    with INTEGRATION.attempt("parameters"):
        run.params(settings.of_torch())
        if loop.shape is not None:
            run.params({"loss": " + ".join(loop.shape.parts)})
        if loop.current is not None and loop.current.batches:
            run.params(settings.of_pass(loop.current))
    if loop.current is not None and loop.current.batches:
        datasets.note(training, loop.current, "train")
    for model in models:
        with INTEGRATION.attempt("summary"):
            name = "" if len(models) == 1 else f"-{type(model).__name__}"
            run.text(summary(model), f"model_summary{name}.txt")
    return training
