"""scikit-learn's models: pickled, because that alone keeps every estimator and every pipeline whole, or as skops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from autotrack.exceptions import AutotrackException
from autotrack.models import estimators
from autotrack.models.flavor import Flavor, Flavors, inside

FILE = "model.pkl"
ANSWERS = ("predict", "predict_proba", "predict_log_proba", "predict_joint_log_proba", "score")
"""What MLflow's wrapper can be told to answer with."""


class SklearnFlavor(Flavor):
    name: ClassVar = "sklearn"
    argument: ClassVar = "sk_model"
    requires: ClassVar = ("scikit-learn", "numpy", "scipy", "joblib")

    def owns(self, model: Any) -> bool:
        return hasattr(model, "fit") and callable(getattr(model, "get_params", None)) and not isinstance(model, type)

    def save(
        self,
        model: Any,
        directory: Path,
        *,
        serialization_format: str | None = None,
        skops_trusted_types: Sequence[str] | None = None,
        pyfunc_predict_fn: str = "predict",
    ) -> Flavors:
        import sklearn  # the framework, which whoever made the model has loaded

        if pyfunc_predict_fn not in ANSWERS:
            raise AutotrackException.invalid(
                f"pyfunc_predict_fn is one of {', '.join(ANSWERS)}, not {pyfunc_predict_fn!r}"
            )
        file, form = estimators.dump(model, directory, serialization_format, skops_trusted_types)
        # A stock loader wraps `predict`; a transformer has none, and is loaded as what it is.
        pyfunc = {"loader_module": "mlflow.sklearn", "model_path": file, "predict_fn": pyfunc_predict_fn}
        return {
            "sklearn": {
                "pickled_model": file,
                **form,
                "sklearn_version": sklearn.__version__,
                "code": None,
            },
            **({"python_function": pyfunc} if hasattr(model, pyfunc_predict_fn) else {}),
        }

    def runs(self, directory: Path, conf: Mapping[str, Any]) -> str:
        return estimators.runs(directory, conf.get("pickled_model", FILE), conf)

    def load(self, directory: Path, conf: Mapping[str, Any], /, **_options: Any) -> Any:
        return estimators.load(inside(directory, conf.get("pickled_model", FILE)), conf)

    def predict(self, model: Any, data: Any, _params: Mapping[str, Any]) -> Any:
        return model.predict(data)

    def parts(self, model: Any) -> Iterable[Any]:
        yield model
        yield from model.get_params(deep=True).values()


FLAVOR = SklearnFlavor()
