"""Loops over ``partial_fit``: one run for each estimator, one point for each call.

The run is opened by the first call. By call, counted from 0, it holds

- ``training_score``: ``score`` on the very batch, after the call; a tenth of the time that ``partial_fit`` takes, or
  50 ms in all, may go into that, so a curve may have gaps;
- ``loss`` and ``inertia``, where the estimator keeps them.

It ends with ``partial_fit_calls``, ``fit_time``, the seconds of all calls, and the model: when the estimator is fitted
afresh or was let go by the program, when a good many other trainings have come since its last call, when your own run
around it ends, or with the program. An estimator that the program has let go leaves no model. A call that raises ends
the run as FAILED.
"""

from __future__ import annotations

import threading
import time
import weakref
from typing import Any

from autotrack import models
from autotrack.hooks import Call, Steps, aside
from autotrack_sklearn import curves, refits, trained
from autotrack_sklearn.convergence import Listening
from autotrack_sklearn.estimator import parameters, tags, title, trains
from autotrack_sklearn.flavor import FLAVOR
from autotrack_sklearn.integration import INTEGRATION, SklearnOptions, chosen

PATIENCE = 8
"""So many trainings of others may come in a thread between two calls before a loop there counts as over; twice as many
as came at most so far, if that is more."""
SHARE = 0.1
LEAST = 0.05
FEW_ROWS = 200
FEW_CALLS = 20
"""Of so many calls, batches as small as that are scored whatever it takes."""
VALUES = {"loss_": "loss", "inertia_": "inertia"}


class Loop:
    """One estimator that is trained call by call. It is not kept alive, nor is a batch."""

    def __init__(self, estimator: Any, options: SklearnOptions) -> None:
        self.run, self._owned = INTEGRATION.open_run()
        self.ref = weakref.ref(estimator)
        self._options = options
        self.calls = 0
        self._seconds = 0.0
        self._scoring = 0.0
        self._signature: Any = None
        self._last_ms = self.run.started
        self.thread = threading.get_ident()
        """Where the last call was made."""
        self.gap = 0
        """Trainings of others there since that call."""
        self.longest_gap = 0
        self._over = False
        run = self.run
        run.trained(title(estimator))
        run.tags({**tags(estimator), "autotrack.sklearn.function": "partial_fit"})
        refits.count(estimator, run)
        with INTEGRATION.attempt("parameters"):
            run.params(parameters(estimator))
        run.before_end.append(self._conclude)
        if self._owned and run.parent is not None:
            run.parent.before_end.append(run.end)

    @property
    def open(self) -> bool:
        """Whether more calls may be recorded."""
        return not self._over and not self.run.ended

    def took(self, call: Call) -> None:
        """A call has returned."""
        step, self.calls = self.calls, self.calls + 1
        self._seconds += call.duration
        self.longest_gap, self.gap, self.thread = max(self.gap, self.longest_gap), 0, threading.get_ident()
        estimator = call.instance
        state = getattr(estimator, "__dict__", {})
        found = {name: state[key] for key, name in VALUES.items() if isinstance(state.get(key), float)}
        data, targets = call.arguments.get("X"), call.arguments.get("y")
        if self._options.log_training_metrics and targets is not None and self._affordable(data):
            with INTEGRATION.attempt("score of a batch"):
                found |= self._score(estimator, data, targets, call.arguments.get("sample_weight"))
        if found:
            self.run.metrics(found, step=step)
        if step == 0 and self._options.log_models and self._options.log_model_signatures:
            self._sign(estimator, data)
        self._last_ms = time.time_ns() // 1_000_000

    def end(self, status: str = "FINISHED", error: BaseException | None = None) -> None:
        """No call will come any more."""
        if self._owned:
            self.run.end(status, error, time_ms=None if error else self._last_ms)
        else:
            self._conclude()

    def _conclude(self) -> None:
        if self._over:
            return
        self._over = True
        run, estimator = self.run, self.ref()
        run.metrics({"partial_fit_calls": self.calls, "fit_time": self._seconds})
        if estimator is not None:
            with INTEGRATION.attempt("results"):
                run.metrics(curves.results(estimator))
        if not self._options.log_models:
            return
        if estimator is None:
            run.tags({"autotrack.sklearn.model": "not kept: the program had let it go before the loop was over"})
            return
        with INTEGRATION.attempt("model"):
            name = self._options.registered_model_name
            models.log(run, estimator, flavor=FLAVOR, signature=self._signature, registered_model_name=name)

    def _affordable(self, data: Any) -> bool:
        if self.calls <= FEW_CALLS and getattr(data, "shape", (FEW_ROWS + 1,))[0] <= FEW_ROWS:
            return True
        return self._scoring <= max(LEAST, SHARE * self._seconds) * self.calls / (self.calls + 1)

    def _score(self, estimator: Any, data: Any, targets: Any, weight: Any) -> dict[str, Any]:
        from autotrack_sklearn.owncode import effect  # scikit-learn, which is training
        from autotrack_sklearn.quiet import quiet  # the same

        if not hasattr(estimator, "score") or hasattr(data, "__next__") or effect(estimator, scoring=True) is not None:
            return {}
        started = time.perf_counter()
        try:
            with aside():
                weights = {} if weight is None else {"sample_weight": weight}
                return {"training_score": quiet(estimator).score(data, targets, **weights)}
        finally:
            self._scoring += time.perf_counter() - started

    def _sign(self, estimator: Any, data: Any) -> None:
        from autotrack_sklearn.training import output  # scikit-learn, which is training

        with INTEGRATION.attempt("signature"), aside():
            answer = output(estimator, data)
            if answer is not None:
                self._signature = models.infer_signature(data, answer)


_loops: dict[int, Loop] = {}
"""The loops that may go on, by the ``id`` of their estimator."""
_lock = threading.RLock()


def partial_fit(call: Call) -> Steps:
    """Record one call of a loop, in the loop's run."""
    estimator = call.instance
    if not trains(estimator):
        return
    loop = _loops.get(id(estimator))
    if loop is None or loop.ref() is not estimator or not loop.open:
        pass_by()
        loop = Loop(estimator, chosen(call))
        with _lock:
            _loops[id(estimator)] = loop
    elif len(_loops) > 1:
        pass_by(loop)
    try:
        with Listening(call) as heard:
            yield
    except GeneratorExit:
        over(estimator, call.error)
        raise
    loop.took(call)
    trained.remember(estimator, loop.run).step = loop.calls - 1
    if heard.messages:
        loop.run.tags(heard.tags())


def pass_by(mine: Loop | None = None) -> None:
    """A training begins, or a call of one: end the loops that are over."""
    ended: list[Loop] = []
    with _lock:
        for key, loop in list(_loops.items()):
            if loop is mine:
                continue
            loop.gap += loop.thread == threading.get_ident()
            if loop.ref() is None or not loop.open or loop.gap > max(PATIENCE, 2 * loop.longest_gap):
                ended.append(_loops.pop(key))
    for loop in ended:
        loop.end()


def over(estimator: Any, error: BaseException | None = None) -> None:
    """End the loop of an estimator, if there is one: it is fitted afresh, or has failed."""
    with _lock:
        loop = _loops.get(id(estimator))
        if loop is None or loop.ref() is not estimator:
            return
        del _loops[id(estimator)]
    if error is None:
        loop.end()
    else:
        loop.end("FAILED" if isinstance(error, Exception) else "KILLED", error)
