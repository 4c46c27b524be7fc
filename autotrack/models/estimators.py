"""Estimators with scikit-learn's interface in a file: pickled, or as skops, which names the types that it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autotrack.exceptions import AutotrackException
from autotrack.models import pickles
from autotrack.models.flavor import inside

SKOPS = "skops"
STEM = "model"
_ENDINGS = {SKOPS: ".skops"}


def dump(
    model: Any, directory: Path, form: str | None = None, trusted: Sequence[str] | None = None
) -> tuple[str, dict[str, Any]]:
    """Write the estimator; the file's name, and what the MLmodel file says about its form.

    Without a ``form`` it is pickled, by value where it must be. With "skops" the types that skops does not know are
    written down, so that whoever vouches for the file vouches for them; ``trusted`` names the only ones it may have.
    """
    name = STEM + _ENDINGS.get(form or "", ".pkl")
    if form != SKOPS:
        return name, {"serialization_format": pickles.dump(model, directory / name, form)}
    io = _skops()
    try:
        io.dump(model, directory / name)
        found = sorted(io.get_untrusted_types(file=directory / name))
    except Exception as error:
        raise AutotrackException.invalid(
            f"skops cannot hold this {type(model).__name__} ({error}); leave serialization_format out to pickle it"
        ) from error
    unknown = [] if trusted is None else sorted({*found} - {*trusted})
    if unknown:
        raise AutotrackException.invalid(
            f"the {type(model).__name__} holds types that skops_trusted_types does not name: {', '.join(unknown)}"
        )
    return name, {"serialization_format": SKOPS, "skops_trusted_types": found or None}


def runs(directory: Path, file: Any, conf: Mapping[str, Any]) -> str:
    """What loading the file would run; empty for skops with nothing but types that skops itself trusts."""
    form = conf.get("serialization_format", "pickle")
    if form != SKOPS:
        return f"whatever the pickle {file} holds"
    # The file itself is asked: what the MLmodel file says of it may be anybody's.
    found = _untrusted(inside(directory, file))
    return f"the types {', '.join(found)} of {file}" if found else ""


def load(path: Path, conf: Mapping[str, Any]) -> Any:
    """The estimator back; the caller has established that it may run what `runs` tells."""
    form = conf.get("serialization_format", "pickle")
    if form != SKOPS:
        return pickles.load(path, form)
    found = _untrusted(path)
    try:
        return _skops().load(path, trusted=found)
    except Exception as error:
        raise AutotrackException.invalid(f"{path} cannot be read: {error}") from error


def _untrusted(path: Path) -> list[str]:
    try:
        return sorted(_skops().get_untrusted_types(file=path))
    except AutotrackException:
        raise
    except Exception as error:
        raise AutotrackException.invalid(f"{path} is damaged: {error}; fetch the model again") from error


def _skops() -> Any:
    try:
        import skops.io  # type: ignore[import-untyped]  # an extra of its own, a tenth of a second; it ships no types
    except ImportError as error:
        raise AutotrackException.missing("the format skops needs skops: pip install 'autotrack-ml[skops]'") from error
    return skops.io
