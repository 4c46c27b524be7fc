"""The model that a training leaves behind, kept without keeping the program's own alive."""

from __future__ import annotations

import itertools
import math
import time
import weakref
from typing import Any

import torch

from autotrack import models
from autotrack.hooks import Contribution, Run, aside, weak
from autotrack_torch import forward, others, owner
from autotrack_torch.flavor import FLAVOR
from autotrack_torch.forward import Forward
from autotrack_torch.integration import INTEGRATION
from autotrack_torch.reading import unseen
from autotrack_torch.remains import Optimizers, Remains
from autotrack_torch.snapshot import Snapshot, Structure, cost, plain, structure_of, take

_FREE = 0.001
_SHARE = 0.01


class Kept:
    """One model of a training."""

    def __init__(self, model: Any, label: str, forward: Forward) -> None:
        me = weakref.ref(self)
        self.ref = weak(model, lambda _: _dropped(me()))
        self.remains: Remains | None = None
        """What is found of the model when the program drops it."""
        self.structure: Structure | None = None
        self.last = False
        """Whether the snapshot is of that moment."""
        self.label = label
        self.snapshot: Snapshot | None = None
        self.best: Snapshot | None = None
        """The weights of the best epoch so far."""
        self.best_step = 0
        self.taken = self.compared = time.perf_counter()
        self.step = 0
        self.forward = forward


def _dropped(kept: Kept | None) -> None:
    """The program has dropped a model. Whatever this is called in the midst of goes on."""
    if kept is None or kept.remains is None:
        return
    try:
        state = kept.remains.state()
    except Exception:  # noqa: BLE001 - nobody could be told here; a copy of an epoch before may do
        return
    if state is not None:
        kept.snapshot, kept.last = Snapshot(state, kept.structure), True


class Keeper:
    """Knows a training's models weakly, and copies their weights after each epoch where that costs next to nothing."""

    def __init__(self, run: Run, optimizers: Optimizers) -> None:
        self._run = run
        self._optimizers = optimizers
        self._kept: list[Kept] = []
        self.loads = 0
        """How often the program has put weights into the models by ``load_state_dict``."""
        self._names: list[tuple[weakref.ref[Any], str]] = []
        """What the program calls models that it evaluates beside these."""
        self.changed = False
        """Whether there were steps since the last snapshot."""

    @property
    def known(self) -> bool:
        """Whether it was found out which models are trained."""
        return bool(self._kept)

    def alive(self) -> list[Any]:
        """The models that the program still has."""
        return [model for kept in self._kept if (model := kept.ref()) is not None]

    def add(self, found: list[Any], label: str, forwards: list[Forward]) -> None:
        """These are trained too; ``forwards`` already look at the first call of some."""
        for model in found:
            if all(kept.ref() is not model for kept in self._kept):
                owner.trained(model)
                looks = next((known for known in forwards if known.model() is model), None)
                own = (label if len(found) == 1 else "") or type(model).__name__
                taken = [kept.label for kept in self._kept]
                own = next(
                    name for count in range(1, 1000) if (name := f"{own}{count if count > 1 else ''}") not in taken
                )
                self._kept.append(Kept(model, own, looks or Forward(model)))

    def weights(self) -> list[tuple[int, int]]:
        """Which state the models' first parameters are in, and where they lie."""
        first = [tensor for model in self.alive() for tensor in itertools.islice(model.parameters(), 1)]
        return [(found._version, found.data_ptr()) for found in first if type(found) is torch.nn.Parameter]

    @property
    def reads(self) -> bool:
        """Whether a model takes words, or other things of which there is a list: it looks them up."""
        return any(isinstance(part, torch.nn.Embedding) for model in self.alive() for part in model.modules())

    def precision(self) -> dict[str, str]:
        """In which type of number the models are computed, where autocast sees to that."""
        found = {kept.forward.autocast for kept in self._kept} - {""}
        return {"autocast": ", ".join(sorted(found))} if found else {}

    def listen(self) -> None:
        """See whether the models are called in the pass that begins."""
        self._listen(stay=False)

    def stay(self) -> None:
        """See which models are called from now on, outside of passes."""
        self._listen(stay=True)

    def _listen(self, *, stay: bool) -> None:
        forward.forget()
        for kept in self._kept:
            if (kept.forward.called or kept.forward.due) and kept.ref() is not None:
                kept.forward.listen(stay=stay)

    def beside(self, thread: int) -> str:
        """What the program calls the one model that it has called without gradients since, if that is another one like
        those that are trained; empty if it is one of these or not known, "?" where it is not clear or has no name."""
        called = forward.calls()
        alive = self.alive()
        if not called or all(any(owner.outermost(model) is known for known in alive) for model in called):
            return ""
        other = others.beside(alive, called, thread)
        if other is None:
            return "?"
        found = next((name for ref, name in self._names if ref() is other), None)
        if found is None:
            found = others.label(other)
            self._names.append((weakref.ref(other), found))
        return found or "?"

    def concerned(self) -> bool:
        """Whether the pass that has ended was about one of the models, as far as one can see."""
        seen = [kept.forward for kept in self._kept if kept.forward.called]
        for one in seen:
            one.stop()
        return not seen or any(one.heard for one in seen)

    def look_away(self) -> None:
        """Whoever has not been called by now is called in a way that is not seen."""
        for kept in self._kept:
            if not kept.forward.called:
                kept.forward.stop()

    def epoch(self, step: int) -> None:
        """Copy the weights, if the copy is worth its price: the program may drop the model before it says so."""
        self.changed = False
        if not self._wanted():
            return
        for kept in self._kept:
            model = kept.ref()
            if model is None:
                continue
            now = time.perf_counter()
            price = cost(model)
            self._list(kept, model, price)
            if price > _FREE and price > _SHARE * (now - kept.taken):
                kept.snapshot = None
                continue
            with INTEGRATION.attempt("snapshot"):
                kept.snapshot = take(model, kept.snapshot, kept.structure)
                kept.taken, kept.step = now, step

    def began(self) -> None:
        """The first step is made: see to it that the weights are found if the program drops the model."""
        if self._wanted():
            for kept in self._kept:
                model = kept.ref()
                if model is not None:
                    self._list(kept, model, cost(model))

    def _list(self, kept: Kept, model: Any, price: float) -> None:
        if price == math.inf or (kept.remains is not None and kept.remains.same(model)):
            return
        with INTEGRATION.attempt("remains"), torch.no_grad(), unseen():
            if kept.remains is not None:
                kept.remains.forget()
            kept.structure, kept.remains = structure_of(model), Remains(model, self._optimizers)

    def _wanted(self) -> bool:
        return INTEGRATION.options.log_models and self._run.kept and not isinstance(self._run, Contribution)

    def improved(self, step: int) -> None:
        """An evaluation has come out better than all before: copy the weights, if the copy is worth its price."""
        if not self._wanted():
            return
        for kept in self._kept:
            model = kept.ref()
            kept.best, before = None, kept.best
            if model is None:
                continue
            now, price = time.perf_counter(), cost(model)
            if price <= _FREE or price <= _SHARE * (now - kept.compared):
                with INTEGRATION.attempt("best weights"):
                    kept.best, kept.best_step, kept.compared = take(model, before), step, now

    def loaded(self, module: Any) -> None:
        """The program has put other weights into a module: they are the model's now, also if it drops it next."""
        for kept in self._kept:
            model = kept.ref()
            if model is None or owner.outermost(module) is not model:
                continue
            self.loads += 1
            if kept.snapshot is None:
                continue
            now, price = time.perf_counter(), cost(model)
            before, kept.snapshot = kept.snapshot, None
            if price <= _FREE or price <= _SHARE * (now - kept.taken):
                with INTEGRATION.attempt("snapshot"):
                    kept.snapshot, kept.taken = take(model, before, kept.structure), now
                    self.changed = self.changed and len(self._kept) > 1

    def save(self, step: int) -> None:
        """Keep the models as they are now, or as they were last seen if the program has dropped them."""
        if not self._wanted():
            return
        with aside():
            for kept in self._kept:
                kept.forward.stop()
                if kept.remains is not None:
                    kept.remains.forget()
                with INTEGRATION.attempt("model"):
                    self._save(kept, step, alone=len(self._kept) == 1)
                kept.snapshot = None

    def _save(self, kept: Kept, step: int, *, alone: bool) -> None:
        name = "model" if alone else kept.label
        self._save_best(kept, "best" if alone else f"{kept.label}-best")
        model, state = kept.ref(), "final"
        if model is None:
            if kept.snapshot is None:
                self._run.tags({f"autotrack.torch.{name}": "not kept: the program had dropped it when it ended"})
                return
            state = "last epoch" if self.changed and not kept.last else "final"
            model = kept.snapshot.module()
            if model is None:
                kept.snapshot.write(self._run, f"{name}.safetensors")
                self._run.tags({f"autotrack.torch.{name}": f"{state} weights only: the module could not be rebuilt"})
                return
        if not plain(model):
            self._run.tags({f"autotrack.torch.{name}": "not kept: its weights are not whole in this process"})
            return
        signature = kept.forward.signature if INTEGRATION.options.log_model_signatures else None
        # Several models are not versions of one.
        registered = INTEGRATION.options.registered_model_name if alone else None
        models.log(
            self._run, model, name, flavor=FLAVOR, signature=signature, step=step, tags={"state": state},
            registered_model_name=registered,
        )  # fmt: skip

    def _save_best(self, kept: Kept, name: str) -> None:
        """Keep the weights of the best epoch, where they are not the last ones."""
        best, kept.best = kept.best, None
        model = kept.ref()
        if best is None or (model is not None and best.same(model)):
            return
        best.write(self._run, f"{name}.safetensors")
        self._run.tags(
            {f"autotrack.torch.{name}": f"the weights at the lowest val/loss, that of epoch {kept.best_step}"}
        )
