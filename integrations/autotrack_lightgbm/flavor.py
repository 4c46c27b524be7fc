"""LightGBM's models: its text, which holds data only; estimators are pickled too, as MLflow loads them so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from autotrack.exceptions import AutotrackException
from autotrack.models import estimators
from autotrack.models.flavor import Flavor, Flavors, inside
from autotrack_lightgbm import text

TEXT = "model.lgb"
PICKLE = "model.pkl"
BOOSTER = "lightgbm.basic.Booster"


class LightGBMFlavor(Flavor):
    name: ClassVar = "lightgbm"
    argument: ClassVar = "lgb_model"
    requires: ClassVar = ("lightgbm", "numpy", "scipy", "scikit-learn")

    def owns(self, model: Any) -> bool:
        ours = any(cls.__module__.partition(".")[0] == "lightgbm" for cls in type(model).__mro__)
        return ours and (hasattr(model, "booster_") or hasattr(model, "num_trees"))

    def save(
        self,
        model: Any,
        directory: Path,
        *,
        serialization_format: str | None = None,
        skops_trusted_types: Sequence[str] | None = None,
        **written: Any,
    ) -> Flavors:
        """Further options go to ``Booster.save_model``."""
        import lightgbm  # the framework, which whoever made the model has loaded

        booster, cls, data, conf = model, BOOSTER, TEXT, {}
        if not isinstance(model, lightgbm.Booster):
            booster, cls = model.booster_, f"{type(model).__module__}.{type(model).__qualname__}"
            data, form = estimators.dump(model, directory, serialization_format, skops_trusted_types)
            conf = {**form, "text": TEXT}
        booster.save_model(directory / TEXT, **written)
        return {
            "lightgbm": {
                "data": data,
                "model_class": cls,
                "lgb_version": lightgbm.__version__,
                "code": None,
                **conf,
            },
            "python_function": {"loader_module": "mlflow.lightgbm", "data": data},
        }

    def runs(self, directory: Path, conf: Mapping[str, Any]) -> str:
        if conf.get("model_class", BOOSTER) == BOOSTER:
            return ""
        return estimators.runs(directory, conf.get("data", PICKLE), conf)

    def damage(self, directory: Path, conf: Mapping[str, Any]) -> str:
        if conf.get("model_class", BOOSTER) != BOOSTER:
            return ""
        file = inside(directory, conf.get("data", TEXT))
        found = text.damage(file)
        return f"{file} is damaged: {found}" if found else ""

    def load(self, directory: Path, conf: Mapping[str, Any], /, **_options: Any) -> Any:
        import lightgbm  # the framework, asked for by loading one of its models

        if conf.get("model_class", BOOSTER) != BOOSTER:
            return estimators.load(inside(directory, conf.get("data", PICKLE)), conf)
        file = inside(directory, conf.get("data", TEXT))
        try:
            return lightgbm.Booster(model_file=file)
        except (lightgbm.basic.LightGBMError, ValueError) as error:  # a last line that is no JSON is a ValueError
            raise AutotrackException.invalid(f"{file} is damaged: {error}") from error


FLAVOR = LightGBMFlavor()
