"""Loops that call ``Booster.update`` themselves: one run for each booster.

The run is opened by the first call. By iteration it holds ``round_time``, the seconds of the call, and what the program
had ``eval_train``, ``eval_valid`` or ``eval`` compute; what it computes by other means is not seen. The run ends with
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

from autotrack import models
from autotrack.hooks import Call, Steps
from autotrack.models import ModelSignature
from autotrack_lightgbm.booster import chosen, importances, named
from autotrack_lightgbm.flavor import FLAVOR
from autotrack_lightgbm.inputs import Inputs, answer, of_booster
from autotrack_lightgbm.integration import INTEGRATION
from autotrack_lightgbm.rounds import key_of

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
        self._options = call.options
        self._rounds = 0
        self._seconds = 0.0
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

    def took(self, call: Call) -> None:
        """A call has returned."""
        booster: Any = call.instance
        self._rounds += 1
        self._seconds += call.duration
        self.others = 0
        self.run.metrics({"round_time": call.duration}, step=booster.current_iteration() - 1)
        if self._rounds == 1:
            self._describe(booster)
        self._last_ms = time.time_ns() // 1_000_000

    def evaluated(self, booster: Any, found: list[tuple[Any, ...]]) -> None:
        """The program has had the booster evaluated."""
        values = {key_of(one[0], one[1]): float(one[2]) for one in found}
        self.run.metrics(values, step=booster.current_iteration() - 1)
        self._last_ms = time.time_ns() // 1_000_000

    def end(self, status: str = "FINISHED", error: BaseException | None = None) -> None:
        """No call will come any more."""
        self._whole = error is None
        if self._owned:
            self.run.end(status, error, time_ms=None if error else self._last_ms)
        else:
            self._conclude()

    def _describe(self, booster: Any) -> None:
        with INTEGRATION.attempt("parameters"):
            given = named(booster.params)
            found = chosen(booster, given, ())
            self.run.trained(f"LightGBM {given.get('objective') or found.get('objective', '')}".strip())
            self.run.params({**given, **found})
        if self._options.log_datasets:
            with INTEGRATION.attempt("data sets"):
                Inputs({"train_set": booster.train_set}).record(self.run)

    def _conclude(self) -> None:
        if self._over:
            return
        self._over = True
        run, booster = self.run, self.ref()
        run.metrics({"fit_time": self._seconds})
        if not self._rounds or not self._whole:
            return
        if booster is None:
            run.tags({"autotrack.lightgbm.model": "not kept: the program had let it go before the loop was over"})
            return
        run.metrics({"trees": booster.num_trees()})
        with INTEGRATION.attempt("feature importances"):
            for kind, text in importances(booster):
                run.text(text, f"feature_importance_{kind}.json")
        if self._options.log_models:
            with INTEGRATION.attempt("model"):
                signature = None
                if self._options.log_model_signatures:
                    with INTEGRATION.attempt("signature"):
                        signature = ModelSignature(of_booster(booster), answer(booster))
                name = self._options.registered_model_name
                models.log(run, booster, flavor=FLAVOR, signature=signature, registered_model_name=name)


_loops: dict[int, Loop] = {}
"""The loops that may go on, by the ``id`` of their booster."""
_lock = threading.RLock()


@INTEGRATION.hook("lightgbm.basic:Booster.update")
def update(call: Call) -> Steps:
    """Record one round of a loop, in the loop's run."""
    loop = _of(call.instance)
    if loop is None:
        pass_by()
        loop = Loop(call)
        with _lock:
            _loops[id(call.instance)] = loop
    try:
        yield
    except GeneratorExit:
        if call.error is not None:
            with _lock:
                _loops.pop(id(call.instance), None)
            loop.end("FAILED" if isinstance(call.error, Exception) else "KILLED", call.error)
        raise
    loop.took(call)


@INTEGRATION.hook(
    "lightgbm.basic:Booster.eval_train", "lightgbm.basic:Booster.eval_valid", "lightgbm.basic:Booster.eval"
)
def evaluated(call: Call) -> Steps:
    """Record what the program has a booster evaluate between the rounds of a loop."""
    loop = _of(call.instance)
    if loop is None:
        return
    found = yield
    loop.evaluated(call.instance, found)


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


def _of(booster: Any) -> Loop | None:
    loop = _loops.get(id(booster))
    return loop if loop is not None and loop.ref() is booster and loop.open else None
