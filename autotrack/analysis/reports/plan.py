"""What a new experiment is meant to find out, by a template that a team owns."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

from autotrack.analysis.reports import templates
from autotrack.direction import BEST_TAG, SIGNS
from autotrack.exceptions import AutotrackException

QUESTION, NOTES = "autotrack.question", "mlflow.note.content"
OBJECTIVE, COLUMNS, TEMPLATE = "autotrack.objective", "autotrack.columns", "autotrack.template"
"""Tags of an experiment: what it is to answer, in which words, by which metric, and how it is shown."""
FILE = "experiment.toml"
"""The file of a template's directory, beside its reports."""
_KINDS: dict[str, tuple[type, str]] = {"columns": (list, "a list of texts"), "tags": (dict, "a table of texts")}


@dataclass(frozen=True, slots=True)
class Plan:
    """An experiment as it is written down, in a template and in a project."""

    name: str = ""
    question: str = ""
    notes: str = ""
    metric: str = ""
    mode: str = ""
    """ "min" or "max": which values of the metric are better, where its name does not say."""
    columns: list[str] = field(default_factory=list)
    """Columns of ``autotrack runs``, such as "metrics.val/loss" and "params.lr"."""
    template: str = ""
    """Whose reports it has."""
    tags: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> Self:
        """The plan in a file; raises for what cannot be read or means nothing, with the place."""
        try:
            found = tomllib.loads(file.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise AutotrackException.invalid(f"{file} cannot be read: {error}") from error
        known = [one.name for one in fields(cls)]
        for key, value in found.items():
            if key not in known:
                raise AutotrackException.invalid(f"{file}: {key!r} is none of {', '.join(known)}")
            kind, wanted = _KINDS.get(key, (str, "a text"))
            inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
            if not isinstance(value, kind) or not all(isinstance(one, str) for one in inside):
                raise AutotrackException.invalid(f"{file}: {key} is {wanted}, not {value!r}")
        if found.get("mode", "min") not in SIGNS:
            raise AutotrackException.invalid(f'{file}: mode is "min" or "max", not {found["mode"]!r}')
        return cls(**found)

    def as_tags(self) -> dict[str, str]:
        """The tags by which a store keeps it."""
        own = {
            QUESTION: self.question,
            NOTES: self.notes,
            OBJECTIVE: self.metric,
            COLUMNS: ",".join(self.columns),
            TEMPLATE: self.template,
            **({f"{BEST_TAG}{self.metric}": self.mode} if self.metric else {}),
        }
        return {**self.tags, **{key: value for key, value in own.items() if value}}

    def as_toml(self) -> str:
        """The text of its file, from which another experiment can be made."""
        lines = [
            f"{one.name} = {_toml(value)}"
            for one in fields(self)
            if (value := getattr(self, one.name)) and one.name != "tags"
        ]
        if self.tags:
            lines += ["", "[tags]", *(f"{_toml(key)} = {_toml(value)}" for key, value in self.tags.items())]
        return "\n".join(lines) + "\n"


def plan(template: str | None, given: Mapping[str, Any], name: str = "") -> Plan:
    """The plan of a template, a directory with an ``experiment.toml``, such a file, or a name, with what is ``given``
    besides; raises where there is none, or no name for the experiment, not even the one that it has otherwise."""
    base = Plan()
    if template is not None:
        found = templates.named(template)
        file = found / FILE if found is not None and found.is_dir() else found
        if file is None or not file.is_file():
            raise templates.missing(template, FILE)
        base = Plan.read(file)
        if not base.template and templates.in_places(file.parent.name) == file.parent:
            given = {"template": file.parent.name, **given}
    chosen = {key: value for key, value in given.items() if value}
    whole = replace(base, **chosen)
    whole = replace(whole, name=whole.name or name)
    if not whole.name:
        raise AutotrackException.invalid("the experiment needs a name: autotrack init NAME")
    return whole


def _toml(value: str | list[str]) -> str:
    # A text of JSON is one of TOML, but for the one control character that JSON leaves as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
