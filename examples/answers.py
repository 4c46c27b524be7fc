"""What teams write by hand around a tracker, a call each.

    python examples/answers.py [DIRECTORY]

Trains a small sweep on the digits that come with scikit-learn, then asks for the best model, a comparison across
metrics by a parameter, curves, what mattered, and what tells two versions of a registered model apart. Figures are
written to DIRECTORY, "answers" by default.
"""

import sys
import warnings
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

import autotrack
from autotrack import plots
from autotrack.client import Client

FIGURES = Path(sys.argv[1] if len(sys.argv) > 1 else "answers")
X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, stratify=y, random_state=0)


def sweep() -> None:
    """Sixteen small networks."""
    warnings.simplefilter("ignore", ConvergenceWarning)  # thirty epochs are meant to be few
    autotrack.autolog(silent=True)
    autotrack.set_experiment("digits, sixteen networks")
    for hidden in (4, 16):
        for alpha in (0.0001, 1.0):
            for seed in range(4):
                with autotrack.start_run(run_name=f"{hidden} neurons, seed {seed}"):
                    model = MLPClassifier((hidden,), alpha=alpha, max_iter=30, random_state=seed, tol=0.0)
                    model.fit(X_train, y_train)
                    autotrack.log_metric("test_accuracy", model.score(X_test, y_test))
    autotrack.disable()


def main() -> None:
    """Ask."""
    sweep()

    print("\nThe best model by a metric")
    best = autotrack.best_run("test_accuracy")
    print(f"  {best.info.run_name}: {best.data.metrics['test_accuracy']:.3f}")

    print("\nMetrics grouped by a parameter, over seeds")
    print(autotrack.aggregate(["test_accuracy", "loss_curve"], by="hidden_layer_sizes").to_string(index=False))
    figures = {"groups": plots.box("test_accuracy", "hidden_layer_sizes")}

    print("\nCurves of the three best runs")
    runs = autotrack.search_runs(order_by=["best(test_accuracy) DESC"], max_results=3, output_format="list")
    figures["curves"] = plots.history("loss_curve", runs)
    print(f"  {len(autotrack.metric_history(runs, 'loss_curve'))} points in one table")

    print("\nWhich hyperparameter mattered")
    for weight in autotrack.importance("test_accuracy").weights:
        print(f"  {weight.parameter:20} {weight.permutation:5.2f} ± {weight.permutation_std:.2f}")
    figures["importance"] = plots.importance("test_accuracy")
    figures["parallel"] = plots.parallel("test_accuracy")

    print("\nWhat tells two versions of a registered model apart")
    for run in (best, autotrack.best_run("test_accuracy", mode="min")):
        autotrack.register_model(f"runs:/{run.info.run_id}/model", "digits")
    versions = Client().compare_model_versions([("digits", 1), ("digits", 2)])
    for key, values in versions["params"].items():
        if values[0] != values[1]:
            print(f"  {key}: {values[0]} → {values[1]}")

    FIGURES.mkdir(exist_ok=True)
    for name, figure in figures.items():
        plots.save(figure, FIGURES / f"{name}.html")
    print("\nOne page of all this: autotrack report 'digits, sixteen networks'")
    print(f"Figures: {', '.join(str(FIGURES / f'{name}.html') for name in figures)}")


if __name__ == "__main__":
    main()
