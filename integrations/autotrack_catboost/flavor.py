"""CatBoost's models in its own binary format, which holds data only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from autotrack.exceptions import AutotrackException
from autotrack.models.flavor import Flavor, Flavors, inside

FILE = "model.cb"
CLASSES = ("CatBoostClassifier", "CatBoostRegressor", "CatBoostRanker", "CatBoost")
"""As which MLflow loads a model."""


class CatBoostFlavor(Flavor):
    name: ClassVar = "catboost"
    argument: ClassVar = "cb_model"
    requires: ClassVar = ("catboost", "numpy", "pandas")

    def owns(self, model: Any) -> bool:
        return _class(model) in CLASSES

    def save(self, model: Any, directory: Path, *, format: str = "cbm", **written: Any) -> Flavors:  # noqa: A002 - CatBoost's name
        """``format`` and further options go to CatBoost's ``save_model``."""
        import catboost  # the framework, which whoever made the model has loaded

        model.save_model(str(directory / FILE), format=format, **written)
        return {
            "catboost": {
                "data": FILE,
                "model_type": _class(model),
                "save_format": format,
                "catboost_version": catboost.__version__,
                "code": None,
            },
            "python_function": {"loader_module": "mlflow.catboost", "data": FILE},
        }

    def runs(self, _directory: Path, _conf: Mapping[str, Any]) -> str:
        return ""

    def load(self, directory: Path, conf: Mapping[str, Any], /, **_options: Any) -> Any:
        import catboost  # the framework, asked for by loading one of its models

        name = conf.get("model_type", "CatBoost")
        if name not in CLASSES:
            raise AutotrackException.invalid(f"{directory}: {name} is no class of CatBoost's models")
        file = inside(directory, conf.get("data", FILE))
        try:
            return getattr(catboost, name)().load_model(str(file), format=conf.get("save_format", "cbm"))
        except catboost.CatBoostError as error:
            raise AutotrackException.invalid(f"{file} is damaged: {error}") from error


def _class(model: Any) -> str:
    """The class of CatBoost's that a model is of, also where the program derives one of its own."""
    names = [cls.__name__ for cls in type(model).__mro__ if cls.__module__.partition(".")[0] == "catboost"]
    return names[0] if names else ""


FLAVOR = CatBoostFlavor()
