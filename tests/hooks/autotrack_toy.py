"""Record the small framework: what an integration looks like, and what the contract is tried on."""

from typing import Any

from autotrack.hooks import Call, Integration, Steps

INTEGRATION = Integration("toy", distribution="toyframework", supports=">=1,<2")


@INTEGRATION.guarded
class _Losses:
    def __init__(self, call: Call) -> None:
        self._run = call.run

    def __call__(self, number: int, loss: float) -> None:
        self._run.metric("loss", loss, number)


@INTEGRATION.hook("toyframework:train")
def train(call: Call) -> Steps:
    """The parameters and every loss."""
    call.run.params(call.arguments["params"])
    call.replace(callbacks=[*call.arguments["callbacks"], _Losses(call)])
    model = yield
    call.run.metric("mean", model.mean)


@INTEGRATION.hook_subclasses("toyframework:Model", "fit")
def fit(call: Call) -> Steps:
    """What came of it."""
    call.run.params({"class": type(call.instance).__name__, "rate": call.instance.rate})
    yield
    call.run.metrics({"loss": call.instance.losses[-1]})


@INTEGRATION.watch("toyframework:Optimizer.step")
def step(instance: Any, args: Any, kwargs: Any, result: int) -> None:
    """Nothing but a look."""
