"""PyTorch's models: the weights as safetensors, and the whole module where pickling it has a bounded cost."""

from __future__ import annotations

import math
import pickle
import sys
import time
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from autotrack.exceptions import AutotrackException
from autotrack.models.flavor import Flavor, Flavors, inside
from autotrack.models.format import read
from autotrack.models.load import admit
from autotrack.models.locate import locate
from autotrack_torch import exported, weights
from autotrack_torch.own import own

WEIGHTS = "data/state_dict.safetensors"
MODULE = "data/model.pth"
EXPORTED = "data/model.pt2"
FORMS = (None, "pickle", "cloudpickle", "pt2")
BYTES = 512 * 1024 * 1024
"""The largest module that is pickled whole, tensors included."""
CODE_BYTES, SECONDS = 16 * 1024 * 1024, 2.0
"""How large the pickle may be without its tensors, and how long making it may take."""


class TorchFlavor(Flavor):
    name: ClassVar = "pytorch"
    argument: ClassVar = "pytorch_model"
    requires: ClassVar = ("torch", "numpy", "safetensors")

    def owns(self, model: Any) -> bool:
        return callable(getattr(model, "state_dict", None)) and callable(getattr(model, "named_parameters", None))

    config: ClassVar = {"device": "map_location"}
    traces: ClassVar = True
    asked: ClassVar = {"whole": True}

    def save(
        self,
        model: Any,
        directory: Path,
        *,
        serialization_format: str | None = None,
        export_model: bool = False,
        example: Any = None,
        whole: bool = False,
        **written: Any,
    ) -> Flavors:
        """``serialization_format="pt2"`` traces the module with the input example instead of pickling it; ``whole``
        keeps it however large it is. Further options go to ``torch.save``."""
        import torch  # the framework, which whoever made the model has loaded

        form = "pt2" if export_model else serialization_format
        if form not in FORMS:
            raise AutotrackException.invalid(f"serialization_format is one of pickle, cloudpickle, pt2, not {form!r}")
        model = _plain(model)
        state = model.state_dict()
        size = sum(value.nbytes for value in state.values() if isinstance(value, torch.Tensor))
        (directory / "data").mkdir()
        conf = {
            "module_class": f"{type(model).__module__}.{type(model).__qualname__}",
            "pytorch_version": str(torch.__version__),
            "code": None,
        }
        if form == "pt2":
            exported.save(model, example, directory / EXPORTED)
            found: str | None = "pt2"
        else:
            found = _save_module(model, directory / MODULE, form, whole, written)
        # A large module that was kept whole has its weights there: they would only be written once more.
        if found is None or size <= BYTES:
            weights.write(state, directory / WEIGHTS)
            conf = {"state_dict": WEIGHTS, **conf}
        if found is None:
            return {"pytorch": conf}
        if found != "pt2":
            # Read with plain pickle: what went in by value finds cloudpickle by itself.
            (directory / "data/pickle_module_info.txt").write_text("pickle")
        pyfunc = {
            "loader_module": "mlflow.pytorch",
            "data": "data",
            "pickle_module_name": "pickle",
            "model_config": {"device": None},
        }
        return {"pytorch": {"model_data": "data", "serialization_format": found, **conf}, "python_function": pyfunc}

    def lacks(self, flavors: Mapping[str, Mapping[str, Any]]) -> str:
        if "model_data" in flavors["pytorch"]:
            return ""
        return "the module itself, which cannot be pickled; its weights are there"

    def runs(self, directory: Path, conf: Mapping[str, Any]) -> str:
        if "model_data" not in conf:
            return ""
        name = _whole(directory, conf).name
        return f"whatever the {'exported' if name.endswith('.pt2') else 'pickled'} module {name} holds"

    def load(self, directory: Path, conf: Mapping[str, Any], /, **options: Any) -> Any:
        """The module in evaluation mode, on the CPU unless ``map_location`` says otherwise."""
        import torch  # the framework, asked for by loading one of its models

        if "model_data" not in conf:
            raise AutotrackException.invalid(
                f"{directory} holds the weights of a {conf.get('module_class')} but not the module itself, which could "
                "not be pickled: build it and give it autotrack.torch.load_state_dict(uri)"
            )
        file = _whole(directory, conf)
        if file.name.endswith(".pt2"):
            return exported.load(file)
        options.setdefault("map_location", "cpu")
        try:
            with own():
                model = torch.load(file, weights_only=False, **options)
        except (EOFError, pickle.UnpicklingError, RuntimeError) as error:
            # An archive that ends too early is a RuntimeError of torch's reader.
            if isinstance(error, RuntimeError) and "PytorchStreamReader" not in str(error):
                raise
            raise AutotrackException.invalid(
                f"{file} is damaged: {str(error).splitlines()[0]}; fetch the model again"
            ) from error
        return model.eval()

    def predict(self, model: Any, data: Any, params: Mapping[str, Any], /) -> Any:
        """Tensors' answers as arrays; for a data frame, a data frame with its index. A mapping goes to the module's
        arguments by name, a tuple by position."""
        import numpy as np  # heavy, loaded with the framework
        import torch  # the framework, loaded with the model

        parameter = next(iter(model.parameters()), None)
        device = parameter.device if parameter is not None else "cpu"

        def tensor(value: Any) -> Any:
            if isinstance(value, torch.Tensor):
                return value.to(device)
            return torch.from_numpy(np.asarray(value.toarray() if hasattr(value, "toarray") else value)).to(device)

        frame: Any = data if hasattr(data, "to_numpy") and hasattr(data, "index") else None
        with torch.no_grad():
            if isinstance(data, Mapping):
                answer = model(**{str(name): tensor(value) for name, value in data.items()}, **params)
            elif isinstance(data, tuple):
                answer = model(*map(tensor, data), **params)
            else:
                answer = model(tensor(data if frame is None else frame.to_numpy(dtype=np.float32)), **params)
        result = _arrays(answer)
        return result if frame is None else type(frame)(result, index=frame.index)


def _arrays(answer: Any) -> Any:
    import torch  # the framework, loaded with the model

    if isinstance(answer, torch.Tensor):
        return answer.detach().cpu().numpy()
    if isinstance(answer, Mapping):
        return {name: _arrays(value) for name, value in answer.items()}
    if isinstance(answer, (tuple, list)):
        return [_arrays(value) for value in answer]
    raise AutotrackException.invalid(f"the module answered a {type(answer).__name__}, not tensors")


def _whole(directory: Path, conf: Mapping[str, Any]) -> Path:
    """The file that the whole module is in: pickled, or exported where there is no pickle, as MLflow reads it."""
    pickled, traced = (f"{conf['model_data']}/model.{ending}" for ending in ("pth", "pt2"))
    there = inside(directory, str(conf["model_data"])).joinpath("model.pt2").exists()
    if conf.get("serialization_format") == "pt2" or (there and not (directory / pickled).exists()):
        return inside(directory, traced)
    return inside(directory, pickled)


def _plain(model: Any) -> Any:
    """The user's module out of the wrappers of torch.compile and of data parallelism."""
    if type(model).__module__.startswith(("torch._dynamo.", "torch.nn.parallel.")):
        inner = getattr(model, "_orig_mod", None) or getattr(model, "module", None)
        return model if inner is None else _plain(inner)
    return model


def load_state_dict(uri: str | Path, *, store: str | Path | None = None) -> dict[str, Any]:
    """The weights of a saved model, on the CPU; runs nothing that lies in its directory."""
    located = locate(uri, store=store)
    conf = read(located.directory).flavors.get("pytorch", {})
    admit(located, "")
    return weights.read(inside(located.directory, conf.get("state_dict", WEIGHTS)))


class _StopPickling(Exception):
    """The pickle is too large, takes too long, or names what no other program can import."""


class _Budget:
    """Stands before the buffer that a pickle goes to."""

    def __init__(self, buffer: Any, by_name: bool, whole: bool) -> None:
        self._buffer = buffer
        self._by_name = by_name
        self._left = sys.maxsize if whole else CODE_BYTES
        self._until = math.inf if whole else time.monotonic() + SECONDS

    def write(self, data: Any) -> int:
        self._left -= len(data)
        if self._left < 0 or time.monotonic() > self._until:
            raise _StopPickling
        if self._by_name and any(name in bytes(data) for name in (b"__main__", b"__mp_main__")):
            raise _StopPickling
        return int(self._buffer.write(data))


def _budgeted(pickler: Any, by_name: bool, whole: bool) -> Any:
    """What `torch.save` takes for a pickle module; the pickler that torch derives from it keeps to the budget."""

    class Budgeted(pickler):  # type: ignore[misc]  # a class from a parameter
        left = sys.maxsize if whole else BYTES

        def __init__(self, file: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(_Budget(file, by_name, whole), *args, **kwargs)

        def __init_subclass__(cls) -> None:
            identify = cls.persistent_id

            def persistent_id(self: Any, thing: Any) -> Any:
                found = identify(self, thing)
                if found is None:
                    return None
                # A typed storage warns of its own attributes, in the user's program.
                self.left -= getattr(thing, "_untyped_storage", thing).nbytes()
                if self.left < 0:
                    raise _StopPickling
                # A model trained on a device must load where there is none.
                return (*found[:3], "cpu", *found[4:])

            cls.persistent_id = persistent_id

    return types.SimpleNamespace(Pickler=Budgeted, __name__=pickler.__module__.partition(".")[0])


def _save_module(model: Any, path: Path, wanted: str | None, whole: bool, written: Mapping[str, Any]) -> str | None:
    """How the module could be written whole; ``None`` if it could not."""
    import torch  # the framework, which whoever made the model has loaded

    if isinstance(model, torch.jit.ScriptModule):
        model.save(str(path))
        return "torchscript"
    for form, pickler in (("pickle", _by_name), ("cloudpickle", _by_value)):
        if wanted not in (None, form):
            continue
        try:
            with own():
                torch.save(model, path, pickle_module=pickler(whole), **written)
        except Exception:  # noqa: BLE001 - a module may refuse to be pickled in any way; its weights are kept anyhow
            path.unlink(missing_ok=True)
        else:
            return form
    return None


def _by_name(whole: bool) -> Any:
    return _budgeted(pickle.Pickler, by_name=True, whole=whole)


def _by_value(whole: bool) -> Any:
    # heavy, and only for classes that another program cannot import
    import cloudpickle  # type: ignore[import-untyped]  # it ships no types

    return _budgeted(cloudpickle.Pickler, by_name=False, whole=whole)


FLAVOR = TorchFlavor()
