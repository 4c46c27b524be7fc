"""Three real data sets, three frameworks, one line: what `make demo` runs.

The training functions below are plain scikit-learn, XGBoost and PyTorch, without a word of autotrack. What they
train is recorded because of the one line `autotrack.autolog()`; the second half of this file looks at the record.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.text import Text
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from xgboost import XGBClassifier, XGBRegressor

import autotrack
from autotrack.analysis import telling
from autotrack.cli import find, runs, show, text
from autotrack.cli.console import open_console
from autotrack.client import Client

autotrack.autolog()
torch.set_num_threads(1)  # so little data is learnt faster by one thread than by several

EXPERIMENT = "autotrack demo"
SEED = 7


class Data:
    """A data set, split into a part to learn from and a part to be tested on."""

    def __init__(self, name, load):
        features, target = load(return_X_y=True)
        self.name = name
        self.classes = 0 if load is load_diabetes else len(np.unique(target))
        self.train_x, self.test_x, self.train_y, self.test_y = train_test_split(
            features, target, test_size=0.25, random_state=SEED
        )

    def score(self, predicted):
        """Accuracy for classes, R² for a quantity."""
        measure = accuracy_score if self.classes else r2_score
        return measure(self.test_y, predicted)


def forest(data):
    """scikit-learn."""
    kind = RandomForestClassifier if data.classes else RandomForestRegressor
    model = kind(n_estimators=100, min_samples_leaf=2, random_state=SEED)
    model.fit(data.train_x, data.train_y)
    return data.score(model.predict(data.test_x))


def boosting(data):
    """XGBoost, stopped when it no longer improves."""
    kind = XGBClassifier if data.classes else XGBRegressor
    model = kind(n_estimators=60, max_depth=3, learning_rate=0.3, early_stopping_rounds=8, n_jobs=1, random_state=SEED)
    fit_x, watch_x, fit_y, watch_y = train_test_split(data.train_x, data.train_y, random_state=SEED)
    model.fit(fit_x, fit_y, eval_set=[(fit_x, fit_y), (watch_x, watch_y)], verbose=False)
    return data.score(model.predict(data.test_x))


def network(data):
    """PyTorch, a plain loop."""
    torch.manual_seed(SEED)
    mean, spread = data.train_x.mean(0), data.train_x.std(0) + 1e-6
    inputs, tests = (torch.tensor((x - mean) / spread, dtype=torch.float32) for x in (data.train_x, data.test_x))
    level, scale = (0.0, 1.0) if data.classes else (data.train_y.mean(), data.train_y.std())
    kind = torch.long if data.classes else torch.float32
    targets = torch.tensor((data.train_y - level) / scale, dtype=kind)

    model = nn.Sequential(nn.Linear(inputs.shape[1], 64), nn.ReLU(), nn.Linear(64, data.classes or 1))
    loss_of = nn.CrossEntropyLoss() if data.classes else lambda out, y: nn.functional.mse_loss(out.squeeze(1), y)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003, weight_decay=1e-3)
    loader = DataLoader(TensorDataset(inputs, targets), batch_size=64, shuffle=True)
    for _ in range(20):
        for batch, wanted in loader:
            optimizer.zero_grad()
            loss = loss_of(model(batch), wanted)
            loss.backward()
            optimizer.step()

    with torch.no_grad():
        out = model(tests)
    predicted = out.argmax(1) if data.classes else out.squeeze(1) * scale + level
    return data.score(predicted.numpy())


def main():
    console = open_console()
    console.print(Text("\nThree data sets, three frameworks, one autotrack.autolog()\n", "bold"))
    autotrack.set_experiment(EXPERIMENT)
    began = time.time()
    for name, load in (("digits", load_digits), ("breast cancer", load_breast_cancer), ("diabetes", load_diabetes)):
        data = Data(name, load)
        for train in (forest, boosting, network):
            start = time.perf_counter()
            with autotrack.start_run(run_name=f"{name}, {train.__name__}", tags={"data": name}):
                score = train(data)
                autotrack.log_metric("test_score", score)
            took = text.duration((time.perf_counter() - start) * 1000)
            console.print(f"  {name:<14} {train.__doc__.partition(',')[0].strip('.'):<13} {score:.3f}  {took:>7}")
    look(console, began)


def look(console: Console, began: float) -> None:
    """What is in the record, shown with the pieces of autotrack's own commands."""
    client = Client()
    experiment = client.get_experiment_by_name(EXPERIMENT)
    found = client.search_runs(
        [experiment.experiment_id],
        f"attributes.start_time >= {int(began * 1000)}",
        order_by=["attributes.start_time ASC"],
    )
    console.print(Text("\nThe runs", "bold"))
    console.print(runs.table(console, found, {}))

    console.print(Text("The best of each data set (accuracy on held-out data; R² for diabetes)", "bold"))
    for name in dict.fromkeys(run.data.tags["data"] for run in found):
        best = max((r for r in found if r.data.tags["data"] == name), key=lambda r: r.data.metrics["test_score"])
        line = f"  {best.data.metrics['test_score']:.3f}  {best.info.run_name}"
        console.print(Text.assemble((line, "green"), (f"  run {best.info.run_id[: find.SHORT]}", "dim")))

    network_run = next(run for run in found if run.info.run_name == "digits, network")
    console.print(Text(f"\nHow {network_run.info.run_name} learnt", "bold"), end="")
    tracks = [show.track(client, network_run.info.run_id, key) for key in network_run.data.metrics]
    curves = [t for t in tracks if len(t.points) > 1 and not t.key.startswith("step/")]
    curves.sort(key=lambda t: telling.weight(t.key), reverse=True)
    show.print_curves(console, curves[:1])

    command = Path(sys.executable).with_name("autotrack")
    if command.is_relative_to(Path.cwd()):
        command = command.relative_to(Path.cwd())
    console.print(Text.assemble("\nThe record lies in ", (client.tracking_uri, "bold"), "\n\nWhat to type next"))
    for words, what in (
        ("runs", "every run"),
        (f"show {network_run.info.run_id[: find.SHORT]}", "one run: parameters, curves, model, files"),
        ("run YOUR_SCRIPT.py", "record your own training, without a change to it"),
    ):
        console.print(Text.assemble((f"  {command} {words:<20}", "cyan"), what))


if __name__ == "__main__":
    main()
