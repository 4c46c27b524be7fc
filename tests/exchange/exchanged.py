"""A store with something of everything, and what tests say about bundles."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import autotrack
from autotrack.event import ModelLogged
from autotrack.exchange import bundle
from autotrack.exchange.origin import Given, opened
from autotrack.exchange.place import place
from autotrack.exchange.recorded import Choice, Recorded
from autotrack.exchange.taking import Imported, take


def record() -> str:
    """Runs of an experiment, a model, a registered one with a history; gives the outer run's id."""
    autotrack.set_experiment("ranking")
    client = autotrack.MlflowClient()
    with autotrack.start_run(run_name="outer", tags={"team": "blue", "mlflow.note.content": "# tried\nthis"}) as run:
        autotrack.log_params({"a%b": 1, "uni": "é✓\ud800", "long": "x" * 9000})
        for step in range(30):
            autotrack.log_metric("loss %", 1 / (step + 1), step=step)
        autotrack.log_metrics({"inf": math.inf, "-inf": -math.inf, "nan": math.nan, "zero": -0.0})
        autotrack.log_metric("fraction", 1.5, step=0.25)
        autotrack.log_metric("big", 2**60 + 1, step=-3)
        autotrack.log_text("hello", "deep/hello.txt")
        autotrack.log_input(dataset(), context="train")
        model = Path(os.environ["AUTOTRACK_TRACKING_URI"]) / "runs" / run.info.run_id / "artifacts" / "model"
        model.mkdir(parents=True)
        (model / "MLmodel").write_text("flavors: {}\n")
        facts = ("model", "model", ("sklearn",), "{}", 12, "d", {"p": "1"}, {"t": "v"}, 3, "agent")
        logged = ModelLogged(f"m-{run.info.run_id}", *facts)
        client._change(run.info.run_id, logged)
        autotrack.log_metric("acc", 0.5, model_id=logged.model_id)
        with autotrack.start_run(run_name="inner", nested=True):
            autotrack.log_param("p", 1)
    try:
        with autotrack.start_run(run_name="failed"):
            raise ZeroDivisionError("told")
    except ZeroDivisionError:
        pass
    with autotrack.start_run(run_name="gone") as gone:
        pass
    client.delete_run(gone.info.run_id)
    client.create_registered_model("churn", {"k": "v"}, "for tests", reason="needed")
    client.create_model_version("churn", f"runs:/{run.info.run_id}/model", tags={"reviewed": "yes"})
    client.create_model_version("churn", "s3://bucket/model")
    client.delete_model_version("churn", "2", reason="a slip")
    client.transition_model_version_stage("churn", "1", "Production", reason="it holds")
    client.set_registered_model_alias("churn", "champion", "1", reason="the best")
    client.set_experiment_tag(client.get_experiment_by_name("ranking").experiment_id, "owner", "ada")
    return run.info.run_id


def dataset() -> autotrack.data.Dataset:
    """Data with a digest."""
    import numpy as np

    return autotrack.data.from_numpy(np.ones((3, 2)), name="d")


def export(target: Path, store: object = None, **choice: object) -> bundle.Exported:
    """Write a bundle."""
    return bundle.write(Recorded(None if store is None else str(store), Choice(**choice)), target)


def bring(source: object, store: object, **given: object) -> Imported:
    """Import from a place."""
    to = place(str(store))
    with to.room() as room, opened(Given(str(source), **given), room) as records:
        return take(records, to, room)


def killed(source: object, store: object, *moments: int) -> list[dict[str, Any]]:
    """What is there after each of several imports that were killed at a moment: see ``killed.py``."""
    program = [sys.executable, str(Path(__file__).parent / "killed.py"), str(source), str(store), *map(str, moments)]
    done = subprocess.run(program, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def files(directory: Path) -> dict[str, bytes]:
    """All files below a directory."""
    return {one.relative_to(directory).as_posix(): one.read_bytes() for one in directory.rglob("*") if one.is_file()}
