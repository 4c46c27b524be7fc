"""Files that the program saves while it trains."""

from __future__ import annotations

import json
import os
import weakref
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.hooks import Contribution, Run, filedigest
from autotrack_torch import owner
from autotrack_torch.background import later
from autotrack_torch.integration import checkpoints

if TYPE_CHECKING:
    from autotrack_torch.loop import Loop
    from autotrack_torch.training import Training

_early: weakref.WeakKeyDictionary[Loop, dict[Path, tuple[os.stat_result, dict[str, Any]]]] = weakref.WeakKeyDictionary()
"""What was loaded for a training that has not begun."""
_EARLY = 8
_MOST = 100
"""Files of one training that are noted."""


def saved(training: Training, target: Any) -> None:
    """``torch.save`` has written a file: note where it is, how large, and after how many steps."""
    if training.run.ended or checkpoints() == "none" or not isinstance(target, str | os.PathLike):
        return
    path = Path(target).absolute()
    known = str(path)
    if known in training.noted or len(training.noted) < _MOST:
        training.noted.add(known)
        file = path.stat()
        facts = {"path": known, "size": file.st_size, "step": training.steps, "epochs": training.epochs}
        training.run.tags({f"checkpoint.{path.name}": json.dumps(facts)})
        _look(training.run, path, file, facts)


def loaded(loop: Loop, training: Training | None, target: str) -> None:
    """``torch.load`` has read a file: note where it is and how large. What is read between two trainings is of the one
    that follows."""
    path = Path(target).absolute()
    file = path.stat()
    facts = {"path": str(path), "size": file.st_size}
    last = max((known.last for known in training.by_name), default=0) if training is not None else 0
    if training is None or any(built.born > last for built in owner.waiting(loop.thread)):
        _early.setdefault(loop, {})[path] = (file, facts)
        while len(_early[loop]) > _EARLY:
            _early[loop].pop(next(iter(_early[loop])))
    else:
        _note_loaded(training, path, file, facts)


def began(training: Training, loop: Loop) -> None:
    """A training begins: what was loaded before is of it."""
    for path, (file, facts) in _early.pop(loop, {}).items():
        _note_loaded(training, path, file, facts)


def _note_loaded(training: Training, path: Path, file: os.stat_result, facts: dict[str, Any]) -> None:
    known = f"loaded {path}"
    if (
        checkpoints() == "none"
        or known in training.noted
        or len(training.noted) >= _MOST
        or isinstance(training.run, Contribution)
    ):
        return
    training.noted.add(known)
    run = training.run
    run.tags({f"loaded.{path.name}": json.dumps(facts)})
    later(
        run,
        partial(filedigest.of_file, path, file.st_size, file.st_mtime_ns),
        partial(_digest, run, f"loaded.{path.name}", {}),
    )


def _look(run: Run, path: Path, file: os.stat_result, facts: dict[str, Any]) -> None:
    """Copy the file, if that is wanted, and have its digest taken."""
    if isinstance(run, Contribution):
        return
    if checkpoints() == "copy":
        run.artifact(path, "checkpoints")
    then = partial(_digest, run, f"checkpoint.{path.name}", {"step": facts["step"]})
    later(run, partial(filedigest.of_file, path, file.st_size, file.st_mtime_ns), then)


def _digest(run: Run, tag: str, facts: dict[str, Any], found: str | None) -> None:
    if found is not None:
        kind = "sampled_sha256" if found.startswith(filedigest.SAMPLED) else "sha256"
        run.tags({f"{tag}.digest": json.dumps({kind: found.removeprefix(filedigest.SAMPLED), **facts})})
