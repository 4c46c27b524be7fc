"""Whether more or less of a metric is better, as its name tells."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

BEST_TAG = "autotrack.best."
"""Before a metric's key, the tag of an experiment that says which of its values is the best: "min" or "max"."""
SIGNS = {"min": -1, "max": 1}
_LOWER = re.compile(
    r"loss|err|mse|mae|mape|rmsle|deviance|perplexity|nll|divergence|(^|[^a-z])(wer|cer|ppl|eer|fpr|fnr)([^a-z]|$)"
)
_HIGHER = re.compile(
    r"acc|auc|f1|f_?beta|precision|recall|(^|[^a-z])(r2|map|ndcg|iou|dice|mcc|ap|tpr|tnr|bleu|rouge|score)([^a-z]|$)"
)
_ABOUT_THE_WORK = re.compile(
    r"(^|[^a-z])(lr|learning_rate|grad|norm|time|seconds|epoch|iteration|step|system|memory|throughput)([^a-z]|$)"
)


def direction(key: str) -> int:
    """-1 if a lower value of this metric is better, 1 if a higher one is, 0 if neither can be said."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower().replace("_", "-")
    if _ABOUT_THE_WORK.search(words) and not _LOWER.search(words):
        return 0
    # A "neg_mean_squared_error" is turned round so that higher is better.
    lower, higher = _LOWER.search(words), _HIGHER.search(words)
    if lower:
        return 1 if re.search(r"(^|-)neg-", words) else -1
    return 1 if higher else 0


def better(key: str, said: Iterable[str | None]) -> int:
    """The same where experiments may have tags that say it: as these do if they agree, else as the name does."""
    words = [word for word in dict.fromkeys(said) if word is not None]
    return SIGNS.get(words[0], direction(key)) if len(words) == 1 else direction(key)


def best(key: str, values: Iterable[float]) -> float | None:
    """The best value that a metric reached; ``None`` where no better and worse is known for it."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite or not (sign := direction(key)):
        return None
    return min(finite) if sign < 0 else max(finite)
