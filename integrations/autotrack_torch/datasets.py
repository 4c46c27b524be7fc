"""The data that a training goes over, as data sets of its run: a name, a size, a digest where that costs little.

Nothing is asked of the program's own data set but its length: no sample is loaded for the record. What it holds as
tensors, arrays or tables is read within a bound; of files that it names some are read, beside the program; of anything
else the class and the length must do.
"""

from __future__ import annotations

import json
import sys
import weakref
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import ConcatDataset, Subset, TensorDataset

from autotrack.data import Dataset, content
from autotrack.hooks import DatasetUsed, Run
from autotrack_torch import sources
from autotrack_torch.background import later
from autotrack_torch.integration import INTEGRATION
from autotrack_torch.passes import Pass
from autotrack_torch.reading import unseen

if TYPE_CHECKING:
    from autotrack_torch.training import Training

UNREAD = "unread-"
"""What the digest begins with where the data themselves were not read."""
_DEPTH = 3
_INDICES = 100_000
"""Of longer lists of indices only some are read."""
_PARTS = 16
"""Arrays of one data set that are read."""


def used(pass_: Pass, context: str) -> DatasetUsed | None:
    """The data set of a pass; ``None`` where the program has dropped it."""
    data: Any = pass_.source._ref()
    if isinstance(data, torch.utils.data.DataLoader):
        data = data.dataset  # a list, which takes no weak reference
    if data is None:
        return None
    name = pass_.place.name()
    name = type(data).__name__ if name == "data" else name
    found = described(data, name)
    return found.used(context) if isinstance(found, Dataset) else _unread(data, name, context)


def _of_files(run: Run, data: Any, unread: DatasetUsed) -> bool:
    """Record a data set that goes over files, once some were read beside the program; whether it is one."""
    if not sources.named(data):
        return False
    kind = f"{type(data).__module__}.{type(data).__qualname__} {unread.profile}"

    def then(found: tuple[str, str] | None) -> None:
        if found is None:
            run.dataset(unread)
        else:
            source = json.dumps({**json.loads(unread.source), "uri": found[1]})
            run.dataset(replace(unread, digest=found[0], source_type="local", source=source))

    later(run, partial(sources.digest_of, weakref.ref(data), kind), then)
    return True


def note(training: Training, pass_: Pass, context: str) -> None:
    """Record the data set of a pass as an input of the training's run, once for each part of the data."""
    known = f"dataset.{context}"
    if known in training.noted or not INTEGRATION.options.log_datasets:
        return
    training.noted.add(known)
    with INTEGRATION.attempt("data set"), unseen(), torch.no_grad():
        found = used(pass_, context)
        if found is None:
            return
        data: Any = pass_.source._ref()
        files = found.digest.startswith(UNREAD) and isinstance(data, torch.utils.data.Dataset)
        if not (files and _of_files(training.run, data, found)):
            training.run.dataset(found)


def described(data: Any, name: str) -> Dataset | None:
    """What is read of a data set; ``None`` if nothing can be."""
    if type(data) is TensorDataset and len(data.tensors) <= 2 and all(map(_readable, data.tensors)):
        features, *targets = (tensor.detach() for tensor in data.tensors)
        return Dataset(features, targets=targets[0] if targets else None, name=name)
    given = getattr(data, "__dict__", {}).get("_fingerprint")  # of Hugging Face's data sets
    digest = given if isinstance(given, str) else None
    parts = dict(_parts(data, _DEPTH))
    if not parts or len(parts) > _PARTS or not all(map(_readable, parts.values())):
        return None
    digest = digest or content(type(data).__qualname__, parts)
    return Dataset(next(iter(parts.values())) if len(parts) == 1 else parts, name=name, digest=digest)


def _parts(data: Any, depth: int, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The tensors, arrays and tables that a data set holds, by the names of its attributes."""
    if depth == 0:
        return
    if isinstance(data, TensorDataset):
        yield from ((f"{prefix}{at}", tensor) for at, tensor in enumerate(data.tensors))
    elif isinstance(data, Subset):
        parts = list(_parts(data.dataset, depth - 1, prefix))
        if not parts:
            return  # which of the data it has says nothing of them
        yield from parts
        indices: Any = data.indices
        if isinstance(indices, list | range):
            indices = torch.tensor(indices[:: len(indices) // _INDICES + 1], device="cpu")
        yield f"{prefix}indices", indices
    elif isinstance(data, ConcatDataset):
        for at, part in enumerate(data.datasets[:_PARTS]):
            yield from _parts(part, depth - 1, f"{prefix}{at}.")
    else:
        for name, value in sorted(getattr(data, "__dict__", {}).items()):
            if isinstance(value, torch.Tensor) or _is(value, "numpy", "ndarray") or _is(value, "pandas", "DataFrame"):
                yield prefix + name, value


def _readable(part: Any) -> bool:
    """Whether a part lies in this machine's memory, as it is: reading it waits for no device and for no disk."""
    if isinstance(part, torch.Tensor):
        return part.is_cpu and part.layout is torch.strided and type(part) in (torch.Tensor, torch.nn.Parameter)
    return not _is(part, "numpy", "memmap")


def _unread(data: Any, name: str, context: str) -> DatasetUsed:
    kind = f"{type(data).__module__}.{type(data).__qualname__}"
    length = None
    if hasattr(data, "__len__") and not isinstance(data, torch.utils.data.IterableDataset):
        length = len(data)
    digest = UNREAD + sha256(f"{kind} {length}".encode()).hexdigest()[:16]
    source = json.dumps({"tags": {"mlflow.source.name": sys.argv[0] if sys.argv else "", "class": kind}})
    profile = json.dumps({"num_rows": length}) if length is not None else ""
    return DatasetUsed(name=name, digest=digest, source_type="code", source=source, profile=profile, context=context)


def _is(value: Any, module: str, name: str) -> bool:
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(value, getattr(loaded, name))
