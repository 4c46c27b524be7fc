"""What models, aliases, stages and tags may be called, and the URIs that lead to a version. MLflow's rules."""

from __future__ import annotations

import re
from dataclasses import dataclass

from autotrack.exceptions import AutotrackException

STAGES = ("None", "Staging", "Production", "Archived")
ACTIVE_STAGES = ("Staging", "Production")
"""Those that a version can take over from others."""

_LONGEST_NAME, _LONGEST_KEY, _LONGEST_VALUE = 256, 250, 100_000
_BY_LOWER = {stage.lower(): stage for stage in STAGES}


def checked_name(name: object) -> str:
    """A name for a registered model; raises for one that no URI could carry."""
    text = name if isinstance(name, str) else ""
    if not text.strip():
        raise AutotrackException.invalid("the name of a registered model is empty; give it a text")
    if "/" in text or ":" in text:
        raise AutotrackException.invalid(f"{text!r} cannot name a registered model: leave out / and :")
    if text in (".", "..") or not text.isprintable() or text != text.strip() or len(text) > _LONGEST_NAME:
        raise AutotrackException.invalid(
            f"{text[:300]!r} cannot name a registered model: use up to {_LONGEST_NAME} printable characters, no space "
            "at the ends, and more than dots"
        )
    return text


def checked_alias(alias: object) -> str:
    """A name for an alias; raises for one that means something else already."""
    text = alias if isinstance(alias, str) else ""
    if not re.fullmatch(r"[\w-]{1,255}", text):
        raise AutotrackException.invalid(f"{alias!r} cannot be an alias: use 1 to 255 letters, digits, _ and -")
    if text.lower() == "latest" or re.fullmatch(r"[vV]\d+", text):
        raise AutotrackException.invalid(f"{text!r} is a reserved alias; choose another one")
    return text


def checked_stage(stage: object) -> str:
    """A stage in its canonical spelling."""
    found = _BY_LOWER.get(str(stage).strip().lower())
    if found is None:
        raise AutotrackException.invalid(f"{stage!r} is no stage of a model version; give one of {', '.join(STAGES)}")
    return found


def checked_version(version: object) -> int:
    """The number of a version, given as a number or as its digits."""
    text = str(version)
    if isinstance(version, bool) or not re.fullmatch(r"[0-9]{1,18}", text) or int(text) < 1:
        raise AutotrackException.invalid(
            f"Parameter 'version' must be an integer, got {version!r}; give its number, such as 3"
        )
    return int(text)


def checked_tag(key: object, value: object) -> tuple[str, str]:
    """A tag's key and value."""
    if not isinstance(key, str) or not key.strip() or len(key) > _LONGEST_KEY:
        raise AutotrackException.invalid(f"{str(key)[:300]!r} is no key for a tag: use 1 to {_LONGEST_KEY} characters")
    text = str(value)
    if len(text) > _LONGEST_VALUE:
        raise AutotrackException.invalid(
            f"the tag {key!r} has {len(text)} characters; at most {_LONGEST_VALUE} are kept"
        )
    return key, text


@dataclass(frozen=True, slots=True)
class Reference:
    """What a ``models:/`` URI names: a logged model by its id, or a registered one by version, stage or alias; with
    none of them its latest version."""

    model_id: str | None = None
    name: str = ""
    version: int | None = None
    stage: str | None = None
    alias: str | None = None


def parse_uri(uri: str) -> Reference:
    """``models:/name/3``, ``models:/name/Production``, ``models:/name/latest``, ``models:/name@alias`` or
    ``models:/<model_id>``."""
    text = str(uri)
    rest = text.removeprefix("models:").lstrip("/") if text.startswith("models:/") else ""
    name, slash, suffix = rest.partition("/")
    if slash:
        if not name.strip() or not suffix.strip() or "/" in suffix:
            raise _improper(text)
        if suffix.isascii() and suffix.isdigit():
            return Reference(name=name, version=checked_version(suffix))
        if suffix.lower() == "latest":
            return Reference(name=name)
        return Reference(name=name, stage=checked_stage(suffix))
    name, at, alias = rest.rpartition("@")
    if at:
        if not name.strip() or not alias.strip():
            raise _improper(text)
        return Reference(name=name, alias=alias)
    if not re.fullmatch(r"m-\w+", rest):
        raise _improper(text)
    return Reference(model_id=rest)


def _improper(uri: str) -> AutotrackException:
    return AutotrackException.invalid(
        f"{uri!r} names no model: write models:/<name>/<version>, models:/<name>/<stage>, models:/<name>/latest, "
        "models:/<name>@<alias> or models:/<model_id>"
    )
