"""Neptune's records as its exporter leaves them: Parquet files ``<project>/<run>_part_<n>.parquet``, one row for each
value, and beside them a directory of files. The columns say what is in them, so the names of files do not matter.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from importlib import import_module
from pathlib import Path
from typing import Any

from autotrack.entities import Experiment
from autotrack.exceptions import AutotrackException
from autotrack.exchange.gathered import Gathered, experiment, run_id
from autotrack.exchange.record import Record, copied
from autotrack.files import plain, relative
from autotrack.store.registry.changes import Entry

NAMES = "*.parquet"
COLUMNS = ("project_id", "run_id", "attribute_path", "attribute_type")
_VALUES = {
    "float": "float_value", "int": "int_value", "string": "string_value", "bool": "bool_value",
    "datetime": "datetime_value", "string_set": "string_set_value", "float_series": "float_value",
    "string_series": "string_value", "histogram_series": "histogram_value", "file": "file_value",
    "file_series": "file_value",
}  # fmt: skip
"""The column that holds a value of each type."""
_ROWS = 10_000
_SYSTEM = {
    "sys/id": "neptune.id", "sys/custom_run_id": "neptune.custom_run_id", "sys/description": "mlflow.note.content",
    "sys/tags": "neptune.tags", "sys/group_tags": "neptune.group_tags", "sys/hostname": "neptune.host",
    "sys/state": "neptune.state", "sys/experiment/name": "neptune.experiment", "sys/forking/parent": "neptune.parent",
}  # fmt: skip


@dataclass
class Exported:
    """Reads such a directory. ``files`` is that of the files, by default the one named ``files`` beside it."""

    place: Path
    files: Path | None = None
    notes: list[str] = field(default_factory=list)
    _known: dict[str, tuple[str, str, list[Path]]] = field(default_factory=dict)

    def experiments(self) -> list[Experiment]:
        """See :class:`~autotrack.exchange.record.Source`."""
        return [experiment(name) for name in sorted({project for project, _, _ in self._runs().values()})]

    def runs(self) -> list[str]:
        """See :class:`~autotrack.exchange.record.Source`."""
        return sorted(self._runs())

    def run(self, run_id: str) -> Record:
        """See :class:`~autotrack.exchange.record.Source`."""
        project, name, files = self._runs()[run_id]
        made = Gathered(project, name, run_id, tags={"neptune.run_id": name})
        lines: dict[str, list[str]] = {}
        for file in files:
            for row in self._rows(file, None):
                if (row["project_id"], row["run_id"]) == (project, name):
                    self._take(made, row, lines)
        for path, told in lines.items():
            made.file(f"neptune/{plain(path)}.jsonl", "".join(told).encode())
        return made.record()

    def histories(self) -> list[list[Entry]]:
        """See :class:`~autotrack.exchange.record.Source`."""
        return []

    def _runs(self) -> dict[str, tuple[str, str, list[Path]]]:
        if not self._known:
            found = [self.place] if self.place.is_file() else sorted(self.place.rglob(NAMES))
            for file in found:
                pairs = {(row["project_id"], row["run_id"]) for row in self._rows(file, ["project_id", "run_id"])}
                for project, name in sorted(pairs):
                    known = self._known.setdefault(run_id("neptune", project, name), (project, name, []))
                    known[2].append(file)
        return self._known

    def _rows(self, file: Path, columns: list[str] | None) -> Iterator[Mapping[str, Any]]:
        arrow = _arrow()
        try:
            opened = arrow.parquet.ParquetFile(file)
            if not set(COLUMNS) <= set(opened.schema_arrow.names):
                raise AutotrackException.invalid(f"{file} has not the columns {', '.join(COLUMNS)} of Neptune's export")
            for batch in opened.iter_batches(_ROWS, columns=columns):
                yield from batch.to_pylist()
        except (arrow.ArrowException, OSError, UnicodeError) as error:
            raise AutotrackException.invalid(f"{file} cannot be read: {str(error)[:200]}") from None

    def _take(self, made: Gathered, row: Mapping[str, Any], lines: dict[str, list[str]]) -> None:
        path, kind = str(row["attribute_path"]), str(row["attribute_type"])
        value = row.get(_VALUES.get(kind, ""))
        if value is None:
            return
        step, when = _step(row.get("step")), _milliseconds(row.get("timestamp"))
        match kind:
            case "float_series":
                made.point(path, float(value), when, step)
            case "string_series" | "histogram_series":
                point = {"step": step, "timestamp": when, "value": value}
                lines.setdefault(path, []).append(json.dumps(point, default=str) + "\n")
            case "file" | "file_series":
                self._file(made, path, value, step if kind == "file_series" else None)
            case _ if path.startswith("sys/"):
                _system(made, path, value)
            case _:
                made.params[path] = _text(value)

    def _file(self, made: Gathered, path: str, value: Any, step: int | float | None) -> None:
        named = str(value.get("path") if isinstance(value, Mapping) else value)
        root = self.files if self.files is not None else self._beside()
        place = root / relative(named)
        if not place.resolve().is_relative_to(root.resolve()) or not place.exists():
            self.notes.append(f"the file {named} is not below {root}; --artifacts DIR says where the files lie")
            return
        goal = path if step is None else f"{path}/{step}"
        for one in [place] if place.is_file() else sorted(place.rglob("*")):
            if one.is_file() and not one.is_symlink():
                inside = "" if one == place else f"/{one.relative_to(place).as_posix()}"
                ending = place.suffix if one == place and not goal.endswith(place.suffix) else ""
                made.files.append(copied(one, f"{goal}{inside}{ending}"))

    def _beside(self) -> Path:
        """The exporter's own place for files: ``files`` beside ``data``."""
        top = self.place if self.place.is_dir() else self.place.parent
        found = [one / "files" for one in (top, top.parent, top.parent.parent) if (one / "files").is_dir()]
        return found[0] if found else top


def is_export(file: Path) -> bool:
    """Whether a Parquet file has the columns."""
    try:
        return set(COLUMNS) <= set(_arrow().parquet.read_schema(file).names)
    except (OSError, ValueError):  # what pyarrow raises is one of them
        return False


def _system(made: Gathered, path: str, value: Any) -> None:
    match path:
        case "sys/name":
            made.name = _text(value)
        case "sys/owner":
            made.user = _text(value)
        case "sys/creation_time":
            made.start = _milliseconds(value)
        case "sys/modification_time":
            made.end = _milliseconds(value)
        case "sys/failed":
            made.status = "FAILED" if value else "FINISHED"
        case _:
            made.tags[_SYSTEM.get(path, f"neptune.{path.removeprefix('sys/')}")] = _text(value)


def _text(value: Any) -> str:
    if isinstance(value, list | tuple | set):
        return ", ".join(sorted(map(str, value)))
    return str(value)


def _step(value: Any) -> int | float:
    near = 0.0 if value is None else float(value)
    return int(near) if near.is_integer() else near


def _milliseconds(value: Any) -> int:
    """The time of a moment; one without a zone is in UTC."""
    if value is None:
        return 0
    moment: float = (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return max(round(moment * 1000), 0)


def _arrow() -> Any:
    try:
        import_module("pyarrow.parquet")  # heavy, and only for those who read Parquet
    except ImportError:
        raise AutotrackException.missing("Parquet needs a library: `pip install pyarrow`") from None
    return import_module("pyarrow")  # the same
