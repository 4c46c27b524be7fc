"""Files of a run as pages show them."""

import io

import pyarrow as pa
import pytest
from pyarrow import parquet

from autotrack.server import previews

PAGE = "/api/autotrack/artifact/page"
ROWS = "/api/autotrack/artifact/rows"


@pytest.fixture
def keep(client, run_id):
    """Has the run keep a file."""

    def put(name, content):
        assert client.put(
            f"/api/2.0/mlflow-artifacts/artifacts/0/{run_id}/artifacts/{name}", content=content
        ).is_success

    return put


def of(run_id, path):
    return {"run_id": run_id, "path": path}


@pytest.mark.parametrize("name", ["report.html", "plot.svg", "page.xhtml", "no name"])
def test_a_file_runs_nothing_of_ours_whoever_asks_for_it(keep, client, run_id, name):
    """It is handed over to be kept, as what it is and as nothing else; as a page it lies in a cage of no origin."""
    keep(name, b"<script>alert(1)</script>")
    kept = client.get("/get-artifact", params=of(run_id, name))
    assert kept.headers["content-disposition"].startswith("attachment")
    assert (kept.headers["x-content-type-options"], kept.headers["content-security-policy"]) == ("nosniff", "sandbox")
    shown = client.get(PAGE, params=of(run_id, name))
    assert (shown.headers["content-disposition"], shown.text) == ("inline", kept.text)
    rules = [one.split() for one in shown.headers["content-security-policy"].split(";")]
    assert rules[0] == ["sandbox"]
    assert ["default-src", "'none'"] in rules
    assert not any(rule[0].startswith("script") for rule in rules)
    assert shown.headers["x-content-type-options"] == "nosniff"


def test_the_first_rows_of_a_parquet_file(keep, client, run_id):
    """Its columns with their types, its values as texts, and how many rows it has."""
    table = pa.table({"x": [0.5, None, float("nan")] * 50, "<b>": ["a" * 999, "b", None] * 50})
    file = io.BytesIO()
    parquet.write_table(table, file)
    keep("data.parquet", file.getvalue())
    answer = client.get(ROWS, params=of(run_id, "data.parquet")).json()
    assert answer["columns"] == [{"name": "x", "type": "double"}, {"name": "<b>", "type": "string"}]
    assert (answer["count"], len(answer["rows"])) == (150, previews.ROWS)
    assert answer["rows"][:3] == [["0.5", "a" * previews.CELL + "…"], [None, "b"], ["nan", None]]


def test_what_is_no_parquet_file_says_so(keep, client, run_id, monkeypatch):
    """Also one that is cut, one of which too much would have to be read, and a path that leads elsewhere."""
    file = io.BytesIO()
    parquet.write_table(pa.table({"x": list(range(1000))}), file)
    keep("cut.parquet", file.getvalue()[:-100])
    keep("whole.parquet", file.getvalue())
    answer = client.get(ROWS, params=of(run_id, "cut.parquet"))
    assert (answer.status_code, answer.json()["message"][:29]) == (400, "this cannot be read as a Parq")
    assert client.get(ROWS, params=of(run_id, "none.parquet")).status_code == 404
    assert client.get(ROWS, params=of(run_id, "../whole.parquet")).status_code == 400
    monkeypatch.setattr(previews, "MOST_READ", 100)
    assert "bytes to read" in client.get(ROWS, params=of(run_id, "whole.parquet")).json()["message"]
