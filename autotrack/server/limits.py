"""What names and values may be: MLflow's rules, with its messages."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Collection, Sequence

from autotrack.exceptions import AutotrackException

METRICS, PARAMS, TAGS, TOGETHER = 1000, 100, 100, 1000
"""What one batch may hold."""
KEY, EXPERIMENT_NAME, ARTIFACT_LOCATION = 250, 500, 2048
VALUE = 65_536
"""Characters of a parameter or tag that are kept; MLflow keeps 6,000 and 8,000, and cuts off the rest like this."""
EXPERIMENT_TAG, REGISTRY_VALUE = 20_000, 100_000
DATASETS, EXPERIMENTS = 1000, 20
DATASET = {"name": 500, "digest": 36, "schema": 1_048_575, "source": 65_535, "profile": 16_777_215}

_NAME = re.compile(r"[/\w.\- :]*")
_ID = re.compile(r"[a-zA-Z0-9][\w\-]{0,255}")
_SEEN_MOST = 20_000
_seen: set[str] = set()


def key(name: str, path: str = "name") -> str:
    """The key of a metric, parameter or tag."""
    if name in _seen:
        return name
    if len(name) > KEY:
        raise AutotrackException.invalid(
            f"'{path}' exceeds the maximum length of {KEY} characters, with {len(name)} characters"
        )
    if not _NAME.fullmatch(name):
        raise AutotrackException.invalid(
            f"Invalid value {json.dumps(name)[:300]} for parameter '{path}' supplied: Names may only contain "
            "alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/)."
        )
    normal = posixpath.normpath(name)
    if normal != name or normal == "." or normal.startswith(("..", "/")):
        raise AutotrackException.invalid(
            f"Invalid value {json.dumps(name)[:300]} for parameter '{path}' supplied: Names may be treated as files in "
            f"certain cases, and must not resolve to other names when treated as such. This name would resolve to "
            f"{normal[:300]!r}"
        )
    if len(_seen) >= _SEEN_MOST:
        _seen.clear()
    _seen.add(name)
    return name


def value(text: str) -> str:
    """The value of a parameter or tag, as much of it as is kept."""
    return text if len(text) <= VALUE else text[:VALUE]


def short(text: str, most: int, what: str) -> str:
    """A text that may not be longer than that."""
    if len(text) > most:
        raise AutotrackException.invalid(
            f"'{what}' exceeds the maximum length of {most} characters, with {len(text)} characters"
        )
    return text


def batch(metrics: Collection[object], params: Sequence[object], tags: Sequence[object]) -> None:
    """How much one batch may hold."""
    for name, count, most in (
        ("metrics", len(metrics), METRICS),
        ("params", len(params), PARAMS),
        ("tags", len(tags), TAGS),
        ("metrics, params, and tags", len(metrics) + len(params) + len(tags), TOGETHER),
    ):
        if count > most:
            raise AutotrackException.invalid(
                f"A batch logging request can contain at most {most} {name}. Got {count} {name}. Please split up "
                f"{name} across multiple requests and try again."
            )


def identifier(text: str, what: str) -> str:
    """An id that a client chooses or names: a word, never a path."""
    if not _ID.fullmatch(text):
        raise AutotrackException.invalid(f"Invalid {what}: {text[:300]!r}")
    return text


def new_run_id(text: str) -> str:
    """The id that a client gives a run it makes."""
    if not re.fullmatch(r"[0-9a-f]{32}", text):
        raise AutotrackException.invalid(f"{text[:300]!r} is no id for a run: choose 32 hexadecimal digits")
    return text


def page(most: int | None, default: int, largest: int) -> int:
    """How many rows a page has."""
    if most is None:
        return default
    if not 0 < most <= largest:
        raise AutotrackException.invalid(
            f"Invalid value {most} for parameter 'max_results' supplied: it must be at least 1 and at most {largest}"
        )
    return most
