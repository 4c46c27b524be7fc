"""Which features a model goes by: its importances or coefficients, with names."""

from __future__ import annotations

from typing import Any

import numpy as np

from autotrack_sklearn.estimator import innermost

MOST = 200
"""Features that are kept, the strongest ones."""
OUTPUTS = 20
"""Classes or targets of which coefficients are kept."""


def importances(estimator: Any) -> dict[str, Any] | None:
    """The strongest features first; of coefficients a list for each class or target. ``None`` if it has neither."""
    before, model = innermost(estimator)
    kind, values = "importances", _attribute(model, "feature_importances_")
    if values is None:
        kind, values = "coefficients", _attribute(model, "coef_")
    if values is None:
        return None
    if hasattr(values, "toarray"):
        values = values[:OUTPUTS].toarray()
    values = np.atleast_2d(np.asarray(values))[:OUTPUTS]
    if values.ndim != 2 or values.dtype.kind not in "fiu" or not values.shape[1]:
        return None
    strength = np.abs(values).max(0)
    count = len(strength)
    at = np.argpartition(-strength, MOST - 1)[:MOST] if count > MOST else np.arange(count)
    at = at[np.argsort(-strength[at], kind="stable")]
    names = _names(before, model, count)
    classes = _attribute(model, "classes_")
    labels = [str(label) for label in classes] if classes is not None and len(classes) == len(values) else None
    return {
        "kind": kind,
        "of": count,
        "features": [f"x{place}" if names is None else str(names[place]) for place in at],
        "values": values[0, at].tolist() if len(values) == 1 else values[:, at].tolist(),
        **({"classes": labels} if labels and len(values) > 1 else {}),
    }


def _names(before: Any, model: Any, count: int) -> Any:
    names = _attribute(model, "feature_names_in_")
    if names is None and before is not None:
        try:
            names = before.get_feature_names_out()
        except Exception:  # noqa: BLE001 - a step of the user's, or one that has no names for what it makes
            return None
    return names if names is not None and len(names) == count else None


def _attribute(model: Any, name: str) -> Any:
    try:
        return getattr(model, name, None)
    except Exception:  # noqa: BLE001 - a property that is not there for every kind of model, or the user's own
        return None
