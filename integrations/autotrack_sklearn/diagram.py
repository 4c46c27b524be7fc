"""An estimator as a picture: boxes in boxes, each with the parameters that are its own."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

DEPTH = 6
BOXES = 200
TEXT = 200
_STYLE = (
    "body{font:14px system-ui,sans-serif}details{border:1px solid #9ab;border-radius:6px;margin:6px;padding:4px 8px;"
    "background:#9ab2}summary{font-weight:600}table{font:12px monospace}td{padding:0 8px}.name{opacity:.6}"
)


def page(estimator: Any) -> str:
    """A page of its own: nothing is fetched, nothing runs."""
    left = [BOXES]
    title = escape(type(estimator).__name__)
    body = _box("", estimator, DEPTH, left)
    return f'<!doctype html><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>{body}\n'


def _box(name: str, estimator: Any, depth: int, left: list[int]) -> str:
    left[0] -= 1
    label = f'<span class="name">{escape(name[:TEXT])}</span> ' if name else ""
    if not hasattr(estimator, "get_params") or isinstance(estimator, type):
        return f"<details><summary>{label}{escape(_short(estimator))}</summary></details>"
    try:
        parameters = dict(estimator.get_params(deep=False))
    except Exception:  # noqa: BLE001 - a mock in an estimator's place, or one of the user's; its name is drawn
        parameters = {}
    rows, inner = [], []
    for key, value in parameters.items():
        parts = list(_parts(key, value))
        if parts and depth and left[0] > 0:
            inner += [_box(part, one, depth - 1, left) for part, one in parts if left[0] > 0]
        else:
            rows.append(f"<tr><td>{escape(key)}<td>{escape(_short(value))}")
    table = f"<table>{''.join(rows)}</table>" if rows else ""
    opened = " open" if inner else ""
    name = escape(type(estimator).__name__)
    return f"<details{opened}><summary>{label}{name}</summary>{table}{''.join(inner)}</details>"


def _parts(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if hasattr(value, "get_params") and not isinstance(value, type):
        yield key, value
    elif isinstance(value, (list, tuple)):
        for item in value[:BOXES]:
            if isinstance(item, tuple) and len(item) >= 2 and isinstance(item[0], str):
                yield item[0], item[1]


def _short(value: Any) -> str:
    kind = type(value)
    scalar = kind.__module__ == "numpy" and not getattr(value, "shape", True)
    if value is None or kind in (str, int, float, bool) or scalar:
        return repr(value)[:TEXT]
    if kind in (list, tuple) and len(value) <= 20:
        return f"[{', '.join(map(_short, value))}]"[:TEXT]
    return str(getattr(value, "__name__", kind.__name__))[:TEXT]
