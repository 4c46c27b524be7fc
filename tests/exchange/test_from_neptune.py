"""What Neptune's exporter leaves becomes runs: Parquet files of one row a value, with the columns that it documents."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from exchanged import bring

from autotrack.client import Client
from autotrack.exceptions import AutotrackException

pa = pytest.importorskip("pyarrow")
from pyarrow import parquet  # noqa: E402

SCHEMA = pa.schema([
    ("project_id", pa.string()), ("run_id", pa.string()), ("attribute_path", pa.string()),
    ("attribute_type", pa.string()), ("step", pa.decimal128(18, 6)), ("timestamp", pa.timestamp("ms", tz="UTC")),
    ("int_value", pa.int64()), ("float_value", pa.float64()), ("string_value", pa.string()),
    ("bool_value", pa.bool_()), ("datetime_value", pa.timestamp("ms", tz="UTC")),
    ("string_set_value", pa.list_(pa.string())), ("file_value", pa.struct([("path", pa.string())])),
    ("histogram_value", pa.struct([("type", pa.string()), ("edges", pa.list_(pa.float64())),
                                   ("values", pa.list_(pa.float64()))])),
])  # fmt: skip
START, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, 1, tzinfo=UTC)


def row(path, kind, value=None, step=None, when=None, run="RUN-1"):
    """One value."""
    column = f"{kind.removesuffix('_series')}_value"
    made = dict.fromkeys(SCHEMA.names) | {"project_id": "team/digits", "run_id": run, "attribute_path": path}
    made |= {"attribute_type": kind, "step": None if step is None else Decimal(step), "timestamp": when}
    return made | {column: value}


def write(place, *rows):
    """A part of an export."""
    place.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.Table.from_pylist(list(rows), SCHEMA), place)


@pytest.fixture
def exported(tmp_path):
    """An export of two runs, one in two parts, with files beside it."""
    data, kept = tmp_path / "exports" / "data" / "team_digits_1a2b", tmp_path / "exports" / "files"
    (kept / "team_digits_1a2b" / "shots").mkdir(parents=True)
    (kept / "team_digits_1a2b" / "model.bin").write_bytes(b"weights")
    (kept / "team_digits_1a2b" / "shots" / "2.png").write_bytes(b"png")
    write(
        data / "RUN-1_part_0.parquet", row("sys/name", "string", "first"), row("sys/owner", "string", "ada"),
        row("sys/creation_time", "datetime", START), row("sys/modification_time", "datetime", END),
        row("sys/failed", "bool", False), row("sys/tags", "string_set", ["b", "a"]),
        row("parameters/lr", "float", 0.1), row("parameters/layers", "int", 3), row("parameters/fast", "bool", True),
        row("parameters/note", "string", "é"), row("metrics/loss", "float_series", 0.5, "0", START),
        row("metrics/loss", "float_series", 0.25, "1.5", END),
        row("model", "file", {"path": "team_digits_1a2b/model.bin"}),
        row("shots", "file_series", {"path": "team_digits_1a2b/shots/2.png"}, "2", END),
        row("histogram", "histogram_series", {"type": "COUNTING", "edges": [0.0, 1.0], "values": [3.0]}, "1", END),
    )  # fmt: skip
    write(
        data / "RUN-1_part_1.parquet", row("metrics/loss", "float_series", float("nan"), "2", END),
        row("log", "string_series", "a line", "0", START),
    )  # fmt: skip
    write(data / "RUN-2_part_0.parquet", row("sys/failed", "bool", True, run="RUN-2"))
    return tmp_path / "exports"


def test_an_export_becomes_runs(exported, tmp_path):
    """Values, series with steps that are no whole numbers, texts, files, and who did it when; once."""
    bring(exported, tmp_path / "store")
    client = Client(tmp_path / "store")
    (found,) = [one for one in client.search_experiments() if one.name == "team/digits"]
    runs = {one.data.tags["neptune.run_id"]: one for one in client.search_runs([found.experiment_id])}
    run = runs["RUN-1"]
    assert (run.info.run_name, run.info.user_id, run.info.status) == ("first", "ada", "FINISHED")
    assert (run.info.start_time, run.info.end_time) == (START.timestamp() * 1000, END.timestamp() * 1000)
    names = {"lr": "0.1", "layers": "3", "fast": "True", "note": "é"}
    assert run.data.params == {f"parameters/{key}": value for key, value in names.items()}
    points = [(p.step, repr(p.value)) for p in client.get_metric_history(run.info.run_id, "metrics/loss")]
    assert points == [(0, "0.5"), (1.5, "0.25"), (2, "nan")]
    assert run.data.tags["neptune.tags"] == "a, b"
    assert Path(client.download_artifacts(run.info.run_id, "model.bin")).read_bytes() == b"weights"
    assert Path(client.download_artifacts(run.info.run_id, "shots/2.png")).read_bytes() == b"png"
    assert "a line" in Path(client.download_artifacts(run.info.run_id, "neptune/log.jsonl")).read_text()
    assert "COUNTING" in Path(client.download_artifacts(run.info.run_id, "neptune/histogram.jsonl")).read_text()
    assert runs["RUN-2"].info.status == "FAILED"
    assert len(bring(exported, tmp_path / "store").known) == 2


def test_a_file_that_is_elsewhere_is_not_brought(exported, tmp_path):
    """A path that leads out of the directory of files."""
    (tmp_path / "secret").write_text("secret")
    place = exported / "data" / "team_digits_1a2b" / "RUN-3_part_0.parquet"
    write(place, row("x", "file", {"path": "../../secret"}, run="RUN-3"))
    with pytest.raises(AutotrackException, match="does not name a file below"):
        bring(exported, tmp_path / "store")
    assert not list((tmp_path / "store").rglob("*secret*"))


def test_what_is_no_export_is_an_error(tmp_path):
    """Other columns, and what is no Parquet."""
    place = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"x": [1]}), place)
    with pytest.raises(AutotrackException, match="has not the columns"):
        bring(place, tmp_path / "store")
    place.write_bytes(b"PAR1 and no more")
    with pytest.raises(AutotrackException, match="cannot be read"):
        bring(place, tmp_path / "store")
