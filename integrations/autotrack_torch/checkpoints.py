"""Files that the program saves while it trains."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import Any

from autotrack.data import SAMPLED
from autotrack.hooks import Contribution, Run
from autotrack_torch.background import later
from autotrack_torch.filedigest import of_file
from autotrack_torch.integration import checkpoints
from autotrack_torch.training import Training

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


def _look(run: Run, path: Path, file: os.stat_result, facts: dict[str, Any]) -> None:
    """Copy the file, if that is wanted, and have its digest taken."""
    if isinstance(run, Contribution):
        return
    if checkpoints() == "copy":
        run.artifact(path, "checkpoints")

    def then(found: str | None) -> None:
        if found is not None:
            kind = "sampled_sha256" if found.startswith(SAMPLED) else "sha256"
            value = {kind: found.removeprefix(SAMPLED), "step": facts["step"]}
            run.tags({f"checkpoint.{path.name}.digest": json.dumps(value)})

    later(run, partial(of_file, path, file.st_size, file.st_mtime_ns), then)
