"""What only a process itself knows: how it was started, what it has imported, how it is set up.

Nothing is imported here, and nothing that is loaded is asked to do anything but to tell a setting.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from types import ModuleType
from typing import Any, NamedTuple

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


_PYTHON = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120 - a text is wanted


class Main(NamedTuple):
    """The program as it is while it runs; the interpreter forgets its file before it ends."""

    file: str | None
    module: str | None
    argv: list[str]
    directory: str | None
    """The working directory; ``None`` if somebody has removed it."""

    @property
    def place(self) -> str | None:
        """The directory whose code the program is: its script's, else the one it works in."""
        return os.path.dirname(self.file) if self.file else self.directory  # noqa: PTH120 - a text is wanted


def main() -> Main:
    """The program that runs."""
    module = sys.modules.get("__main__")
    file, spec = getattr(module, "__file__", None), getattr(module, "__spec__", None)
    try:
        directory = os.getcwd()  # noqa: PTH109 - a text is wanted
    except OSError:
        directory = None
    return Main(
        os.path.abspath(file) if isinstance(file, str) else None,  # noqa: PTH100 - as above
        spec.name.removesuffix(".__main__") if spec is not None and spec.name != "__main__" else None,
        [str(word) for word in sys.argv],
        directory,
    )


def launch(program: Main) -> dict[str, Any]:
    """How this process was started, for JSON."""
    return {
        "taken": time.time_ns() // 1_000_000,
        "kind": _kind(program),
        "argv": redact.arguments(program.argv),
        "command": redact.arguments(sys.orig_argv),
        "file": program.file,
        "module": program.module,
        "directory": program.directory,
        "executable": sys.executable,
        "prefix": sys.prefix,
        "host": os.uname().nodename if hasattr(os, "uname") else "",
        "pid": os.getpid(),
        "launchers": redact.pairs(launchers(os.environ)),
        "environment": variables(os.environ),
        "libraries": libraries(),
    }


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


def modules(program: Main) -> tuple[list[str], list[str]]:
    """The top-level modules that this process has imported and that are not Python's own, and the source files of
    those that are not installed."""
    names: set[str] = set()
    files = {program.file} if program.file and not is_installed(program.file) else set[str]()
    for name, module in list(sys.modules.items()):
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or not isinstance(name, str):
            continue
        names.add(top)
        file = (_contents(module) or {}).get("__file__")
        if isinstance(file, str) and file.endswith(".py") and not is_installed(file):
            files.add(file)
    return sorted(names - {"__main__", "__mp_main__"}), sorted(files)


def is_installed(file: str) -> bool:
    """Whether a source file belongs to Python or to an installed distribution, rather than to the program."""
    if f"{os.sep}site-packages{os.sep}" in file or f"{os.sep}dist-packages{os.sep}" in file or file.startswith("<"):
        return True
    return file.startswith(_PYTHON)


def _kind(program: Main) -> str:
    if "_pytest" in sys.modules and os.environ.get("PYTEST_CURRENT_TEST"):
        return "pytest"
    if program.file is None and "ipykernel" in sys.modules:
        return "notebook"
    if program.module is not None:
        return "module"
    if program.file is not None:
        return "script"
    return "command" if "-c" in sys.orig_argv[:-1] else "interactive"


def _loaded(name: str) -> dict[str, Any] | None:
    module = sys.modules.get(name)
    spec = (_contents(module) or {}).get("__spec__")
    # One that is still being imported is left in peace.
    return None if module is None or getattr(spec, "_initializing", False) else _contents(module)


def _contents(module: object) -> dict[str, Any] | None:
    """A module's names, looked at past whatever it does when it is asked: some load themselves then, and some that say
    they are modules have none."""
    try:
        return object.__getattribute__(module, "__dict__") if isinstance(module, ModuleType) else None
    except AttributeError:
        return None
