"""Which fields can be searched and sorted by, for each kind of thing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from autotrack.store.search.tree import Field, Kind, Unit

_METRIC = {"metric": Kind.METRIC, "metrics": Kind.METRIC}
_PARAM = {"param": Kind.PARAM, "params": Kind.PARAM, "parameter": Kind.PARAM, "parameters": Kind.PARAM}
_TAG = {"tag": Kind.TAG, "tags": Kind.TAG}
_ATTRIBUTE = {"attribute": Kind.ATTRIBUTE, "attributes": Kind.ATTRIBUTE, "attr": Kind.ATTRIBUTE}
_DATASET = {"dataset": Kind.DATASET, "datasets": Kind.DATASET}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The fields of one kind of thing. ``attributes`` says for each whether it is a number."""

    what: str
    prefixes: Mapping[str, Kind]
    attributes: Mapping[str, bool]
    aliases: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, Unit] = field(default_factory=dict)
    entries: Mapping[str, Field] = field(default_factory=dict)
    """Names of single entries that read like attributes."""
    summaries: bool = False
    """Whether ``best``, ``min``, ``mean`` and the like of a metric are known."""

    def field(self, parts: tuple[str, ...]) -> Field | str:
        """The field that a name means, or what is wrong with the name."""
        if len(parts) == 1:
            return self._attribute(parts[0])
        prefix, key = parts
        kind = self.prefixes.get(prefix.lower())
        if kind is None:
            names = sorted({kind.value for kind in self.prefixes.values()})
            return f"{_short(prefix)} is none of {', '.join(names)}" + _hint(prefix, names)
        if not key:
            return f"a key is missing after {prefix!r}."
        if kind is Kind.ATTRIBUTE:
            return self._attribute(key)
        if kind is Kind.DATASET and key not in DATASET_FIELDS:
            return f"{_short(key)} is none of the fields of a dataset: {', '.join(DATASET_FIELDS)}"
        return Field(kind, key, numeric=kind is Kind.METRIC)

    def _attribute(self, name: str) -> Field | str:
        canonical = self.aliases.get(name, name)
        if canonical in self.entries:
            return self.entries[canonical]
        if canonical not in self.attributes:
            known = [*self.attributes, *self.entries]
            return f"{_short(name)} is no attribute of a {self.what} ({', '.join(known)})" + _hint(name, known)
        return Field(Kind.ATTRIBUTE, canonical, self.attributes[canonical], unit=self.units.get(canonical))


_CHANGES = {"creation_timestamp": Unit.MOMENT, "last_updated_timestamp": Unit.MOMENT}
DATASET_FIELDS = ("name", "digest", "context")

RUNS = Vocabulary(
    "run",
    {**_METRIC, **_PARAM, **_TAG, **_ATTRIBUTE, "run": Kind.ATTRIBUTE, **_DATASET},
    {
        "run_id": False,
        "run_name": False,
        "experiment_id": False,
        "user_id": False,
        "status": False,
        "artifact_uri": False,
        "start_time": True,
        "end_time": True,
        "duration": True,
    },
    {
        "run name": "run_name",
        "Run name": "run_name",
        "Run Name": "run_name",
        "created": "start_time",
        "Created": "start_time",
    },
    {"start_time": Unit.MOMENT, "end_time": Unit.MOMENT, "duration": Unit.SECONDS},
    {
        "parent": Field(Kind.TAG, "mlflow.parentRunId", numeric=False),
        "commit": Field(Kind.TAG, "mlflow.source.git.commit", numeric=False),
        "data_digest": Field(Kind.DATASET, "digest", numeric=False),
    },
    summaries=True,
)

EXPERIMENTS = Vocabulary(
    "experiment",
    {**_TAG, **_ATTRIBUTE, "experiment": Kind.ATTRIBUTE},
    {"name": False, "experiment_id": False, "creation_time": True, "last_update_time": True},
    units={"creation_time": Unit.MOMENT, "last_update_time": Unit.MOMENT},
)

MODELS = Vocabulary(
    "logged model",
    {**_METRIC, **_PARAM, **_TAG, **_ATTRIBUTE},
    {
        "name": False,
        "model_id": False,
        "model_type": False,
        "status": False,
        "source_run_id": False,
        "experiment_id": False,
        "creation_timestamp": True,
        "last_updated_timestamp": True,
    },
    {"creation_time": "creation_timestamp", "last_updated_time": "last_updated_timestamp"},
    _CHANGES,
)

REGISTERED_MODELS = Vocabulary(
    "registered model",
    {**_TAG, **_ATTRIBUTE},
    {"name": False, "creation_timestamp": True, "last_updated_timestamp": True},
    {"timestamp": "last_updated_timestamp"},
    _CHANGES,
)

MODEL_VERSIONS = Vocabulary(
    "model version",
    {**_TAG, **_ATTRIBUTE},
    {
        "name": False,
        "version_number": True,
        "run_id": False,
        "source_path": False,
        "model_id": False,
        "current_stage": False,
        "user_id": False,
        "digest": False,
        "creation_timestamp": True,
        "last_updated_timestamp": True,
    },
    {"version": "version_number", "source": "source_path", "stage": "current_stage"},
    _CHANGES,
)


def _short(name: str) -> str:
    return repr(name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…")


_SHOWN = 60
"""Characters of a name that a message repeats; to a longer one none is near."""


def _hint(name: str, known: Iterable[str]) -> str:
    near = len(name) <= _SHOWN and get_close_matches(name.lower(), list(known), 1)
    return f"; did you mean {near[0]!r}?" if near else ""
