"""LightGBM's models: its text, which holds data only; estimators are pickled too, as MLflow loads them so."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from autotrack.exceptions import AutotrackException
from autotrack.models import pickles
from autotrack.models.flavor import Flavor, Flavors, inside

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

    def save(self, model: Any, directory: Path) -> Flavors:
        import lightgbm  # the framework, which whoever made the model has loaded

        booster, cls, conf = model, BOOSTER, {}
        if not isinstance(model, lightgbm.Booster):
            booster, cls = model.booster_, f"{type(model).__module__}.{type(model).__qualname__}"
            conf = {"serialization_format": pickles.dump(model, directory / PICKLE), "text": TEXT}
        booster.save_model(directory / TEXT)
        data = PICKLE if conf else TEXT
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

    def runs(self, _directory: Path, conf: Mapping[str, Any]) -> str:
        return "" if conf.get("model_class", BOOSTER) == BOOSTER else f"whatever the pickle {conf.get('data')} holds"

    def load(self, directory: Path, conf: Mapping[str, Any], /, **_options: Any) -> Any:
        import lightgbm  # the framework, asked for by loading one of its models

        file = inside(directory, conf.get("data", TEXT))
        if conf.get("model_class", BOOSTER) == BOOSTER:
            try:
                return lightgbm.Booster(model_file=file)
            except lightgbm.basic.LightGBMError as error:
                raise AutotrackException.invalid(f"{file} is damaged: {error}") from error
        form = conf.get("serialization_format", "pickle")
        if form not in ("pickle", "cloudpickle"):
            raise AutotrackException.invalid(f"{directory} was serialized with {form!r}; this version loads pickles")
        with file.open("rb") as stream:
            # A cloudpickle is a pickle that imports cloudpickle by itself.
            return pickle.load(stream)  # noqa: S301 - the caller has established that this may run


FLAVOR = LightGBMFlavor()
