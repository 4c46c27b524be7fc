"""One training: from its first step to its end, and everything that is written down of it."""

from __future__ import annotations

import time
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

from autotrack.hooks import Run, weak
from autotrack_torch import background, compiling, owner, settings
from autotrack_torch.epoch import Epochs, Sizes, of_window, values_of
from autotrack_torch.evaluation import evaluated, trainings
from autotrack_torch.explained import explain, of_models
from autotrack_torch.final import Keeper
from autotrack_torch.integration import INTEGRATION, log_steps
from autotrack_torch.loss import Piece, Shape, losses
from autotrack_torch.memory import peaks
from autotrack_torch.optimized import HOLD, Optimized, parameters
from autotrack_torch.passes import Pass
from autotrack_torch.series import Series

if TYPE_CHECKING:
    from autotrack_torch.loop import Loop
    from autotrack_torch.steady import Row, Steady

_NAMED = 8
"""Optimizers of one training that are told apart."""
_LOOKS = 3
"""Steps after which a model's first call is waited for no longer."""
_WINDOW = 100
_WINDOWS = 1000


def _nowhere(_points: object) -> None:
    """Where curves per step are not wanted."""


class Training:
    """What happens from the first step of a model until another training begins, the run ends or the program does."""

    def __init__(self, run: Run, owned: bool, loop: Loop) -> None:
        self.run = run
        self.owned = owned
        self.closed = False
        self.thread = loop.thread
        self._loop = weakref.ref(loop)
        self.optimizers: dict[int, Optimized] = {}
        self.by_name: list[Optimized] = []
        self.born = owner.now()
        self.linked: set[int] = set()
        """The optimizers whose parameters something minimised here has reached, by ``id``."""
        self._further: Optimized | None = None
        self._further_refs: dict[int, Any] = {}
        self._decided = False
        """Whether the names of the optimizers are settled."""
        self._held: list[tuple[Optimized, int, float]] = []
        self.steps = 0
        """Steps of the optimizer that stepped first."""
        self._epochs = Epochs()
        self._sizes = Sizes()
        self.last_pass: Pass | None = None
        self._batches: dict[int, int] = {}
        """How many steps were made for so many batches each, where it was more than one."""
        self.unit = ""
        """What the steps of ``train/loss`` count: "epoch", or "step" where no loader tells epochs."""
        self.shape: Shape | None = None
        self._width = _WINDOW
        self._filled = self._windows = 0
        first = loop.current
        self._started = self.latest = first.started if first is not None else time.perf_counter()
        self.moved_on = self.born
        self._said: set[str] = set()
        self.norm_due = 0.0
        """When the gradients of an optimizer are to be looked at."""
        self.lossless = True
        self.best: tuple[float, int] | None = None
        """The lowest ``val/loss`` and its epoch."""
        self._windowed = self._started, 0
        """When the last window ended, and after how many steps."""
        self.noted: set[str] = set()
        """What has been noted of what the program does beside its steps."""
        self.steady: Steady | None = None
        """What gathers steps of this training just now."""
        self.keeper = Keeper(run, self.living)
        trainings.add(self)
        run.before_end.append(self.close)
        if owned and run.parent is not None:
            run.parent.before_end.append(partial(self.close, end=True))

    # Optimizers

    def enrol(self, optimizer: Any) -> Optimized:
        """Take an optimizer in."""
        before = self._predecessor(optimizer)
        if before is not None:
            return self._replace(before, optimizer)
        if len(self.by_name) >= _NAMED:
            return self._enrol_further(optimizer)
        models = owner.models_of(optimizer)
        label = owner.label_of(optimizer, models, [*self.keeper.alive(), *owner.models_waiting(self.thread)])
        taken = [known.label for known in self.by_name]
        if label in taken:
            label = next(name for count in range(2, 1000) if (name := f"{label}{count}") not in taken)
        found = Optimized(optimizer, label, self.optimizers)
        self.optimizers[id(optimizer)] = found
        self.by_name.append(found)
        facts = owner.enrolled(optimizer)
        found.why = of_models(optimizer, models, given=bool(facts and facts.modules))
        self.keeper.add(models, label, facts.forwards if facts else [])
        if len(self.by_name) == 1:
            if not self._others_may_follow():
                self._decide()
        else:
            if not self._decided:
                self._decide()
            self.run.params(settings.of_optimizer(optimizer, f"{found.label}."))
        return found

    def _predecessor(self, optimizer: Any) -> Optimized | None:
        """The one whose place an optimizer takes: it was built, of some of the same parameters, after that one's last
        step."""
        facts = owner.built.get(id(optimizer))
        if facts is None:
            return None
        theirs = parameters(optimizer) & owner.parameters_of(self.keeper.alive())
        found = [known for known in self.by_name if known.last < facts.born and known.params & theirs]
        return found[0] if len(found) == 1 else None

    def _replace(self, before: Optimized, optimizer: Any) -> Optimized:
        before.follow(optimizer, self.optimizers)
        self.optimizers[id(optimizer)] = before
        facts = owner.enrolled(optimizer)
        self.keeper.add(owner.models_of(optimizer), before.label, facts.forwards if facts else [])
        if not self._decided:
            self._decide()
        if before.count <= _NAMED:
            prefix = f"{before.label}." if before.label else ""
            self.run.params(settings.of_optimizer(optimizer, f"{prefix}then{before.count - 1}."))
        return before

    def living(self) -> list[Any]:
        """The optimizers that the program still has."""
        return [optimizer for known in self.by_name if (optimizer := known.ref()) is not None]

    def _enrol_further(self, optimizer: Any) -> Optimized:
        """One of very many, as with an optimizer for each parameter: their values are not told apart."""
        if self._further is None:
            self._further = Optimized(optimizer, "others", self.optimizers)
            self.by_name.append(self._further)
        key = id(optimizer)
        found = self.optimizers[key] = self._further
        optimizers, refs = self.optimizers, self._further_refs

        def forget(_: Any) -> None:
            optimizers.pop(key, None)
            refs.pop(key, None)

        refs[key] = weak(optimizer, forget)
        owner.enrolled(optimizer)
        return found

    def _others_may_follow(self) -> bool:
        return any(facts.born < self.born for facts in owner.waiting(self.thread))

    def _decide(self) -> None:
        """Settle the names: one optimizer needs none."""
        self._decided = True
        first = self.by_name[0] if self.by_name else None
        if first is None:
            return
        if len(self.by_name) == 1:
            first.label = ""
        optimizer = first.ref()
        models, optimizers = self.keeper.alive(), self.living()
        self.run.params(settings.of_models(models, optimizers) | compiling.settings_of(models, optimizers))
        self.run.params(self.keeper.precision())
        if optimizer is not None:
            self.run.params(settings.of_optimizer(optimizer, f"{first.label}." if first.label else ""))
        held, self._held = self._held, []
        for optimized, step, value in held:
            self._curve(optimized).add([(step, value, time.time_ns() // 1_000_000)])

    @property
    def epochs(self) -> int:
        """How many have been begun."""
        return self._epochs.count

    # Steps

    def stepped(self, optimized: Optimized, optimizer: Any, pass_: Pass | None) -> None:
        """An optimizer of this training has stepped."""
        optimized.steps += 1
        optimized.last = owner.now()
        optimized.lr = optimizer.param_groups[0]["lr"]
        if optimized.steps == 1:
            self.keeper.began()
        if optimized is self.by_name[0]:
            self.steps += 1
            if self.steps == _LOOKS:
                self.keeper.look_away()
        self.latest = time.perf_counter()
        if pass_ is not None:
            pass_.steps += 1
            pass_.training = self
            self.last_pass = pass_
        elif not self.unit:
            self.unit = "step"
            self.keeper.stay()
        if not self._decided and self.steps >= HOLD:
            self._decide()
        self.keeper.changed = True

    def lost(self, optimized: Optimized, pieces: list[Piece], step: int) -> None:
        """What an optimizer's step was made for."""
        piece = pieces[0]
        self.lossless = False
        if piece.scaled and "grad_scaler" not in self.noted:
            self.noted.add("grad_scaler")
            self.run.params({"grad_scaler": True})
        loss: float
        if len(pieces) == 1 and piece.value is not None and not piece.extensive and piece.factor == 1.0:
            loss = piece.value
            sums = optimized.sums(piece.over)
            n = piece.n or 1
            sums[0] += n * loss
            sums[1] += n
        else:
            each = losses(pieces, self.accumulated())
            if not each:
                return
            self._batches[len(each)] = self._batches.get(len(each), 0) + 1
            total = weight = 0.0
            for over, n, value in each:
                self._add(optimized, over, n or 1, value)
                total += (n or 1) * value
                weight += n or 1
            loss = total / weight
        if not self._decided:
            self._held.append((optimized, step, loss))
        else:
            self._curve(optimized).add([(step, loss, time.time_ns() // 1_000_000)])
        if self.unit == "step":
            self._filled += optimized is self.by_name[0]
            if self._filled >= self._width:
                self._window(step)

    @property
    def settled(self) -> bool:
        """Whether there is one optimizer, and nothing else to be found out about it."""
        return self._decided and len(self.by_name) == 1 and self.steps >= _LOOKS and not self.closed

    def room(self, most: int) -> int:
        """How many steps may be gathered, ``most`` at the most, until something of them is due."""
        return min(most, self._width - self._filled) if self.unit == "step" else most

    def gathered(self, optimized: Optimized, pass_: Pass | None, rows: list[Row]) -> None:
        """An optimizer has made steps for one batch each, whose losses are what a function gave."""
        step = self.steps
        optimized.steps += len(rows)
        self.steps += len(rows)
        optimized.last = owner.now()
        self.keeper.changed = True
        sums = optimized.sums(pass_)
        for n, value, _ in rows:
            sums[0] += n * value
            sums[1] += n
        began = time.time() - time.perf_counter()
        points = [(step + at, value, int(1000 * (began + when))) for at, (_, value, when) in enumerate(rows, 1)]
        self._curve(optimized).add(points)
        if self.unit == "step":
            self._filled += len(rows)
            if self._filled >= self._width:
                self._window(self.steps)

    def accumulated(self) -> int:
        """Over how many batches gradients are accumulated: what half of the steps do; 0 if it is one."""
        count = max(self._batches, key=lambda count: self._batches[count], default=0)
        return count if count > 1 and 2 * self._batches[count] >= self.steps else 0

    def leftover(self, pieces: list[Piece]) -> None:
        """A pass ended with losses after its last step."""
        if len(self.by_name) == 1:
            for over, n, value in losses(pieces, self.accumulated()):
                self._add(self.by_name[0], over, n or 1, value)

    def _add(self, optimized: Optimized, pass_: Pass | None, n: int, value: float) -> None:
        sums = optimized.sums(pass_)
        sums[0] += n * value
        sums[1] += n

    def _curve(self, optimized: Optimized) -> Series:
        series = optimized.loss
        if series is None:
            key = f"step/loss/{optimized.label}" if optimized.label else "step/loss"
            series = optimized.loss = Series(partial(self.run.curve, key) if log_steps() else _nowhere)
        return series

    def _window(self, step: int) -> None:
        self._filled = 0
        self._windows += 1
        if self._windows % _WINDOWS == 0:
            self._width *= 2
        began, self._windowed = self._windowed, (self.latest, self.steps)
        values = of_window(self, *began)
        self.run.metrics({**values, **self._rates()}, step)
        explain(self)
        self.keeper.epoch(step)

    # Passes

    def passed(self, pass_: Pass, *, nested: bool) -> None:
        """A pass is over."""
        if pass_.steps:
            self._epoch(pass_)
        else:
            evaluated(self, pass_, nested=nested)

    def _epoch(self, pass_: Pass) -> None:
        if self.closed:
            return
        if not self._decided:
            self._decide()
        self.moved_on = owner.now()
        index = self._epochs.of(pass_.source)
        values = values_of(self, pass_, first=self._epochs.first)
        if not self.unit:
            self.unit = "epoch"
            self.run.params(settings.of_pass(pass_))
            self.run.tags({"autotrack.torch.epoch": f"a pass over {pass_.place.name()}, {pass_.place}"})
        step = index if self.unit == "epoch" else self.steps
        self.run.metrics({**values, **self._rates()}, step)
        for at, size in self._sizes.of(pass_, step) if self._epochs.first else ():
            self.run.metrics({"train/batch_size": size}, at)
        explain(self)
        self.keeper.epoch(step)

    def say(self, tag: str, why: str) -> None:
        if tag not in self._said and not self.run.ended:
            self._said.add(tag)
            self.run.tags({tag: why})

    # The end

    def close(self, *, end: bool = False) -> None:
        """Write down what is left: the training is over. With ``end`` also the run, if it was opened for it."""
        if self.closed:
            return
        loop = self._loop()
        if loop is None:
            if self.steady is not None:
                self.steady.gather()
        else:
            loop.pause()
            with INTEGRATION.attempt("last pass"):
                for pass_ in [pass_ for pass_ in loop.passes if pass_.training is self]:
                    loop.end(pass_, complete=False)
                    if pass_.unfinished and pass_.steps:
                        self.say("autotrack.torch.partial", f"epoch {self.epochs - 1}, after {pass_.batches} batches")
                loop.undecided_of(self)
                loop.readings.arrived(wait=True)
        if not self._decided:
            self._decide()
        if self.unit == "step" and self._filled:
            self._window(self.steps)
        for optimized in self.by_name:
            if optimized.loss is not None:
                optimized.loss.flush()
        self.closed = True
        if self.lossless:
            self.say("autotrack.torch.loss", "not seen: backward was not called for the steps")
        explain(self)
        counts = {"steps": self.steps, "epochs": self.epochs, "gradient_accumulation": self.accumulated()}
        if self.best is not None and self.epochs > 1:
            self.run.params({"best_epoch": self.best[1]})
        self.run.params({name: count for name, count in counts.items() if count})
        self.run.metrics({"training_seconds": self.latest - self._started}, self.epochs or self.steps)
        with INTEGRATION.attempt("model"):
            self.keeper.save(self.steps)
        background.finish(self.run)
        if end and self.owned:
            self.run.end()

    def key(self, name: str, optimized: Optimized) -> str:
        return f"{name}/{optimized.label}" if optimized.label else name

    def _rates(self) -> dict[str, float]:
        rates = peaks({device for optimized in self.by_name for device in optimized.devices})
        self.norm_due = 0.0
        for optimized in self.by_name:
            rates |= {self.key(name, optimized): value for name, value in optimized.rates().items()}
        return rates
