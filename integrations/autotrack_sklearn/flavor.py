"""scikit-learn's models: pickled, because that alone keeps every estimator and every pipeline whole."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from autotrack.exceptions import AutotrackException
from autotrack.models import pickles
from autotrack.models.flavor import Flavor, Flavors, inside

FILE = "model.pkl"


class SklearnFlavor(Flavor):
    name: ClassVar = "sklearn"
    argument: ClassVar = "sk_model"
    requires: ClassVar = ("scikit-learn", "numpy", "scipy", "joblib")

    def owns(self, model: Any) -> bool:
        return hasattr(model, "fit") and callable(getattr(model, "get_params", None)) and not isinstance(model, type)

    def save(self, model: Any, directory: Path) -> Flavors:
        import sklearn  # the framework, which whoever made the model has loaded

        form = pickles.dump(model, directory / FILE)
        # A stock loader wraps `predict`; a transformer has none, and is loaded as what it is.
        pyfunc = {"loader_module": "mlflow.sklearn", "model_path": FILE, "predict_fn": "predict"}
        return {
            "sklearn": {
                "pickled_model": FILE,
                "serialization_format": form,
                "sklearn_version": sklearn.__version__,
                "code": None,
            },
            **({"python_function": pyfunc} if hasattr(model, "predict") else {}),
        }

    def runs(self, _directory: Path, conf: Mapping[str, Any]) -> str:
        return f"whatever the pickle {conf.get('pickled_model', FILE)} holds"

    def load(self, directory: Path, conf: Mapping[str, Any], /, **_options: Any) -> Any:
        form = conf.get("serialization_format", "pickle")
        if form not in ("pickle", "cloudpickle"):
            raise AutotrackException.invalid(f"{directory} was serialized with {form!r}; this version loads pickles")
        with inside(directory, conf.get("pickled_model", FILE)).open("rb") as file:
            # A cloudpickle is a pickle that imports cloudpickle by itself.
            return pickle.load(file)  # noqa: S301 - the caller has established that this may run

    def predict(self, model: Any, data: Any, _params: Mapping[str, Any]) -> Any:
        return model.predict(data)

    def parts(self, model: Any) -> Iterable[Any]:
        yield model
        yield from model.get_params(deep=True).values()


FLAVOR = SklearnFlavor()
