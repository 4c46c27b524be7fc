"""The batches that a program takes from its loaders."""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from time import perf_counter
from typing import Any

from torch.utils.data.dataloader import _BaseDataLoaderIter

from autotrack.hooks import STOPPED
from autotrack_torch.passes import under_way
from autotrack_torch.standin import failed, hide, put
from autotrack_torch.steady import STEPPED, TAKEN
from autotrack_torch.tasks import present


def watch() -> Callable[[], None]:
    """Look at every batch from now on; returns what ends that."""
    return put(_BaseDataLoaderIter, "__next__", _make)


def _make(original: Any) -> Any:
    def __next__(self: Any) -> Any:  # noqa: N807 - it takes this very method's place
        started = perf_counter()
        try:
            batch = original(self)
        except StopIteration:
            _took(self, STOPPED, started)
            raise
        except BaseException as error:
            hide(error)
            raise
        loop = present()
        steady = loop.steady if loop is not None else None
        if steady is not None and steady.at == STEPPED and steady.iterator() is self and steady.thread == get_ident():
            steady.at = TAKEN
            steady.waited += perf_counter() - started
        else:
            _took(self, batch, started)
        return batch

    return __next__


def _took(iterator: Any, batch: Any, started: float) -> None:
    pass_ = under_way.get(id(iterator))
    if pass_ is None:
        return
    loop = pass_.loop
    if loop is None or loop is not present() or loop.thread != get_ident():
        return
    pass_.waited += perf_counter() - started
    try:
        if batch is STOPPED:
            loop.end(pass_, complete=True)
        elif loop.steady is None or not loop.steady.take(pass_, batch):
            loop.advance(pass_, batch)
    except Exception as error:  # noqa: BLE001 - ours stops here
        failed("batch", error)
