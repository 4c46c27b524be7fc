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
from typing import Any

from autotrack import models
from autotrack.hooks import Call, Loop, Loops, Steps, aside
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


class PartialFits(Loop):
    """One estimator that is trained call by call. It is not kept alive, nor is a batch."""

    def __init__(self, estimator: Any, options: SklearnOptions) -> None:
        super().__init__(estimator, *INTEGRATION.open_run())
        self._options = options
        self.calls = 0
        self._scoring = 0.0
        self._signature: Any = None
        self.patience = PATIENCE
        run = self.run
        run.trained(title(estimator))
        run.tags({**tags(estimator), "autotrack.sklearn.function": "partial_fit"})
        refits.count(estimator, run)
        with INTEGRATION.attempt("parameters"):
            run.params(parameters(estimator))

    def took(self, call: Call) -> None:
        """A call has returned."""
        step, self.calls = self.calls, self.calls + 1
        self.seconds += call.duration
        self.patience, self.others = max(self.patience, 2 * self.others), 0
        self.thread = threading.get_ident()  # of the last call
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
        self.touch()

    def conclude(self, model: Any) -> None:
        """What the estimator has come to, and the model."""
        run = self.run
        run.metrics({"partial_fit_calls": self.calls, "fit_time": self.seconds})
        if model is not None:
            with INTEGRATION.attempt("results"):
                run.metrics(curves.results(model))
        if not self._options.log_models:
            return
        if model is None:
            run.tags({"autotrack.sklearn.model": "not kept: the program had let it go before the loop was over"})
            return
        with INTEGRATION.attempt("model"):
            name = self._options.registered_model_name
            models.log(run, model, flavor=FLAVOR, signature=self._signature, registered_model_name=name)

    def _affordable(self, data: Any) -> bool:
        if self.calls <= FEW_CALLS and getattr(data, "shape", (FEW_ROWS + 1,))[0] <= FEW_ROWS:
            return True
        return self._scoring <= max(LEAST, SHARE * self.seconds) * self.calls / (self.calls + 1)

    def _score(self, estimator: Any, data: Any, targets: Any, weight: Any) -> dict[str, Any]:
        from autotrack_sklearn.owncode import effect  # scikit-learn, which is training
        from autotrack_sklearn.quiet import quiet  # the same
        from autotrack_sklearn.training import by_row  # the same

        weight = by_row(weight)
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


_loops: Loops[PartialFits] = Loops()
pass_by, over = _loops.pass_by, _loops.over


def partial_fit(call: Call) -> Steps:
    """Record one call of a loop, in the loop's run."""
    estimator = call.instance
    if not trains(estimator):
        return
    loop = _loops.of(estimator)
    if loop is None:
        pass_by()
        loop = PartialFits(estimator, chosen(call))
        _loops.add(estimator, loop)
    else:
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
