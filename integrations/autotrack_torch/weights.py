"""A state dict as a safetensors file: tensors and nothing that could run, written one tensor at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from autotrack.exceptions import AutotrackException

DTYPES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64", "int32": "I32",
    "int16": "I16", "int8": "I8", "uint8": "U8", "uint16": "U16", "uint32": "U32", "uint64": "U64", "bool": "BOOL",
    "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2", "complex64": "C64",
}  # fmt: skip
"""The format's words for torch's types."""


def write(state: Mapping[str, Any], path: Path) -> None:
    """Each storage once: a name whose tensor is another name's too is kept in the file's metadata.

    No more than one tensor is ever copied, to take it off its device or to lay it out in order.
    """
    tensors, shared = _distinct(state)
    # The largest alignment first, as the format's own writer has it: no reader meets a tensor at an odd place.
    order = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    header: dict[str, Any] = {"__metadata__": {"format": "pt", **({"shared": json.dumps(shared)} if shared else {})}}
    begin = 0
    for name in order:
        tensor = tensors[name]
        end = begin + tensor.numel() * tensor.element_size()
        kind = DTYPES[str(tensor.dtype).removeprefix("torch.")]
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [begin, end]}
        begin = end
    words = json.dumps(header).encode()
    words += b" " * (-len(words) % 8)
    with path.open("wb") as file:
        file.write(len(words).to_bytes(8, "little") + words)
        for name in order:
            file.writelines(_bytes(tensors[name]))


def read(path: Path) -> dict[str, Any]:
    """The tensors by name, on the CPU; shared ones are one object."""
    from safetensors import SafetensorError, safe_open  # heavy, asked for by loading weights

    try:
        with safe_open(path, framework="pt") as file:
            shared = json.loads((file.metadata() or {}).get("shared", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - the file is no mapping
    except SafetensorError as error:
        raise AutotrackException.invalid(f"{path} is damaged: {error}; fetch the model again") from error
    return {name: tensors[shared.get(name, name)] for name in (*tensors, *shared)}


def _distinct(state: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    import torch  # the framework, which whoever made the model has loaded

    tensors: dict[str, Any] = {}
    shared: dict[str, str] = {}
    first: dict[tuple[Any, ...], str] = {}
    for name, value in state.items():
        if not isinstance(value, torch.Tensor) or value.layout != torch.strided or value.is_quantized:
            continue  # extra state of a module, or a kind that the format has no word for: in the pickled module only
        if str(value.dtype).removeprefix("torch.") not in DTYPES:
            continue
        tensor = value.detach()
        same = (tensor.device, tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride())
        known = first.setdefault(same, name) if tensor.numel() else name
        if known != name:
            shared[name] = known
        else:
            tensors[name] = tensor
    return tensors, shared


def _bytes(tensor: Any) -> Iterator[Any]:
    import torch  # as above

    if tensor.numel():
        flat = tensor.cpu().contiguous().resolve_conj().resolve_neg().reshape(-1)
        yield memoryview(flat.view(torch.uint8).numpy())
