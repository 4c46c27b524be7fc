"""Noticing which files a program reads as data by pandas, polars, pyarrow, numpy and joblib.

These hooks look at calls and leave them as they are: no run is opened, nothing is read. numpy's go on together with
the first of the other libraries, or with the first framework that is recorded: what they are made of is loaded by then.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from types import FrameType, FunctionType, ModuleType
from typing import Any

from autotrack import current
from autotrack._watch import when_imported
from autotrack.capture import reads
from autotrack.context import inputs
from autotrack.hooks import Integration
from autotrack.run import open_runs

READERS: Mapping[str, tuple[str, ...]] = {
    "pandas": (
        "read_csv", "read_table", "read_fwf", "read_parquet", "read_feather", "read_orc", "read_excel", "read_json",
        "read_hdf", "read_pickle", "read_stata", "read_sas", "read_spss", "read_xml", "read_html",
    ),
    "polars": (
        "read_csv", "scan_csv", "read_parquet", "scan_parquet", "read_ndjson", "scan_ndjson", "read_json", "read_ipc",
        "scan_ipc", "read_excel", "read_avro",
    ),
    "pyarrow.parquet": ("read_table", "read_pandas", "ParquetFile.__init__"),
    "pyarrow.csv": ("read_csv", "open_csv"),
    "pyarrow.json": ("read_json", "open_json"),
    "pyarrow.feather": ("read_table", "read_feather"),
    "pyarrow.orc": ("read_table",),
    "pyarrow.dataset": ("dataset",),
    "joblib": ("load",),
    "numpy": ("load", "loadtxt", "genfromtxt", "fromfile"),
}  # fmt: skip
"""By the module whose import they come with."""
_ALONG = "numpy"
_SOURCES = (
    "filepath_or_buffer", "path", "io", "path_or_buf", "path_or_buffer", "source", "sources", "where", "input_file",
    "file", "fname", "filename",
)  # fmt: skip
"""What the readers call the parameter that names the file, which is their first."""
_LIBRARIES = frozenset(name.partition(".")[0] for name in READERS)
_ABOVE = 5
"""So many frames of ours are between a call and whoever looks at it."""
_declared: dict[str, Integration] = {}


def watch() -> None:
    """Notice files from now on, by each library once it is imported."""
    for module in READERS:
        if module != _ALONG:
            when_imported(module, partial(_on_import, module))


def switch_on() -> None:
    """Notice those too that numpy reads."""
    when_imported(_ALONG, partial(_on_import, _ALONG))


def _on_import(name: str, module: ModuleType) -> None:
    if name not in _declared:
        _declared[name] = _declare(name, module)
    _declared[name].switch()
    if name != _ALONG:
        switch_on()


def _declare(name: str, module: ModuleType) -> Integration:
    integration = Integration(f"files read by {name}", distribution="autotrack-ml")
    for reader in READERS[name]:
        function = _found(module, reader)
        home = f"{getattr(function, '__module__', name)}:{reader}"
        # A pickle looks for it where it comes from.
        targets = [target for target in dict.fromkeys((f"{name}:{reader}", home)) if _leads_to(target, function)]
        if targets:
            integration.watch(*targets)(_looker(f"{name}.{reader.removesuffix('.__init__')}"))
            hook = integration.hooks[-1]
            hook.wrapper = _unseen(hook.wrapper)
    return integration


def _looker(reader: str) -> Callable[..., None]:
    def look(_function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        _look(reader, args, kwargs, result)

    look.__name__ = reader.rpartition(".")[2]
    return look


def _look(reader: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
    source = args[0] if args else next((kwargs[name] for name in _SOURCES if name in kwargs), None)
    if source is None or _is_ours():
        return
    run = current.own() or (current.current() if open_runs else None)
    for read in reads.described(source, reader):
        reads.note(read, result, in_run=run is not None)
        if run is not None and run.kept:
            inputs.give(run, read)


def _is_ours() -> bool:
    """Whether autotrack itself reads the file, by itself or by one of the libraries."""
    frame = sys._getframe(_ABOVE)
    while frame.f_back is not None and _package(frame) in _LIBRARIES:
        frame = frame.f_back
    package = _package(frame)
    return package == "autotrack" or package.startswith("autotrack_")


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__")).partition(".")[0]


def _unseen(wrapper: Any) -> Any:
    """The same function, which `warnings` passes over when it looks for the line that a warning is about: it does that
    with the frames of the import system."""
    code = wrapper.__code__.replace(co_filename="<frozen importlib._bootstrap>")
    return FunctionType(code, wrapper.__globals__, wrapper.__name__, wrapper.__defaults__, wrapper.__closure__)


def _found(module: ModuleType | None, path: str) -> Any:
    found: Any = module
    for name in path.split("."):
        found = getattr(found, name, None)
    return found


def _leads_to(target: str, function: Any) -> bool:
    name, _, path = target.partition(":")
    return function is not None and _found(sys.modules.get(name), path) is function
