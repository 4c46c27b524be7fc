"""Loops that call ``Booster.update`` themselves: one run for each booster.

The run is opened by the first call. By iteration it holds ``round_time``, the seconds of the call, and what the program
had ``eval_train``, ``eval_valid`` or ``eval`` compute; what it computes by other means is not seen. The run ends with
``fit_time``, the seconds of all calls, ``trees``, the importances and the model: when another training begins and the
booster was let go by the program or has had none of the last 32 trainings, when your own run around it ends, or with
the program. A booster that the program has let go by then leaves its curves and parameters, but no model. A call that
raises ends the run as FAILED.
"""

from __future__ import annotations

from typing import Any

from autotrack import models
from autotrack.hooks import Call, Loop, Loops, Steps
from autotrack.models import ModelSignature
from autotrack_lightgbm.booster import chosen, importances, named
from autotrack_lightgbm.flavor import FLAVOR
from autotrack_lightgbm.inputs import Inputs, answer, of_booster
from autotrack_lightgbm.integration import INTEGRATION
from autotrack_lightgbm.rounds import key_of


class Updates(Loop):
    """One booster that is trained call by call. It is not kept alive, nor are the data."""

    def __init__(self, call: Call) -> None:
        super().__init__(call.instance, *INTEGRATION.open_run())
        self._options = call.options
        self._rounds = 0

    def took(self, call: Call) -> None:
        """A call has returned."""
        booster: Any = call.instance
        self._rounds += 1
        self.seconds += call.duration
        self.others = 0
        self.run.metrics({"round_time": call.duration}, step=booster.current_iteration() - 1)
        if self._rounds == 1:
            self._describe(booster)
        self.touch()

    def evaluated(self, booster: Any, found: list[tuple[Any, ...]]) -> None:
        """The program has had the booster evaluated."""
        values = {key_of(one[0], one[1]): float(one[2]) for one in found}
        self.run.metrics(values, step=booster.current_iteration() - 1)
        self.touch()

    def _describe(self, booster: Any) -> None:
        with INTEGRATION.attempt("parameters"):
            given = named(booster.params)
            found = chosen(booster, given, ())
            self.run.trained(f"LightGBM {given.get('objective') or found.get('objective', '')}".strip())
            self.run.params({**given, **found})
        if self._options.log_datasets:
            with INTEGRATION.attempt("data sets"):
                Inputs({"train_set": booster.train_set}).record(self.run)

    def conclude(self, model: Any) -> None:
        """The importances and the model, if all calls have come to their end."""
        run = self.run
        run.metrics({"fit_time": self.seconds})
        if not self._rounds or self.failed:
            return
        if model is None:
            run.tags({"autotrack.lightgbm.model": "not kept: the program had let it go before the loop was over"})
            return
        run.metrics({"trees": model.num_trees()})
        with INTEGRATION.attempt("feature importances"):
            for kind, text in importances(model):
                run.text(text, f"feature_importance_{kind}.json")
        if self._options.log_models:
            with INTEGRATION.attempt("model"):
                signature = None
                if self._options.log_model_signatures:
                    with INTEGRATION.attempt("signature"):
                        signature = ModelSignature(of_booster(model), answer(model))
                name = self._options.registered_model_name
                models.log(run, model, flavor=FLAVOR, signature=signature, registered_model_name=name)


_loops: Loops[Updates] = Loops()
pass_by = _loops.pass_by


@INTEGRATION.hook("lightgbm.basic:Booster.update")
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
    loop.took(call)


@INTEGRATION.hook(
    "lightgbm.basic:Booster.eval_train", "lightgbm.basic:Booster.eval_valid", "lightgbm.basic:Booster.eval"
)
def evaluated(call: Call) -> Steps:
    """Record what the program has a booster evaluate between the rounds of a loop."""
    loop = _loops.of(call.instance)
    if loop is None:
        return
    found = yield
    loop.evaluated(call.instance, found)
