"""Files that the program saves while it trains."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from autotrack_torch.training import Training

_MOST = 100
"""Files of one training that are noted."""


def saved(training: Training, target: Any) -> None:
    """``torch.save`` has written a file: note where it is, how large, and after how many steps."""
    if training.run.ended or not isinstance(target, str | os.PathLike):
        return
    path = Path(target).absolute()
    known = str(path)
    if known in training.noted or len(training.noted) < _MOST:
        training.noted.add(known)
        facts = {"path": known, "size": path.stat().st_size, "step": training.steps, "epochs": training.epochs}
        training.run.tags({f"checkpoint.{path.name}": json.dumps(facts)})
