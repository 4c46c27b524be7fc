"""Keep what joblib's workers do for a recorded fit out of the record.

Nothing is recorded of joblib itself. A grid search that is being recorded hands its candidates to threads or
processes; there each candidate's ``fit`` would look like a training of its own. So the mark "inside a recorded fit"
travels with every task that is handed out during one, whatever the backend. Tasks that the program itself hands out
carry no mark: what they train is recorded, in threads and in worker processes. Those that joblib starts under
``autotrack.autolog()`` record into the same place; under ``autotrack.<framework>.autolog()`` alone they do not.

This goes on together with the integrations that need it; there is nothing to configure. The mark is an
attribute of the task's keyword arguments, an `OrderedDict` then, so the task runs where autotrack is not installed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from functools import partial
from typing import Any

from autotrack.hooks import Call, Integration, inside, worker_environment

__all__ = ["INTEGRATION", "autolog"]

INTEGRATION = Integration("joblib", supports=">=1.2")

autolog = INTEGRATION.autolog

MARK = "_autotrack_inside"

Task = tuple[Any, tuple[Any, ...], dict[str, Any]]


@INTEGRATION.relay("joblib.parallel:Parallel.__call__")
def hand_out(_parallel: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, None] | None:
    """Mark the tasks that are handed out inside a recorded fit."""
    outer = inside.get()
    if outer is None or len(args) != 1:
        return None
    tasks = args[0]
    marked: Iterator[Task] = map(partial(_marked, outer.integration if isinstance(outer, Call) else outer), tasks)
    return (_Sized(marked, len(tasks)) if hasattr(tasks, "__len__") else marked,), kwargs, None


@INTEGRATION.relay("joblib.parallel:BatchedCalls.__call__")
def take_up(batch: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, str] | None:
    """Run marked tasks under their mark; those of one batch were handed out together."""
    for _, _, keywords in batch.items:
        mark = getattr(keywords, MARK, None)
        return (args, kwargs, mark) if isinstance(mark, str) else None
    return None


@INTEGRATION.watch("joblib._parallel_backends:ParallelBackendBase._prepare_worker_env")
def equip(_backend: Any, _args: tuple[Any, ...], _kwargs: dict[str, Any], variables: Any) -> None:
    """Have the worker processes that are about to be started record too."""
    variables.update(worker_environment())


def _marked(mark: str, task: Task) -> Task:
    function, args, keywords = task
    # Neither the function nor the task itself can carry it: loky pickles what it knows of a `partial` alone.
    marked = OrderedDict(keywords)
    setattr(marked, MARK, mark)
    return function, args, marked


class _Sized:
    """Tasks whose number is known: joblib tells it when it reports progress."""

    def __init__(self, tasks: Iterator[Task], count: int) -> None:
        self._tasks = tasks
        self._count = count

    def __iter__(self) -> Iterator[Task]:
        return self._tasks

    def __len__(self) -> int:
        return self._count
