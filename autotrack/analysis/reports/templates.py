"""Templates that a team owns: where they are found, and what may happen in them."""

from __future__ import annotations

import math
import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.analysis import wording
from autotrack.exceptions import AutotrackException
from autotrack.settings import default_store
from autotrack.values import spelt

if TYPE_CHECKING:
    from autotrack.analysis.reports.facts import Facts

OWN = Path(__file__).parent / "templates"
FOLDER = "autotrack-templates"
"""The directory of a project, beside its `autotrack-policies.toml`, that holds its templates."""
HTML, MARKDOWN = "report.html.j2", "report.md.j2"
_NAME = r"\w[\w. -]*"
_MARKS = re.compile(r"([\\`*_\[\]#|~])")


def places() -> list[Path]:
    """The directories in which templates are looked for by name: the project's, what its store has, autotrack's own."""
    store = default_store()
    return list(dict.fromkeys([Path.cwd() / FOLDER, store.parent / FOLDER, store / "templates", OWN]))


def listed() -> dict[str, Path]:
    """The templates that can be named, by their names, the project's own first."""
    found: dict[str, Path] = {}
    for place in places():
        for one in sorted(place.iterdir()) if place.is_dir() else ():
            if one.is_dir() and re.fullmatch(_NAME, one.name):
                found.setdefault(one.name, one)
    return found


def named(name: str) -> Path | None:
    """The directory or file of a template that somebody names, or gives the path of; ``None`` where there is none."""
    given = Path(name).expanduser()
    return given.absolute() if given.exists() else in_places(name)


def in_places(name: str) -> Path | None:
    """The template of a name, which is no path: whoever has written it may be a stranger to this machine."""
    inside = [place / name for place in places()] if re.fullmatch(_NAME, name) else []
    return next((place for place in inside if place.exists()), None)


def missing(name: str, kind: str) -> AutotrackException:
    """The error that there is no template of a name, with those that there are."""
    return AutotrackException.missing(
        f"there is no template {name!r}: give a file, a directory with {kind}, or a name; there are "
        f"{', '.join(listed())} (autotrack init --list)"
    )


def chosen(kind: str, name: str | None, default: str | None = None) -> Path:
    """The file of a report of a kind. ``name`` is a file, a directory with such a file, or the name of one; without it
    ``default`` is taken if it is there, else one for the whole project, else autotrack's own."""
    if name is not None:
        found = named(name)
        if found is None:
            raise missing(name, kind)
        if found.is_dir():
            found /= kind
        if not found.is_file():
            raise AutotrackException.missing(f"the template {name!r} has no {kind}")
        return found
    preset = in_places(default) if default else None
    candidates = [preset / kind] if preset is not None else []
    candidates += [place / kind for place in places()]
    return next((file for file in candidates if file.is_file()), OWN / kind)


def rendered(file: Path, facts: Facts, extra: dict[str, Any]) -> str:
    """What a template makes of the facts. It sees values and can call nothing that changes anything; whatever it prints
    is escaped. It may include what lies beside it, and extend autotrack's own as ``autotrack/report.html.j2``.

    Raises for a template that cannot be read, with its line.
    """
    try:
        from jinja2 import TemplateError  # an extra, for those who write reports
    except ImportError:
        raise AutotrackException.missing("a report needs Jinja2: pip install 'autotrack-ml[report]'") from None
    try:
        template = _environment(file.parent, markdown=".md" in file.suffixes).get_template(file.name)
        text: str = template.render({one.name: getattr(facts, one.name) for one in fields(facts)} | extra)
    except TemplateError as error:
        line = _line(error, file)
        where = str(getattr(error, "filename", None) or file) + (f", line {line}" if line else "")
        raise AutotrackException.invalid(f"the template cannot be filled in ({where}): {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise AutotrackException.invalid(f"the template {file} cannot be read: {error}") from error
    return text


def _line(error: Exception, file: Path) -> int | None:
    if (told := getattr(error, "lineno", None)) is not None:
        return int(told)
    found, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(file):
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


def _environment(beside: Path, *, markdown: bool) -> Any:
    from jinja2 import ChoiceLoader, FileSystemLoader, PrefixLoader, StrictUndefined  # an extra, as above
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # as above

    from autotrack.analysis.reports import drawing  # needs markupsafe, which comes with Jinja2

    own = FileSystemLoader(OWN)
    made = ImmutableSandboxedEnvironment(
        loader=ChoiceLoader([FileSystemLoader(beside), PrefixLoader({"autotrack": own})]),
        autoescape=not markdown,
        finalize=_markdown if markdown else _html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {
        "ago": wording.ago,
        "duration": wording.duration,
        "moment": wording.moment,
        "brief": _brief,
        "number": _number,
        "sparkline": drawing.sparkline,
        "verbatim": _verbatim,
    }
    made.globals |= {"bars": drawing.bars, "curves": drawing.curves, "spread": drawing.spread}
    return made


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return wording.number(value) if math.isfinite(value) else {"nan": "NaN", "inf": "∞", "-inf": "-∞"}[str(value)]


def _brief(text: str) -> str:
    """The text of a parameter; a long number with four digits."""
    value = spelt(text)
    return _number(value) if value is not None and len(text) > 8 and math.isfinite(value) else text


def _html(value: Any) -> Any:
    return wording.clean(value) if _plain(value) else value


def _plain(value: Any) -> bool:
    return isinstance(value, str) and not hasattr(value, "__html__")


def _markdown(value: Any) -> Any:
    """A text with no meaning to Markdown, on one line; HTML in it is shown as it is written."""
    if not _plain(value):
        return value
    text = wording.clean(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKS.sub(r"\\\1", text)


def _verbatim(value: str) -> Any:
    """A line of a block of code: nothing in it can end the block."""
    from markupsafe import Markup  # as above

    return Markup(wording.clean(value))  # noqa: S704 - inside a fence of Markdown
