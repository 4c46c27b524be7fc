"""PyTorch's models: the weights as safetensors, and the whole module where pickling it has a bounded cost."""

from __future__ import annotations

import json
import pickle
import time
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from autotrack.exceptions import AutotrackException
from autotrack.models.flavor import Flavor, Flavors, inside
from autotrack.models.format import read
from autotrack.models.load import admit, locate

WEIGHTS = "data/state_dict.safetensors"
MODULE = "data/model.pth"
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

    def save(self, model: Any, directory: Path) -> Flavors:
        import torch  # the framework, which whoever made the model has loaded

        model = _plain(model)
        (directory / "data").mkdir()
        _save_weights(model.state_dict(), directory / WEIGHTS)
        conf = {
            "state_dict": WEIGHTS,
            "module_class": f"{type(model).__module__}.{type(model).__qualname__}",
            "pytorch_version": str(torch.__version__),
            "code": None,
        }
        form = _save_module(model, directory / MODULE)
        if form is None:
            return {"pytorch": conf}
        # Read with plain pickle: what went in by value finds cloudpickle by itself.
        (directory / "data/pickle_module_info.txt").write_text("pickle")
        pyfunc = {
            "loader_module": "mlflow.pytorch",
            "data": "data",
            "pickle_module_name": "pickle",
            "model_config": {"device": None},
        }
        return {"pytorch": {"model_data": "data", "serialization_format": form, **conf}, "python_function": pyfunc}

    def runs(self, _directory: Path, conf: Mapping[str, Any]) -> str:
        if "model_data" not in conf:
            return ""
        return f"whatever the pickled module {conf['model_data']}/model.pth holds"

    def load(self, directory: Path, conf: Mapping[str, Any], /, **options: Any) -> Any:
        """The module in evaluation mode, on the CPU unless ``map_location`` says otherwise."""
        import torch  # the framework, asked for by loading one of its models

        if "model_data" not in conf:
            raise AutotrackException.invalid(
                f"{directory} holds the weights of a {conf.get('module_class')} but not the module itself, which could "
                "not be pickled: build it and give it autotrack.torch.load_state_dict(uri)"
            )
        file = inside(directory, f"{conf['model_data']}/model.pth")
        options.setdefault("map_location", "cpu")
        model = torch.load(file, weights_only=False, **options)
        return model.eval()

    def predict(self, model: Any, data: Any, params: Mapping[str, Any]) -> Any:
        """A tensor's answer as an array; for a data frame, a data frame with its index."""
        import numpy as np  # heavy, loaded with the framework
        import torch  # the framework, loaded with the model

        frame = hasattr(data, "to_numpy") and hasattr(data, "index")
        array = data.to_numpy(dtype=np.float32) if frame else np.asarray(data)
        parameter = next(model.parameters(), None)
        with torch.no_grad():
            answer = model(torch.from_numpy(array).to(parameter.device if parameter is not None else "cpu"), **params)
        if not isinstance(answer, torch.Tensor):
            raise AutotrackException.invalid(f"the module answered a {type(answer).__name__}, not one tensor")
        result = answer.cpu().numpy()
        return type(data)(result, index=data.index) if frame else result


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
    from safetensors import safe_open  # heavy, asked for by loading weights

    with safe_open(inside(located.directory, conf.get("state_dict", WEIGHTS)), framework="pt") as file:
        shared = json.loads((file.metadata() or {}).get("shared", "{}"))
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - the file is no mapping
    return {name: tensors[shared.get(name, name)] for name in (*tensors, *shared)}


def _save_weights(state: Mapping[str, Any], path: Path) -> None:
    """Each storage once: a name whose tensor is another name's too is kept in the file's metadata."""
    import torch  # the framework, which whoever made the model has loaded
    from safetensors.torch import save_file  # heavy, and only when a model is written

    tensors: dict[str, Any] = {}
    shared: dict[str, str] = {}
    first: dict[tuple[Any, ...], str] = {}
    for name, value in state.items():
        if not isinstance(value, torch.Tensor) or value.layout != torch.strided or value.is_quantized:
            continue  # extra state of a module, or a kind that the format has no word for: in the pickled module only
        tensor = value.detach()
        same = (tensor.device, tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride())
        known = first.setdefault(same, name) if tensor.numel() else name
        if known != name:
            shared[name] = known
            continue
        # A view of a larger storage, or of one that overlaps another, goes in as a tensor of its own.
        whole = tensor.is_contiguous() and tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()
        tensors[name] = tensor if whole else tensor.clone(memory_format=torch.contiguous_format)
    save_file(tensors, path, metadata={"format": "pt", **({"shared": json.dumps(shared)} if shared else {})})


class _StopPickling(Exception):
    """The pickle is too large, takes too long, or names what no other program can import."""


class _Budget:
    """Stands before the buffer that a pickle goes to."""

    def __init__(self, buffer: Any, by_name: bool) -> None:
        self._buffer = buffer
        self._by_name = by_name
        self._left = CODE_BYTES
        self._until = time.monotonic() + SECONDS

    def write(self, data: Any) -> int:
        self._left -= len(data)
        if self._left < 0 or time.monotonic() > self._until:
            raise _StopPickling
        if self._by_name and any(name in bytes(data) for name in (b"__main__", b"__mp_main__")):
            raise _StopPickling
        return int(self._buffer.write(data))


def _budgeted(pickler: Any, by_name: bool) -> Any:
    """What `torch.save` takes for a pickle module; the pickler that torch derives from it keeps to the budget."""

    class Budgeted(pickler):  # type: ignore[misc]  # a class from a parameter
        left = BYTES

        def __init__(self, file: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(_Budget(file, by_name), *args, **kwargs)

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


def _save_module(model: Any, path: Path) -> str | None:
    """How the module could be written whole; ``None`` if it could not."""
    import torch  # the framework, which whoever made the model has loaded

    if isinstance(model, torch.jit.ScriptModule):
        model.save(str(path))
        return "torchscript"
    for form, pickler in (("pickle", _by_name), ("cloudpickle", _by_value)):
        try:
            torch.save(model, path, pickle_module=pickler())
        except Exception:  # noqa: BLE001 - a module may refuse to be pickled in any way; its weights are kept anyhow
            path.unlink(missing_ok=True)
        else:
            return form
    return None


def _by_name() -> Any:
    return _budgeted(pickle.Pickler, by_name=True)


def _by_value() -> Any:
    # heavy, and only for classes that another program cannot import
    import cloudpickle  # type: ignore[import-untyped]  # it ships no types

    return _budgeted(cloudpickle.Pickler, by_name=False)


FLAVOR = TorchFlavor()
