"""What a program itself writes for TensorBoard: its scalars, at its steps, under its names."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping
from threading import local
from typing import Any

from autotrack.hooks import Run, current, inside
from autotrack_torch import events, naming, owner
from autotrack_torch.integration import INTEGRATION

_OURS = frozenset(("train", "train_eval", "val", "test", "step", "lr", "grad_norm", "training_seconds"))
"""How the names begin that have a meaning here."""
_MOST = 1000
"""Scalars that may wait for a training to begin."""

Point = tuple[str, Any, int, int]
"""Name, value, step, time in ms since 1970."""


class _Here(local):
    """What one thread has written."""

    def __init__(self) -> None:
        self.written: deque[float] = deque(maxlen=_MOST)
        """What the values of the call under way became."""
        self.early: deque[Point] = deque(maxlen=_MOST)
        """What was written before there was a run."""


_here = _Here()


def converted(_function: Any, _args: Any, _kwargs: Any, summary: Any) -> None:
    """The writer has made a number of what it was given, and has waited for a device where it had to."""
    value = summary.value[0]
    if value.HasField("tensor"):
        (number,) = value.tensor.double_val or value.tensor.float_val
        _here.written.append(number)
    else:
        _here.written.append(value.simple_value)


def added(_writer: Any, args: Any, kwargs: Any, _result: Any) -> None:
    """``add_scalar`` was called."""
    tag, value, step, when = _four(args, kwargs, ("tag", "scalar_value", "global_step", "walltime"))
    _add({str(tag): value}, step, when)


def added_several(_writer: Any, args: Any, kwargs: Any, _result: Any) -> None:
    """``add_scalars`` was called."""
    tag, values, step, when = _four(args, kwargs, ("main_tag", "tag_scalar_dict", "global_step", "walltime"))
    if isinstance(values, Mapping):
        _add({f"{tag}/{name}": value for name, value in values.items()}, step, when)


def chosen(_writer: Any, args: Any, kwargs: Any, _result: Any) -> None:
    """``add_hparams`` was called; its metrics have come as scalars."""
    run = _run()
    given = args[0] if args else kwargs.get("hparam_dict")
    if run is not None and isinstance(given, Mapping):
        run.params({name: value for name, value in given.items() if isinstance(value, str | int | float | bool)})


def _add(values: dict[str, Any], step: Any, when: Any) -> None:
    written = list(_here.written)
    _here.written.clear()
    if inside.get() is not None or len(written) != len(values):
        return  # the fit around this is recorded already, or the writer is another one
    if not isinstance(step, int):
        if not getattr(step, "is_cpu", True):
            return  # a device would have to be waited for once more
        step = int(step or 0)
    time_ms = int((time.time() if when is None else when) * 1000)
    points = [
        (_key(name), value if type(value) in (int, float) else number, step, time_ms)
        for (name, value), number in zip(values.items(), written, strict=True)
    ]
    run = _run()
    if run is None:
        _here.early.extend(points)
        return
    for key, value, at, time_ms in (*_earlier(), *points):
        run.metric(key, value, at, time_ms=time_ms)


def _earlier() -> Iterator[Point]:
    early = _here.early
    while early:
        yield early.popleft()


def _run() -> Run | None:
    """The run of the training that goes on here, or the one that the program has open; none is opened for this."""
    training = events.training()
    if training is not None:
        last = max(known.last for known in training.by_name)
        if any(facts.born > last for facts in owner.waiting(training.thread)):
            return None  # the next one is about to begin, and this may be its own
        return training.run  # type: ignore[no-any-return]  # a `Training`, which needs torch
    run = current.current()
    return None if run is None or (INTEGRATION.options.exclusive and not run.managed) else run


def _key(tag: str) -> str:
    first = tag.partition("/")[0]
    return f"tensorboard/{tag}" if first in _OURS or naming.is_given(first) else tag


def _four(args: tuple[Any, ...], kwargs: Mapping[str, Any], names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(args[at] if len(args) > at else kwargs.get(name) for at, name in enumerate(names))
