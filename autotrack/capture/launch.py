"""What only a process itself knows: how it was started, what it has imported, how it is set up.

Nothing is imported here, and nothing that is loaded is asked to do anything but to tell a setting.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from autotrack import redact
from autotrack.capture.launchers import launchers

_VARIABLES = frozenset((
    "CONDA_DEFAULT_ENV", "CONDA_PREFIX", "HOSTNAME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "LD_PRELOAD", "LOCAL_RANK",
    "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "RANK", "TOKENIZERS_PARALLELISM", "TZ",
    "VIRTUAL_ENV", "WORLD_SIZE",
))  # fmt: skip
_PREFIXES = (
    "AUTOTRACK_", "BLIS_", "CUBLAS_", "CUDA_", "CUDNN_", "GOMP_", "GOTO_", "JAX_", "JOBLIB_", "KERAS_", "KMP_", "LOKY_",
    "MKL_", "NCCL_", "NUMBA_", "NUMEXPR_", "NVIDIA_", "OMP_", "OPENBLAS_", "PYTHON", "PYTORCH_", "SKLEARN_", "SLURM_",
    "TF_", "TORCH_", "VECLIB_", "XGBOOST_", "XLA_",
)  # fmt: skip
"""The variables that are recorded, and the beginnings of further ones; no others ever are."""


def launch() -> dict[str, Any]:
    """How this process was started, for JSON."""
    main = sys.modules.get("__main__")
    file, spec = getattr(main, "__file__", None), getattr(main, "__spec__", None)
    return {
        "taken": time.time_ns() // 1_000_000,
        "kind": _kind(file, spec),
        "argv": redact.arguments([str(word) for word in sys.argv]),
        "command": redact.arguments(sys.orig_argv),
        "file": os.path.abspath(file) if file else None,  # noqa: PTH100 - a text is wanted
        "module": spec.name.removesuffix(".__main__") if spec is not None else None,
        "directory": directory(),
        "executable": sys.executable,
        "prefix": sys.prefix,
        "host": os.uname().nodename if hasattr(os, "uname") else "",
        "pid": os.getpid(),
        "launchers": redact.pairs(launchers(os.environ)),
        "environment": variables(os.environ),
        "libraries": libraries(),
    }


def directory() -> str | None:
    """The working directory; ``None`` if somebody has removed it."""
    try:
        return os.getcwd()  # noqa: PTH109 - a text is wanted
    except OSError:
        return None


def place() -> str | None:
    """The directory whose code this program is: its script's, else the one it works in."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return os.path.dirname(os.path.abspath(file)) if file else directory()  # noqa: PTH100, PTH120 - as above


def variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Those that change what a program computes, without the secrets that may be in them."""
    return redact.pairs({
        name: environment[name]
        for name in sorted(environment)
        if name in _VARIABLES or name.startswith(_PREFIXES)
    })  # fmt: skip


def libraries() -> dict[str, dict[str, Any]]:
    """What loaded libraries say of how they were built and set up."""
    found: dict[str, dict[str, Any]] = {}
    torch = _loaded("torch")
    if torch is not None and "version" in torch:
        found["torch"] = {
            "cuda": getattr(torch["version"], "cuda", None),
            "hip": getattr(torch["version"], "hip", None),
            "threads": torch["get_num_threads"](),
            "deterministic": torch["are_deterministic_algorithms_enabled"](),
            "matmul_precision": torch["get_float32_matmul_precision"](),
        }
    config = (_loaded("numpy.__config__") or {}).get("CONFIG")
    if isinstance(config, dict):
        blas = config.get("Build Dependencies", {}).get("blas", {})
        found["numpy"] = {"blas": " ".join(filter(None, (blas.get("name"), blas.get("version"))))}
    return found


def modules() -> tuple[list[str], list[str]]:
    """The top-level modules that this process has imported and that are not Python's own, and the source files of
    those that are not installed."""
    names: set[str] = set()
    files: set[str] = set()
    installed = tuple({os.path.realpath(place) + os.sep for place in (sys.prefix, sys.base_prefix)})
    for name, module in list(sys.modules.items()):
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or not isinstance(name, str):
            continue
        names.add(top)
        file = (_contents(module) or {}).get("__file__")
        if isinstance(file, str) and file.endswith(".py") and not _is_installed(file, installed):
            files.add(file)
    return sorted(names - {"__main__", "__mp_main__"}), sorted(files)


def _is_installed(file: str, installed: tuple[str, ...]) -> bool:
    if f"{os.sep}site-packages{os.sep}" in file or f"{os.sep}dist-packages{os.sep}" in file or file.startswith("<"):
        return True
    return file.startswith(installed) and not file.startswith((place() or os.sep) + os.sep)


def _kind(file: str | None, spec: Any) -> str:
    if "_pytest" in sys.modules and os.environ.get("PYTEST_CURRENT_TEST"):
        return "pytest"
    if file is None and "ipykernel" in sys.modules:
        return "notebook"
    if spec is not None and spec.name != "__main__":
        return "module"
    if file is not None:
        return "script"
    return "command" if "-c" in sys.orig_argv[:-1] else "interactive"


def _loaded(name: str) -> dict[str, Any] | None:
    module = sys.modules.get(name)
    spec = (_contents(module) or {}).get("__spec__")
    # One that is still being imported is left in peace.
    return None if module is None or getattr(spec, "_initializing", False) else _contents(module)


def _contents(module: object) -> dict[str, Any] | None:
    """A module's names, looked at past whatever it does when it is asked: some load themselves then."""
    return object.__getattribute__(module, "__dict__") if isinstance(module, ModuleType) else None
