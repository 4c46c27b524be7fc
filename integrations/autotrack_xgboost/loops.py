"""Loops that call ``Booster.update`` or ``Booster.boost`` themselves: one run for each booster.

The run is opened by the first call. By iteration it holds ``round_time``, the seconds of the call, and what the program
had ``Booster.eval`` or ``eval_set`` compute; what it computes by other means is not seen. The run ends with
``fit_time``, the seconds of all calls, ``trees``, the importances and the model: when another training begins and the
booster was let go by the program or has had none of the last 32 trainings, when your own run around it ends, or with
the program. A booster that the program has let go by then leaves its curves and parameters, but no model. A call that
raises ends the run as FAILED.
"""

from __future__ import annotations

import threading
import time
import weakref
from typing import Any

from autotrack.hooks import Call, Options, Steps
from autotrack.models import ModelSignature
from autotrack.models.signature import schema
from autotrack_xgboost.config import Config, key_of
from autotrack_xgboost.ending import Ending
from autotrack_xgboost.inputs import used
from autotrack_xgboost.integration import INTEGRATION

PATIENCE = 32
"""So many other trainings may begin in the loop's thread since its last call before it counts as over."""


class Loop:
    """One booster that is trained call by call. It is not kept alive, nor are the data."""

    def __init__(self, call: Call) -> None:
        self.run, self._owned = INTEGRATION.open_run()
        self.ref = weakref.ref(call.instance)
        self.others = 0
        """The trainings that began since the last call."""
        self.thread = threading.get_ident()
        self._ending = Ending(call)
        self._step = -1
        self._seconds = 0.0
        self._inputs: Any = None
        self._last_ms = self.run.started
        self._over = False
        self._whole = True
        self.run.before_end.append(self._conclude)
        if self._owned and self.run.parent is not None:
            self.run.parent.before_end.append(self.run.end)

    @property
    def open(self) -> bool:
        """Whether more calls may be recorded."""
        return not self._over and not self.run.ended

    def took(self, call: Call, options: Options) -> None:
        """A call has returned."""
        first = self._step < 0
        iteration = call.arguments["iteration"]
        self._step = iteration if isinstance(iteration, int) and iteration > self._step else self._step + 1
        self._seconds += call.duration
        self.others = 0
        self.run.metrics({"round_time": call.duration}, step=self._step)
        if first:
            self._describe(call.instance, call.arguments["dtrain"], options)
        self._last_ms = time.time_ns() // 1_000_000

    def evaluated(self, text: str) -> None:
        """The program has had the booster evaluated; the text is XGBoost's answer."""
        found = (part.rpartition(":") for part in text.split("\t")[1:])
        self.run.metrics({key_of(*name.split("-", 1)): float(value) for name, _, value in found}, step=self._step)
        self._last_ms = time.time_ns() // 1_000_000

    def end(self, status: str = "FINISHED", error: BaseException | None = None) -> None:
        """No call will come any more."""
        self._whole = error is None
        if self._owned:
            self.run.end(status, error, time_ms=None if error else self._last_ms)
        else:
            self._conclude()

    def _describe(self, booster: Any, matrix: Any, options: Options) -> None:
        with INTEGRATION.attempt("parameters"):
            config = Config(booster)
            self.run.trained(f"XGBoost {config.objective}")
            self.run.params(config.filled_in({}))
        if options.log_datasets:
            with INTEGRATION.attempt("data sets"):
                self.run.dataset(used(matrix, "dataset", "train"))
        if options.log_models and options.log_model_signatures:
            with INTEGRATION.attempt("signature"):
                self._inputs = schema(matrix)

    def _conclude(self) -> None:
        if self._over:
            return
        self._over = True
        run, booster = self.run, self.ref()
        run.metrics({"fit_time": self._seconds})
        if self._step < 0 or not self._whole:
            return
        if booster is None:
            run.tags({"autotrack.xgboost.model": "not kept: the program had let it go before the loop was over"})
            return
        self._ending.describe(run, booster)
        self._ending.keep(run, booster, lambda: ModelSignature(self._inputs, Config(booster).answer))


_loops: dict[int, Loop] = {}
"""The loops that may go on, by the ``id`` of their booster."""
_lock = threading.RLock()


@INTEGRATION.hook("xgboost.core:Booster.update", "xgboost.core:Booster.boost")
def update(call: Call) -> Steps:
    """Record one round of a loop, in the loop's run."""
    booster = call.instance
    loop = _loops.get(id(booster))
    if loop is None or loop.ref() is not booster or not loop.open:
        pass_by()
        loop = Loop(call)
        with _lock:
            _loops[id(booster)] = loop
    try:
        yield
    except GeneratorExit:
        if call.error is not None:
            _failed(loop, call.error)
        raise
    loop.took(call, call.options)


@INTEGRATION.hook("xgboost.core:Booster.eval_set")
def evaluated(call: Call) -> Steps:
    """Record what the program has a booster evaluate between the rounds of a loop."""
    loop = _loops.get(id(call.instance))
    if loop is None or loop.ref() is not call.instance or not loop.open:
        return
    result = yield
    loop.evaluated(result)


def pass_by() -> None:
    """A training begins: end the loops that are over."""
    if not _loops:
        return
    ended: list[Loop] = []
    thread = threading.get_ident()
    with _lock:
        for key, loop in list(_loops.items()):
            loop.others += loop.thread == thread
            if loop.ref() is None or not loop.open or loop.others > PATIENCE:
                ended.append(_loops.pop(key))
    for loop in ended:
        loop.end()


def _failed(loop: Loop, error: BaseException) -> None:
    with _lock:
        for key, one in list(_loops.items()):
            if one is loop:
                del _loops[key]
    loop.end("FAILED" if isinstance(error, Exception) else "KILLED", error)
