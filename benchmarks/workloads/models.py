"""Models kept by an explicit call, and loaded by name: a small one, a forest of 100 trees, a module of 64 MB."""

from __future__ import annotations

import logging
import pickle
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.tracker import Tracker
from benchmarks.workload import Measured, Row, seconds

TURNS = 7
ROWS = (
    Row("kept", "`log_model` of a ridge regression, in an open run", limit=10e-3),
    Row("loaded", "`load_model` of it"),
    Row("trees", "a forest of 100 trees, unpickled alone", compared=False),
    Row("forest", "… by `load_model`, as a multiple of that", unit="x", limit=1.2),
    Row("tensors", "a module of 64 MB, by `torch.load` alone", compared=False),
    Row("module", "… by `load_model`, as a multiple of that", unit="x", limit=1.2),
)


def measure(tracker: type[Tracker]) -> Measured:
    """Keep with a signature, as both can; then load in turns with what the framework does by itself."""
    if tracker.module not in ("autotrack", "mlflow"):
        return Measured()
    warnings.simplefilter("ignore")
    import numpy as np  # heavy: not in the process that only draws the table
    import torch  # heavy: the same
    from sklearn.ensemble import RandomForestClassifier  # heavy: the same
    from sklearn.linear_model import Ridge  # heavy: the same

    used = tracker()
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    sklearn, pytorch = (import_module(f"{tracker.module}.{name}") for name in ("sklearn", "pytorch"))
    infer = import_module(f"{tracker.module}.models").infer_signature
    rows = np.random.default_rng(1).random((5000, 20))
    classes = (rows.sum(axis=1) > 10).astype(int)
    used.open()
    ridge = Ridge().fit(rows, classes)
    signature = infer(rows, ridge.predict(rows))
    kept = [
        seconds(lambda turn=turn: sklearn.log_model(ridge, name=f"ridge{turn}", signature=signature))  # type: ignore[misc]  # a default binds it
        for turn in range(3)
    ]
    forest = RandomForestClassifier(100, random_state=0).fit(rows, classes)
    # Both by pickle: MLflow's own default refuses to load the trees that it has written.
    trees = sklearn.log_model(forest, name="forest", signature=signature, serialization_format="cloudpickle")
    network = torch.nn.Linear(4096, 4096)
    inputs = np.zeros((1, 4096), "float32")
    module = pytorch.log_model(network, name="module", signature=infer(inputs, inputs), serialization_format="pickle")
    small = sklearn.log_model(ridge, name="ridge", signature=signature)
    used.close()
    Path("forest.pkl").write_bytes(pickle.dumps(forest, 5))
    torch.save(network, "module.pth")

    def unpickled() -> object:
        with Path("forest.pkl").open("rb") as file:
            return pickle.load(file)

    alone, forest_times = _in_turn(unpickled, lambda: sklearn.load_model(trees.model_uri))
    tensors, module_times = _in_turn(
        lambda: torch.load("module.pth", weights_only=False), lambda: pytorch.load_model(module.model_uri)
    )
    figures = {
        "kept": median(kept),
        "loaded": median(seconds(lambda: sklearn.load_model(small.model_uri)) for _ in range(TURNS)),
        "trees": alone,
        "forest": forest_times / alone,
        "tensors": tensors,
        "module": module_times / tensors,
    }
    return Measured(figures, models=len(kept) + 3)


def _in_turn(bare: Callable[[], Any], named: Callable[[], Any]) -> tuple[float, float]:
    """Medians of one and of the other, which take turns so that a neighbour's load falls on both.

    What was loaded stays in memory: to give it back to the system and take it again would cost as much as loading.
    """
    held: list[Any] = [bare(), named()]
    pairs = [(seconds(lambda: held.append(bare())), seconds(lambda: held.append(named()))) for _ in range(TURNS)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
