"""Loops that call ``Booster.update`` or ``Booster.boost`` themselves: one run for each booster.

The run is opened by the first call. By iteration it holds ``round_time``, the seconds of the call, and what the program
had ``Booster.eval`` or ``eval_set`` compute; what it computes by other means is not seen. The run ends with
``fit_time``, the seconds of all calls, ``trees``, the importances and the model: when another training begins and the
booster was let go by the program or has had none of the last 32 trainings, when your own run around it ends, or with
the program. A booster that the program has let go by then leaves its curves and parameters, but no model. A call that
raises ends the run as FAILED.
"""

from __future__ import annotations

from typing import Any

from autotrack.hooks import Call, Loop, Loops, Options, Steps
from autotrack.models import ModelSignature
from autotrack.models.signature import schema
from autotrack_xgboost.config import Config, key_of
from autotrack_xgboost.ending import Ending
from autotrack_xgboost.inputs import used
from autotrack_xgboost.integration import INTEGRATION


class Updates(Loop):
    """One booster that is trained call by call. It is not kept alive, nor are the data."""

    def __init__(self, call: Call) -> None:
        super().__init__(call.instance, *INTEGRATION.open_run())
        self._ending = Ending(call)
        self._step = -1
        self._inputs: Any = None

    def took(self, call: Call, options: Options) -> None:
        """A call has returned."""
        first = self._step < 0
        iteration = call.arguments["iteration"]
        self._step = iteration if isinstance(iteration, int) and iteration > self._step else self._step + 1
        self.seconds += call.duration
        self.others = 0
        self.run.metrics({"round_time": call.duration}, step=self._step)
        if first:
            self._describe(call.instance, call.arguments["dtrain"], options)
        self.touch()

    def evaluated(self, text: str) -> None:
        """The program has had the booster evaluated; the text is XGBoost's answer."""
        found = (part.rpartition(":") for part in text.split("\t")[1:])
        self.run.metrics({key_of(*name.split("-", 1)): float(value) for name, _, value in found}, step=self._step)
        self.touch()

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

    def conclude(self, model: Any) -> None:
        """The importances and the model, if all calls have come to their end."""
        run = self.run
        run.metrics({"fit_time": self.seconds})
        if self._step < 0 or self.failed:
            return
        if model is None:
            run.tags({"autotrack.xgboost.model": "not kept: the program had let it go before the loop was over"})
            return
        self._ending.describe(run, model)
        self._ending.keep(run, model, lambda: ModelSignature(self._inputs, Config(model).answer))


_loops: Loops[Updates] = Loops()
pass_by = _loops.pass_by


@INTEGRATION.hook("xgboost.core:Booster.update", "xgboost.core:Booster.boost")
def update(call: Call) -> Steps:
    """Record one round of a loop, in the loop's run."""
    loop = _loops.of(call.instance)
    if loop is None:
        pass_by()
        loop = Updates(call)
        _loops.add(call.instance, loop)
    try:
        yield
    except GeneratorExit:
        if call.error is not None:
            _loops.over(call.instance, call.error)
        raise
    loop.took(call, call.options)


@INTEGRATION.hook("xgboost.core:Booster.eval_set")
def evaluated(call: Call) -> Steps:
    """Record what the program has a booster evaluate between the rounds of a loop."""
    loop = _loops.of(call.instance)
    if loop is None:
        return
    result = yield
    loop.evaluated(result)
