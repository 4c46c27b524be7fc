"""From what the record of a training was inferred, as tags of its run: ``autotrack.torch.<what>``."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autotrack_torch.passes import Pass
    from autotrack_torch.training import Training

_told: weakref.WeakKeyDictionary[Training, dict[str, str]] = weakref.WeakKeyDictionary()


def explain(training: Training) -> None:
    """Say what is known by now; what has been said already, and is so still, is not said again."""
    if training.run.ended:
        return
    known = _told.setdefault(training, {})
    tags = {f"autotrack.torch.{name}": why for name, why in _reasons(training).items()}
    news = {tag: why for tag, why in tags.items() if known.get(tag) != why}
    if news:
        known.update(news)
        training.run.tags(news)


def of_split(pass_: Pass) -> str:
    """Why an evaluation is called as it is."""
    if pass_.given:
        return "so called by autotrack.torch.name() or the option `splits`"
    _, word = pass_.place.told()
    return f"so called for {word!r}" if word else "val, as nothing there says which data they are"


def of_models(optimizer: Any, models: list[Any], *, given: bool) -> str:
    """Why these are the models that an optimizer trains."""
    kind = type(optimizer).__name__
    if not models:
        return f"{kind} was given parameters that belong to no module that is known"
    names = " + ".join(type(model).__name__ for model in models[:8])
    return f"{names}, whose parameters() {kind} was given" if given else f"{names}, which has what {kind} was given"


def _reasons(training: Training) -> dict[str, str]:
    found: dict[str, str] = {}
    if training.unit == "step":
        found["epoch"] = "none, as no loader is gone over: train/loss is a mean over a hundred steps or more"
    several = [f"{known.label}: {known.why}" for known in training.by_name if known.label]
    if len(training.by_name) == 1:
        found["trained"] = training.by_name[0].why
    elif several:
        found["trained"] = "; ".join(several) + "; one training, as they step in turn or for the same parameters"
    for known in training.by_name:
        if known.count > 1:
            found["then" + (f".{known.label}" if known.label else "")] = (
                f"{known.count - 1} more in its place, each built of its parameters after the last step before"
            )
    loss = _loss(training)
    if loss:
        found["loss"] = loss
    return found


def _loss(training: Training) -> str:
    if training.lossless:
        return ""
    shape, count = training.shape, training.accumulated()
    parts = [f"what backward begins at: {' + '.join(shape.parts)}" if shape is not None else "what backward begins at"]
    if "grad_scaler" in training.noted:
        parts.append("before the GradScaler multiplied it")
    if shape is not None and shape.extensive:
        parts.append("a sum, divided by the samples of its batch")
    if count:
        parts.append(f"gradients of {count} batches a step, and a division of their losses by {count} undone")
    if any(known.why.endswith("LBFGS was given") for known in training.by_name):
        parts.append("of several in a step the first")
    return "; ".join(parts)
