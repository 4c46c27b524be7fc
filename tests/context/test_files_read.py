"""Files that a program reads as data are inputs of its runs."""

import gzip
import io
import json
import os
import pickle
import warnings
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from projects import Project

import autotrack
from autotrack import _reads
from autotrack.capture import filedigest, reads, versions
from autotrack.capture.inputs import used
from autotrack.capture.reads import Read
from autotrack.context import detached, inputs
from autotrack.event import DatasetUsed
from autotrack.run import Run

pd = pytest.importorskip("pandas")
np = pytest.importorskip("numpy")


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """The inputs of runs, as ``(name of the run, path)``, in a program under autolog()."""
    found: list[tuple[str, str]] = []

    def put(run: Run, read: Read) -> None:
        found.append((run.name, Path(read.path).name if read.kind != "address" else read.path))

    monkeypatch.setattr(inputs._worker, "put", put)
    # Everything but the process beside the program, which has tests of its own.
    monkeypatch.setattr(detached, "possible", lambda: False)
    autotrack.autolog(silent=True)
    yield found
    autotrack.disable()


def table(name: str = "x.csv") -> str:
    """A file in the working directory."""
    Path(name).write_text("a,b\n1,2\n3,4\n")
    return name


def test_each_library_is_seen(given: list[tuple[str, str]]):
    """pandas, polars, pyarrow, numpy and joblib, by the file's name, a path, or an open file; each file counts once,
    however many of them take part."""
    import joblib
    import polars as pl
    import pyarrow.csv
    import pyarrow.dataset
    import pyarrow.feather
    import pyarrow.json
    import pyarrow.parquet

    frame = pd.DataFrame({"a": [1, 2]})
    frame.to_parquet("p.parquet")
    frame.to_parquet("q.parquet")
    frame.to_feather("f.feather")
    frame.to_pickle("k.pkl")
    frame.to_json("j.json", orient="records", lines=True)
    frame.to_json("l.json", orient="records", lines=True)
    np.save("n.npy", np.zeros(2))
    np.savetxt("t.txt", np.zeros(2))
    np.zeros(2).tofile("raw.bin")
    joblib.dump({"x": np.zeros(2)}, "m.joblib")
    with gzip.open("g.csv.gz", "wt") as packed:
        packed.write("a\n1\n")
    for name in ("c1.csv", "c2.csv", "c3.csv", "c4.csv", "c5.csv", "part-1.csv", "part-2.csv"):
        table(name)
    pd.read_csv("c1.csv")
    pd.read_table(Path("c2.csv"), sep=",")
    with Path("c3.csv").open() as opened:
        pd.read_csv(opened)
    pd.read_csv(filepath_or_buffer="g.csv.gz")
    pd.read_parquet("p.parquet")
    pd.read_feather("f.feather")
    pd.read_pickle("k.pkl")
    pd.read_json("j.json", lines=True)
    pl.read_csv("c4.csv")
    pl.scan_csv("part-*.csv")
    pl.read_ndjson("l.json")
    pyarrow.csv.read_csv("c5.csv")
    pyarrow.parquet.read_table("q.parquet")
    pyarrow.dataset.dataset("p.parquet")
    np.load("n.npy")
    np.loadtxt("t.txt")
    np.fromfile("raw.bin")
    joblib.load("m.joblib")
    with autotrack.start_run(run_name="one"):
        pass
    assert sorted(name for _, name in given) == [
        "c1.csv", "c2.csv", "c3.csv", "c4.csv", "c5.csv", "f.feather", "g.csv.gz", "j.json", "k.pkl", "l.json",
        "m.joblib", "n.npy", "p.parquet", "part-1.csv", "part-2.csv", "q.parquet", "raw.bin", "t.txt",
    ]  # fmt: skip


def test_what_is_no_file_is_no_input(given: list[tuple[str, str]]):
    """Buffers, texts and names that lead nowhere; a reader that fails has read nothing."""
    pd.read_csv(io.StringIO("a\n1\n"))
    pd.read_parquet(io.BytesIO(pd.DataFrame({"a": [1]}).to_parquet()))
    np.load(io.BytesIO(_npy()))
    with pytest.raises(FileNotFoundError):
        pd.read_csv("nowhere.csv")
    Path("ragged.csv").write_text("a\n1\n1,2\n1,2,3\n")
    with pytest.raises(pd.errors.ParserError):
        pd.read_csv("ragged.csv")
    with autotrack.start_run():
        pass
    assert given == []


def test_a_file_belongs_to_the_run_that_uses_it(given: list[tuple[str, str]]):
    """The open one, else the one that begins next, and later ones while the program holds what it has read; in a loop
    over files each run has its own."""
    for number in range(3):
        frame = pd.read_csv(table(f"loop-{number}.csv"))
        with autotrack.start_run(run_name=f"run-{number}"):
            pd.read_csv(table(f"inner-{number}.csv"))
    with autotrack.start_run(run_name="again"), autotrack.start_run(run_name="nested", nested=True):
        pass
    del frame
    assert given == [
        *(pair for n in range(3) for pair in ((f"run-{n}", f"loop-{n}.csv"), (f"run-{n}", f"inner-{n}.csv"))),
        ("again", "loop-2.csv"),
    ]


def test_files_of_a_whole_process_are_bounded(given: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch):
    """A run has so many inputs, and so many files are remembered."""
    monkeypatch.setattr(reads, "MOST", 5)
    for number in range(20):
        np.loadtxt(table(f"early-{number}.csv"), delimiter=",", skiprows=1)
    assert len(reads._held) == 5
    with autotrack.start_run(run_name="one"):
        for number in range(20):
            np.loadtxt(table(f"later-{number}.csv"), delimiter=",", skiprows=1)
    assert len(given) == 5


def test_a_data_set_that_was_read_whole_has_its_file_as_source(given: list[tuple[str, str]]):
    """As long as it is the very object that the reader has given."""
    frame = pd.read_csv(table())
    assert json.loads(autotrack.data.from_pandas(frame).source) == {"uri": str(Path("x.csv").absolute())}
    assert autotrack.data.from_pandas(frame[["a"]]).source_type == "code"


def test_a_warning_of_a_reader_names_the_programs_line(given: list[tuple[str, str]]):
    """Also where it is given by counting callers; and readers pickle as what they are."""
    Path("empty.txt").write_text("")
    Path("mixed.csv").write_text("a\n" + "1\n" * 200 + "x\n" + "1\n" * 200)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        np.loadtxt("empty.txt")
        pd.read_csv("mixed.csv", parse_dates=["a"])
    assert len(told) == 2
    assert {warning.filename for warning in told} == {__file__}
    assert pickle.loads(pickle.dumps(pd.read_csv)) is pd.read_csv


def test_an_address_is_recorded_without_credentials_and_not_fetched():
    """Its digest is of the address, and says so."""
    (read,) = reads.described(
        "https://ada:lovelace9@example.org/data/x.csv?sig=a8Fk3LmQ90xZvB4n7Tt2", "pandas.read_csv"
    )
    event = used(read)
    assert event.source_type == "http"
    assert json.loads(event.source)["uri"].startswith("https://[redacted]@example.org/data/x.csv?sig=[redacted]")
    assert event.name == "x.csv"
    assert event.digest.startswith("address-")


def test_a_digest_is_of_what_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The SHA-256, its beginning in MLflow's field; of a large file a sample; none of one that has changed since."""
    file = tmp_path / "x.bin"
    file.write_bytes(b"abc" * 1000)
    (read,) = reads.described(file, "numpy.load")
    whole = sha256(b"abc" * 1000).hexdigest()
    assert (used(read).digest, facts(used(read))["sha256"]) == (whole[:16], whole)
    assert (facts(used(read))["size"], facts(used(read))["modified"]) == (3000, file.stat().st_mtime_ns // 10**6)
    monkeypatch.setattr(filedigest, "_WHOLE", 1000)
    assert used(read).digest.startswith("sampled-")
    assert "sha256" not in facts(used(read))
    os.utime(file, ns=(1, 1))
    assert used(read).digest.startswith("changed-")
    file.unlink()
    assert used(read).digest.startswith("changed-")
    (folder,) = reads.described(tmp_path, "pyarrow.dataset.dataset")
    assert used(folder).digest.startswith("unread-")
    (tmp_path / "part").write_text("x")
    assert used(folder).digest.startswith("sampled-")
    assert all(len(used(each).digest) <= 36 for each in (read, folder))  # what an MLflow server takes


def test_versions_that_dvc_and_lfs_know(tmp_path: Path):
    """From DVC's own records, beside the file or in ``dvc.lock``, and from the attributes of the repository."""
    (tmp_path / ".git").mkdir()
    data = tmp_path / "data"
    data.mkdir()
    for name in ("a.csv", "b.csv", "c.csv"):
        (data / name).write_text(name)
    (data / "a.csv.dvc").write_text(
        "outs:\n- md5: a304afb96060aad90176268345e10355\n  size: 5\n  hash: md5\n  path: a.csv\n"
    )
    (tmp_path / "dvc.lock").write_text(
        "schema: '2.0'\nstages:\n  prepare:\n    cmd: python prepare.py\n    deps:\n    - path: prepare.py\n"
        "      hash: md5\n      md5: 00000000000000000000000000000000\n    outs:\n    - path: data/b.csv\n"
        "      hash: md5\n      md5: 6d7fce9fee471194aa8b5b6e47267f03\n      size: 5\n"
    )
    (tmp_path / ".gitattributes").write_text("*.csv filter=lfs diff=lfs merge=lfs -text\ndata/b.csv -filter\n")
    found = {name: (versions.dvc(data / name), versions.lfs(data / name)) for name in ("a.csv", "b.csv", "c.csv")}
    assert found == {
        "a.csv": ("a304afb96060aad90176268345e10355", True),
        "b.csv": ("6d7fce9fee471194aa8b5b6e47267f03", False),
        "c.csv": (None, True),
    }
    (read,) = reads.described(data / "a.csv", "pandas.read_csv")
    assert facts(used(read))["lfs"] == sha256(b"a.csv").hexdigest()


def test_hooks_are_put_back():
    """`disable()` leaves the very functions that were there; with AUTOTRACK_CONTEXT=0 there are none."""
    before = pd.read_csv
    autotrack.autolog(silent=True)
    assert pd.read_csv is not before
    autotrack.disable()
    assert pd.read_csv is before
    os.environ["AUTOTRACK_CONTEXT"] = "0"
    autotrack.autolog(silent=True)
    assert pd.read_csv is before
    autotrack.disable()


def test_digests_that_are_not_ready_are_taken_when_the_program_is_gone(project: Project):
    """By a process of its own; the program does not wait for them."""
    program = """
        import threading, autotrack
        autotrack.autolog(silent=True)
        import numpy, joblib
        from autotrack.capture import filedigest
        filedigest.of_file = lambda *_: threading.Event().wait()
        open("raw.bin", "wb").write(bytes(80))
        with autotrack.start_run():
            numpy.fromfile("raw.bin")
        """
    project.write(train=program.replace("\n        ", "\n")).run()

    def there() -> list[Any]:
        events = [line.event for line in project.only().events]
        return [event for event in events if isinstance(event, DatasetUsed)]

    (event,) = project.eventually(there)
    assert event.digest == sha256(bytes(80)).hexdigest()[:16]
    assert event.source == json.dumps({"uri": str(project.directory / "raw.bin")})


def test_reading_for_autotrack_is_not_reading_for_the_program(given: list[tuple[str, str]]):
    """What it loads itself, also by one of the libraries."""
    names = {"__name__": "autotrack.models.load", "pd": pd, "path": table()}
    exec("def load():\n    return pd.read_csv(path)\nload()", names)
    assert _reads._declared["pandas"].hooks[0].fired > 0
    assert reads.waiting() == []


def facts(event: DatasetUsed) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(event.profile)
    return found


def _npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(2))
    return file.getvalue()
