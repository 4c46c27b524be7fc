"""Which loop goes on in this thread or task."""

from __future__ import annotations

import sys
from contextvars import ContextVar
from threading import get_ident
from typing import Any

from torch.utils.data import get_worker_info

from autotrack_torch.loop import Loop

_loop: ContextVar[Loop | None] = ContextVar("autotrack_torch_loop", default=None)


def here() -> Loop | None:
    """The state of this thread or task; ``None`` where nothing is to be recorded: in a loader's worker."""
    loop = _loop.get()
    if loop is None or loop.thread != get_ident():  # a thread may be given a copy of another one's context
        if get_worker_info() is not None:
            return None
        loop = Loop(_task())
        _loop.set(loop)
    return loop


def here_in_task() -> Loop | None:
    """The same where something may begin: a task that has inherited the state of what started it gets its own."""
    loop = here()
    task = _task()
    if loop is not None and (loop.task() if loop.task is not None else None) is not task:
        loop = Loop(_task())
        _loop.set(loop)
    return loop


def _task() -> Any:
    asyncio = sys.modules.get("asyncio")
    return None if asyncio is None or asyncio._get_running_loop() is None else asyncio.current_task()


present = _loop.get
"""The state of this thread or task, if there is one yet; it may be another thread's, see `here`."""


def stop() -> None:
    """Nothing more is looked at; what is written down of a training is kept."""
    loop = _loop.get()
    if loop is not None:
        loop.pause()
        loop.pending.clear()
