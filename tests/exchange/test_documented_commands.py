"""Every command of docs/exchange.md does what the page says, one after the other."""

import re
import shlex
import shutil
import sqlite3
import struct
from pathlib import Path

import pytest
from exchanged import record
from typer.testing import CliRunner

from autotrack.cli.app import app
from autotrack.exchange.tensorboard import masked

PAGE = (Path(__file__).parents[2] / "docs" / "exchange.md").read_text("utf-8")
COMMANDS = [
    shlex.split(line.removeprefix("$ autotrack "), comments=True)
    for block in re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]


def test_the_commands_of_the_page_run(tmp_path):
    """Each ends well, and those that import find something."""
    record()
    others()
    for words in COMMANDS:
        done = CliRunner().invoke(app, words, catch_exceptions=False)
        assert done.exit_code == 0, (words, done.output)
        if words[0] == "import":
            assert re.match(r"[1-9]\d* runs|0 runs .* [1-9]\d* were there already", done.output), (words, done.output)
    assert len(COMMANDS) == 14


def others():
    """What other trackers have left here."""
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    shutil.copytree(Path(__file__).parent / "assets" / "offline", "wandb")
    run = Path("mlruns", "1", "0123456789abcdef0123456789abcde0")
    run.mkdir(parents=True)
    Path("mlruns", "1", "meta.yaml").write_text("experiment_id: '1'\nname: first\nlifecycle_stage: active\n")
    (run / "meta.yaml").write_text("experiment_id: '1'\nstatus: 3\nstart_time: 1000\nend_time: 2000\nuser_id: ada\n")
    Path("mlartifacts").mkdir()
    with sqlite3.connect("mlflow.db") as made:
        made.executescript("""
            CREATE TABLE experiments (experiment_id INTEGER, name TEXT, lifecycle_stage TEXT);
            CREATE TABLE runs (run_uuid TEXT, experiment_id INTEGER, status TEXT, start_time INTEGER, end_time INTEGER);
            CREATE TABLE metrics (key TEXT, value FLOAT, timestamp INTEGER, run_uuid TEXT);
            CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
            CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
            INSERT INTO experiments VALUES (2, 'second', 'active');
            INSERT INTO runs VALUES ('0123456789abcdef0123456789abcde1', 2, 'FINISHED', 1000, 2000);
        """)
    made.close()
    value = b"\x0a\x04loss\x15" + struct.pack("<f", 0.5)
    event = b"\x09" + struct.pack("<d", 1000.0) + b"\x2a" + bytes([len(value) + 2, 0x0A, len(value)]) + value
    head = struct.pack("<Q", len(event))
    Path("logs").mkdir()
    Path("logs", "events.out.tfevents.1.box").write_bytes(
        head + struct.pack("<I", masked(head)) + event + struct.pack("<I", masked(event))
    )
    Path("exports").mkdir()
    columns = {"project_id": "team/digits", "run_id": "RUN-1", "attribute_path": "lr", "attribute_type": "float"}
    table = pa.table({name: [value] for name, value in columns.items()} | {"float_value": [0.1]})
    parquet.write_table(table, "exports/RUN-1_part_0.parquet")
