"""Writing a model directory that is complete or absent, whatever happens in between."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from autotrack.exceptions import AutotrackException
from autotrack.models import (
    additions,
    duplicates,
    example,
    format,  # noqa: A004 - the module, not the builtin
    requirements,
    verified,
)
from autotrack.models.additions import Additions
from autotrack.models.flavor import Flavor, Flavors, owner
from autotrack.models.format import MLMODEL, PYFUNC, ModelInfo
from autotrack.models.python import PYTHON
from autotrack.models.signature import ModelSignature
from autotrack.models.tree import entries

PARTIAL = ".partial"
"""Ends the name, which begins with a dot, of a directory that is still being written."""


def save(
    model: Any,
    directory: Path,
    *,
    flavor: Flavor | None = None,
    signature: Any = None,
    input_example: Any = None,
    metadata: Mapping[str, Any] | None = None,
    run_id: str | None = None,
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    origin: Mapping[str, Any] | None = None,
    numbered: bool = False,
    added: Additions | None = None,
    **options: Any,
) -> ModelInfo:
    """Save a model as a directory in MLflow's format.

    The directory appears under its name only when it is complete. If the name is taken, that is an error, or with
    ``numbered`` the model goes to the first free one of ``name-2``, ``name-3`` … Further options are the flavor's.
    """
    added = added or Additions()
    flavor = flavor or owner(model, PYTHON)
    if not numbered and directory.exists():
        raise AutotrackException(
            f"{directory} exists already; a saved model is never overwritten", "RESOURCE_ALREADY_EXISTS"
        )
    directory.parent.mkdir(parents=True, exist_ok=True)
    partial = directory.parent / f".{directory.name}.{os.urandom(4).hex()}{PARTIAL}"
    partial.mkdir()
    try:
        given = ModelSignature.given(signature)
        flavors = flavor.save(model, partial, **({"example": input_example} if flavor.traces else {}), **options)
        conf = added.copy(partial)
        flavors = {key: {**entry, **conf} for key, entry in flavors.items()}
        if PYFUNC in flavors:
            flavors[PYFUNC] = format.pyfunc(flavors[PYFUNC])
        # Several arguments by place are an example for tracing alone: there is no JSON for them.
        saved = (
            {} if input_example is None or isinstance(input_example, tuple) else example.write(input_example, partial)
        )
        info = ModelInfo(
            model_id=f"m-{os.urandom(16).hex()}",
            name=directory.name,
            directory=directory,
            flavors=flavors,
            run_id=run_id,
            signature=given,
            metadata=dict(metadata or {}),
            utc_time_created=format.utc_now(),
            params=params or {},
            tags=tags or {},
            origin=origin or {},
        )
        lines = added.requirements(_requirements(flavor, model, flavors, given), partial)
        conda = additions.plain(added.conda()) if added.conda_env is not None else None
        format.write_environment(partial, lines, conda)
        return _publish(partial, info, saved, numbered)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _publish(partial: Path, info: ModelInfo, saved_example: Mapping[str, Any], numbered: bool) -> ModelInfo:
    """Write the MLmodel file, which names the directory, and give the directory that name."""
    wanted = info.directory
    size = sum(entry.facts.st_size for entry in format.files(entries(partial)))
    while True:
        if numbered:
            directory = _free(wanted)
            info = replace(info, name=directory.name, directory=directory)
        content = {
            **info.document(),
            format.SIZE: size,
            **({"saved_input_example_info": saved_example} if saved_example else {}),
        }
        format.write_text(partial / MLMODEL, format.document(content))
        contents = format.contents(partial)
        try:
            _rename(partial, info.directory)
        except FileExistsError:  # somebody else was faster
            if not numbered:
                raise
        else:
            digest, whole = format.digest_of(contents)
            duplicates.settle(info.directory, contents)
            verified.note(info.directory, digest, whole)
            return replace(info, digest=digest, size=whole)


def _free(wanted: Path) -> Path:
    """The path itself, or with a number that is not taken; few looks even where thousands are."""

    def at(number: int) -> Path:
        return wanted.with_name(f"{wanted.name}-{number}") if number > 1 else wanted

    free = 1
    while at(free).exists():
        free *= 2
    taken = free // 2
    while free - taken > 1:
        middle = (free + taken) // 2
        if at(middle).exists():
            taken = middle
        else:
            free = middle
    return at(free)


def _rename(partial: Path, directory: Path) -> None:
    try:
        partial.rename(directory)
    except OSError as error:
        # Which error a taken name gives differs between systems and file systems.
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EACCES) and directory.exists():
            raise FileExistsError(errno.EEXIST, "the model's name is taken", str(directory)) from error
        raise


def _requirements(flavor: Flavor, model: Any, flavors: Flavors, signature: ModelSignature | None) -> list[str]:
    modules: set[str] = set()
    modules.update(
        str(form) for conf in flavors.values() if (form := conf.get("serialization_format")) in ("cloudpickle", "skops")
    )
    with contextlib.suppress(Exception):  # what a stranger's model says about its parts may fail
        modules.update(_modules(flavor.parts(model)))
    # Named columns come in a data frame, so whoever asks the model will build one.
    if signature and any(isinstance(spec.get("name"), str) for spec in signature.inputs or ()):
        modules.update([name for name in ("pandas", "polars") if name in sys.modules][:1])
    return requirements.requirements(flavor.requires, modules)


def _modules(parts: Iterable[Any]) -> set[str]:
    names: set[str] = set()
    for part in parts:
        classes = part.__mro__ if isinstance(part, type) else (part, *type(part).__mro__)
        names.update(name for cls in classes if isinstance(name := getattr(cls, "__module__", None), str))
    return {name.partition(".")[0] for name in names}
