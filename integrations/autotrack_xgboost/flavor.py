"""XGBoost's models in its own binary format, UBJSON, which holds data only."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from autotrack.exceptions import AutotrackException
from autotrack.models.flavor import Flavor, Flavors, inside
from autotrack_xgboost import ubjson

FILE = "model.ubj"
FORMATS = ("ubj", "json")
"""What XGBoost writes; the name of the file tells it which."""
BOOSTER = "xgboost.core.Booster"


class XGBoostFlavor(Flavor):
    name: ClassVar = "xgboost"
    argument: ClassVar = "xgb_model"
    requires: ClassVar = ("xgboost", "numpy", "scipy", "scikit-learn")

    def owns(self, model: Any) -> bool:
        return _xgboost_class(model) is not None and hasattr(model, "save_model")

    def save(self, model: Any, directory: Path, *, model_format: str = "ubj") -> Flavors:
        import xgboost  # the framework, which whoever made the model has loaded

        if model_format not in FORMATS:
            raise AutotrackException.invalid(f"model_format is {' or '.join(FORMATS)}, not {model_format!r}")
        file = f"model.{model_format}"
        cls = type(model)
        if cls.__module__ in ("__main__", "__mp_main__"):
            # No other program can import it; the framework's own class stands in for it.
            cls = _xgboost_class(model) or cls
        model.save_model(directory / file)
        return {
            "xgboost": {
                "data": file,
                "model_class": f"{cls.__module__}.{cls.__qualname__}",
                "model_format": model_format,
                "xgb_version": xgboost.__version__,
                "code": None,
            },
            "python_function": {"loader_module": "mlflow.xgboost", "data": file},
        }

    def runs(self, _directory: Path, conf: Mapping[str, Any]) -> str:
        module, _, name = str(conf.get("model_class", BOOSTER)).rpartition(".")
        return "" if module.partition(".")[0] == "xgboost" else f"the module {module} for its class {name}"

    def damage(self, directory: Path, conf: Mapping[str, Any]) -> str:
        file = inside(directory, conf.get("data", FILE))
        found = "" if file.suffix == ".json" else ubjson.damage(file)
        return f"{file} is damaged: {found}" if found else ""

    def load(self, directory: Path, conf: Mapping[str, Any], /, **_options: Any) -> Any:
        import xgboost  # the framework, asked for by loading one of its models

        path = str(conf.get("model_class", BOOSTER))
        module, _, name = path.rpartition(".")
        cls = getattr(importlib.import_module(module), name, None)
        if not (isinstance(cls, type) and issubclass(cls, (xgboost.Booster, xgboost.XGBModel))):
            raise AutotrackException.invalid(f"{directory}: {path} is no class of XGBoost models")
        file = inside(directory, conf.get("data", FILE))
        try:
            model = cls()
            model.load_model(file)
        except xgboost.core.XGBoostError as error:
            raise AutotrackException.invalid(f"{file} is damaged: {str(error).splitlines()[0]}") from error
        return model

    def predict(self, model: Any, data: Any, params: Mapping[str, Any]) -> Any:
        import xgboost  # the framework, loaded with the model

        if isinstance(model, xgboost.Booster):
            return model.predict(xgboost.DMatrix(data), **params)
        return model.predict(data, **params)


def _xgboost_class(model: Any) -> type | None:
    return next((cls for cls in type(model).__mro__ if cls.__module__.partition(".")[0] == "xgboost"), None)


FLAVOR = XGBoostFlavor()
