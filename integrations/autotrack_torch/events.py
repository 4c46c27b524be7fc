"""What happens seldom, handed to the loop of the thread or task that it happens in."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any

from autotrack.hooks import Call, Steps, inside
from autotrack_torch import owner, settings
from autotrack_torch.own import ours

_loops: ModuleType | None = None
"""`autotrack_torch.tasks`, which needs torch: there once torch is."""


def ready(loops: ModuleType | None) -> None:
    """From now on events go to the loops, or with ``None`` nowhere."""
    global _loops
    _loops = loops


def built(call: Call) -> Steps:
    """An optimizer is built: note whose parameters it is given, then that it is there."""
    loop = _loops.here() if _loops is not None else None
    if loop is not None:
        loop.pause()
        loop.loose_steps = 0  # what it minimises may be something else
    given = call.args[0] if call.args else call.kwargs.get("params")
    modules = owner.modules_behind(given)
    yield
    if call.instance is not None:
        facts = owner.remember(call.instance, modules)
        from autotrack_torch.forward import Forward  # needs torch, whose optimizer this is

        if _loops is not None:
            _loops.here_in_task()
        facts.forwards = [Forward(model) for model in owner.models_of(call.instance)]


def scheduled(call: Call) -> Steps:
    """Something that changes a learning rate is built: note what it was set to."""
    yield
    facts = owner.built.get(id(getattr(call.instance, "optimizer", None)))
    if facts is not None:
        facts.schedule = settings.of_scheduler(call.instance)


def began(loader: Any, _args: Any, _kwargs: Any, iterator: Any) -> None:
    """A pass over a loader begins."""
    if _loops is not None and inside.get() is None:
        loop = _loops.here_in_task()
        if loop is not None:
            loop.begin(loader, iterator)


def scaled(scaler: Any, args: Any, kwargs: Any, result: Any) -> None:
    """A loss was scaled up, so that its gradients do not vanish in half precision."""
    if _loops is None:
        return
    loss = args[0] if args else kwargs.get("outputs")
    loop = _loops.here()
    if loop is not None and result is not loss:
        loop.scaled(scaler, loss, result)


def saved(_function: Any, args: Any, kwargs: Any, _result: Any) -> None:
    """The program has saved something."""
    found = None if ours.get() else training()
    if found is not None:
        from autotrack_torch.checkpoints import saved as note  # needs torch, which has saved

        note(found, args[1] if len(args) > 1 else kwargs.get("f"))


def read(_function: Any, args: Any, kwargs: Any, _result: Any) -> None:
    """The program has loaded something: note it for the training that goes on, or for the next."""
    if _loops is None or inside.get() is not None or ours.get():
        return
    target = args[0] if args else kwargs.get("f")
    loop = _loops.here()
    if loop is not None and isinstance(target, str | os.PathLike):
        from autotrack_torch.checkpoints import loaded  # needs torch, which has loaded

        loaded(loop, training(), os.fspath(target))


def training() -> Any:
    """The training of this thread or task, if it is still going on."""
    loop = _loops.here() if _loops is not None else None
    if loop is None:
        return None
    loop.pause()
    found = loop.training
    return found if found is not None and not found.closed else None
