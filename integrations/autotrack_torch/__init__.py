"""Record PyTorch: any loop that you have written yourself, with no callback, logger or trainer in it.

    import autotrack
    autotrack.autolog()                       # or autotrack.torch.autolog(log_steps=False)

    for epoch in range(3):
        for x, y in train_loader:             # a pass in which an optimizer steps: an epoch
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()                  # the run is opened at the first one, named after the model's class

A run holds

- the parameters: the optimizer's class and settings per group, the loss functions, ``batch_size`` and what else the
  loader and its data set say, the number of ``parameters``, ``device``, ``dtype``, ``seed``;
- per epoch, counted from 0: ``train/loss``, weighted by samples; ``lr``; ``grad_norm``; ``train/epoch_seconds``,
  ``train/data_seconds``, ``train/samples_per_second``; and ``val/loss`` or ``test/loss`` of a whole pass without a
  step, named
  after what the program calls its loader, or what you call it: ``autotrack.torch.name(loader, "holdout")``;
  of losses over classes also ``train/accuracy``, of regressions
  ``val/rmse`` and ``val/mae``, of losses over tokens ``val/perplexity``;
- per optimizer step, counted from 1: ``step/loss``, thinned out so that extremes stay;
- ``epochs``, ``steps`` and ``training_seconds`` when it is over;
- the model as it is then, as ``model``.

Without a loader there are no epochs: ``train/loss`` is then a mean over a hundred steps, at the last one's number.
Several optimizers that step in turn are one training, and their values carry the names of their models
(``train/loss/Generator``). A run ends when the next training begins, when your own run ends, or with the program.

The exact definitions, and when something is left out because it is not clear, are in docs/pytorch.md.
"""

from __future__ import annotations

from collections.abc import Callable

from autotrack.models.verbs import Verbs
from autotrack_torch import events, reloading, tensorboard
from autotrack_torch.flavor import FLAVOR, load_state_dict
from autotrack_torch.integration import INTEGRATION, TorchOptions
from autotrack_torch.naming import name

__all__ = ["INTEGRATION", "TorchOptions", "autolog", "load_model", "load_state_dict", "log_model", "name", "save_model"]

ALIASES = ("pytorch",)

autolog = INTEGRATION.autolog
log_model, save_model, load_model = (_verbs := Verbs(FLAVOR)).log_model, _verbs.save_model, _verbs.load_model

INTEGRATION.hook("torch.optim.optimizer:Optimizer.__init__")(events.built)
INTEGRATION.hook(
    "torch.optim.lr_scheduler:LRScheduler.__init__", "torch.optim.lr_scheduler:ReduceLROnPlateau.__init__"
)(events.scheduled)
INTEGRATION.watch("torch.utils.data.dataloader:DataLoader.__iter__")(events.began)
INTEGRATION.watch("torch.amp.grad_scaler:GradScaler.scale")(events.scaled)

INTEGRATION.watch("torch.serialization:save", "torch:save")(events.saved)
INTEGRATION.watch("torch.serialization:load", "torch:load")(events.read)
INTEGRATION.watch("torch.nn.modules.module:Module.load_state_dict")(reloading.loaded)
INTEGRATION.watch("torch.utils.tensorboard.summary:scalar", "torch.utils.tensorboard.writer:scalar")(
    tensorboard.converted
)
INTEGRATION.watch("torch.utils.tensorboard.writer:SummaryWriter.add_scalar")(tensorboard.added)
INTEGRATION.watch("torch.utils.tensorboard.writer:SummaryWriter.add_scalars")(tensorboard.added_several)
INTEGRATION.watch("torch.utils.tensorboard.writer:SummaryWriter.add_hparams")(tensorboard.chosen)


@INTEGRATION.on_start("torch")
def start() -> Callable[[], None]:
    """Go on with torch's own hooks; what is returned takes them off."""
    from autotrack_torch import (  # torch is there
        backward,
        batches,
        clipping,
        compiling,
        forward,
        functional,
        gradients,
        owner,
        steps,
        tasks,
    )

    undo = [module.watch() for module in (backward, batches, clipping, compiling, functional, gradients, owner, steps)]
    undo += [forward.stop_all, tasks.stop]
    events.ready(tasks)

    def stop() -> None:
        events.ready(None)
        for call in undo:
            call()

    return stop
