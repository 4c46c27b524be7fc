"""What keeping and loading a model costs: one pass, no second copy in memory, one copy on disk."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.linear_model import Ridge

import autotrack
from autotrack import sharing
from autotrack.exceptions import AutotrackException
from autotrack.models import format, load, log, pickles, save, unchanged, verified  # noqa: A004 - the module
from autotrack.run import Run
from autotrack_torch import weights


def large(numbers: int = 50_000) -> Ridge:
    """An estimator of half a megabyte."""
    ridge = Ridge().fit([[0.0], [1.0]], [0, 1])
    ridge.coef_ = np.random.default_rng(1).random(numbers)
    return ridge


def test_equal_contents_share_their_space(run: Run) -> None:
    """Two models, one file; each is whole by itself when the other is deleted, and loads without a question."""
    one, two = log(run, large(), "one"), log(run, large(), "two")
    first, second = one.directory / "model.pkl", two.directory / "model.pkl"
    assert first.stat().st_ino == second.stat().st_ino
    assert one.digest != two.digest  # their MLmodel files tell them apart
    shutil.rmtree(one.directory)
    np.testing.assert_array_equal(load(two.model_uri).coef_, large().coef_)
    three = log(run, large(), "three")  # the note about the first is stale, and is written anew
    four = log(run, large(), "four")
    assert three.directory.joinpath("model.pkl").stat().st_ino == four.directory.joinpath("model.pkl").stat().st_ino
    assert load(four.model_uri) is not None


def test_a_content_is_shared_only_if_it_is_still_there(run: Run, store: Path) -> None:
    """What lies at the known place now is read and compared; another size, content, kind or owner is not taken."""
    known = log(run, large(), "known").directory / "model.pkl"
    good = known.read_bytes()
    for number, change in enumerate((b"short", good[:-1] + b"x")):
        known.write_bytes(change)
        other = log(run, large(), f"other{number}").directory / "model.pkl"
        assert other.read_bytes() == good
        assert other.stat().st_ino != known.stat().st_ino
        (note,) = (store / "content").rglob(hashlib.sha256(good).hexdigest())
        note.write_text(known.relative_to(store).as_posix())
    note.write_text("../../etc/passwd")
    assert (log(run, large(), "last").directory / "model.pkl").read_bytes() == good


def test_a_copy_of_a_store_holds_everything(run: Run, store: Path, tmp_path: Path) -> None:
    """Whether or not the copy knows of shared files."""
    infos = [log(run, large(), name) for name in ("one", "two")]
    shutil.copytree(store, tmp_path / "copy")
    for info in infos:
        np.testing.assert_array_equal(load(info.model_uri, store=tmp_path / "copy").coef_, large().coef_)


def test_small_files_and_other_places_are_left_alone(run: Run, store: Path, tmp_path: Path) -> None:
    """No note for what costs less than the note; nothing beside a directory outside of a store."""
    log(run, Ridge().fit([[0.0], [1.0]], [0, 1]))
    save(large(), tmp_path / "deep/in/some/place/model")
    assert not (store / "content").exists()
    assert not list(tmp_path.rglob("content"))


def test_a_file_system_without_links_keeps_two(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs space and nothing else."""

    def refuse(*_: Any) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(sharing, "_clone_or_link", refuse)
    one, two = (log(run, large(), name).directory / "model.pkl" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert one.stat().st_ino != two.stat().st_ino
    assert {path.name for path in two.parent.iterdir()} == {path.name for path in one.parent.iterdir()}


MEMORY = """
import resource, sys
from pathlib import Path
from types import SimpleNamespace
import numpy as np
from sklearn.linear_model import Ridge
import torch
from autotrack import models
size = {size} * 1024 * 1024
if {kind!r} == "sklearn":
    model = Ridge().fit([[0.0], [1.0]], [0, 1])
    model.coef_ = np.random.default_rng(1).random(size // 8)
    options = {{}}
else:
    model = torch.nn.Linear(size // 4096, 1024)
    options = {{"whole": {kind!r} == "whole"}}
models.save(Ridge().fit([[0.0], [1.0]], [0, 1]), Path("warm"))
models.save(torch.nn.Linear(1, 1), Path("warm2"))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
models.save(model, Path("model"), **options)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="kilobytes there")
@pytest.mark.parametrize("kind", ["sklearn", "weights", "whole"])
def test_a_model_is_written_without_a_copy_in_memory(kind: str, tmp_path: Path) -> None:
    """256 or 1024 megabytes take the same few more."""
    taken = []
    for size in (256, 1024):
        program = MEMORY.format(size=size, kind=kind)
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        taken.append(float(done.stdout))
        for name in ("model", "warm", "warm2"):
            shutil.rmtree(tmp_path / name)
    assert max(taken) < 32, taken


class _Counting:
    """A file that knows the largest piece that was made for it."""

    def __init__(self) -> None:
        self.copied = 0

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self.copied = max(self.copied, view.nbytes if isinstance(view.obj, bytes) else 0)
        return view.nbytes


def test_an_array_goes_into_a_pickle_as_it_lies_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name, and no piece of it is copied into a text of bytes first."""
    file = _Counting()
    pickles.pickle.Pickler(pickles._Watched(file), pickles.PROTOCOL).dump(large(1_000_000))  # type: ignore[arg-type]  # it writes
    assert file.copied < 1 << 18
    assert pickles.dump(large(), tmp_path / "model.pkl") == "pickle"


def test_weights_are_written_as_the_format_wants_them(tmp_path: Path) -> None:
    """Its own library reads them all: every type, shape, view and order in memory."""
    kinds = [getattr(torch, name) for name in weights.DTYPES]
    state = {str(kind): torch.arange(6).reshape(2, 3).to(kind) for kind in kinds}
    whole = torch.arange(24.0).reshape(4, 6)
    state |= {
        "transposed": whole.T,
        "part": whole[1:3, ::2],
        "scalar": torch.tensor(3.0),
        "none": torch.zeros(0, 3),
        "conjugated": torch.tensor([1 + 2j], dtype=torch.complex64).conj(),
        "tied": whole,
        "to": whole,
    }
    weights.write({**state, "extra": "no tensor"}, tmp_path / "file")
    ours = weights.read(tmp_path / "file")
    assert ours.keys() == state.keys()
    for name, tensor in state.items():
        assert (ours[name].dtype, ours[name].shape) == (tensor.dtype, tensor.shape)
        assert ours[name].tolist() == tensor.tolist()
    assert ours["to"] is ours["tied"]
    theirs = load_file(tmp_path / "file")
    assert torch.equal(theirs["transposed"], whole.T)
    assert {*theirs} == {*state} - {"to"}
    (tmp_path / "file").write_bytes((tmp_path / "file").read_bytes()[:-9])
    with pytest.raises(AutotrackException, match="is damaged"):
        weights.read(tmp_path / "file")


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where notes are kept, on a file system that gives every change its own time."""
    monkeypatch.setattr(verified, "GRAIN", 0)
    return tmp_path / "cache/autotrack/verified"


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every file that is hashed."""
    seen: list[str] = []
    plain = format._file_digest

    def counting(path: str) -> tuple[str, int]:
        seen.append(Path(path).name)
        return plain(path)

    monkeypatch.setattr(format, "_file_digest", counting)
    return seen


@pytest.mark.skipif(sys.platform == "darwin", reason="another cache directory")
def test_a_large_model_is_read_once_as_long_as_it_stays_the_same(run: Run, cache: Path, hashed: list[str]) -> None:
    """By whoever logs it; a change of any file has it read again, and refused."""
    info = log(run, large())
    assert hashed.count("model.pkl") == 1
    for _ in range(2):
        load(info.model_uri)
    assert hashed.count("model.pkl") == 1
    assert cache.stat().st_mode & 0o077 == 0
    file = info.directory / "model.pkl"
    times = file.stat()
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(AutotrackException, match="not what was logged"):
        load(info.model_uri)
    assert hashed.count("model.pkl") == 2


@pytest.mark.skipif(sys.platform == "darwin", reason="another cache directory")
def test_a_note_that_others_could_have_written_is_not_believed(run: Run, cache: Path, hashed: list[str]) -> None:
    """Nor one that cannot be read."""
    info = log(run, large())
    (note,) = cache.iterdir()
    forged = json.loads(note.read_text())
    for spoil in (lambda: note.chmod(0o666), lambda: cache.chmod(0o777), lambda: note.write_text("{")):
        cache.chmod(0o700)
        note.write_text(json.dumps(forged))
        note.chmod(0o600)
        spoil()
        hashed.clear()
        unchanged.forget()  # as another process
        load(info.model_uri)
        assert hashed.count("model.pkl") == 1


@pytest.fixture
def looked_through(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every model directory whose content is compared with what was logged."""
    seen: list[str] = []
    plain = verified.digest

    def counting(directory: Path, *args: Any) -> str:
        seen.append(directory.name)
        return plain(directory, *args)

    monkeypatch.setattr(verified, "digest", counting)
    return seen


def test_a_process_looks_through_a_directory_once(run: Run, cache: Path, looked_through: list[str]) -> None:
    """Loading it again costs a question for each file, as long as the answers are the same."""
    info = log(run, large())
    for _ in range(3):
        np.testing.assert_array_equal(load(info.model_uri).coef_, large().coef_)
    assert looked_through == ["model"]
    load(info.model_uri, store=info.directory.parents[3])  # a store that was named is another question
    assert looked_through == ["model", "model"]
    log(run, large(), "next")  # the journal has grown
    load(info.model_uri)
    assert looked_through == ["model"] * 3


@pytest.mark.parametrize("change", ["content", "another file", "mode", "journal", "parent"])
def test_a_directory_that_was_in_order_is_looked_through_again_when_it_changes(
    change: str, run: Run, cache: Path, looked_through: list[str], store: Path
) -> None:
    """A byte at an unchanged size and time, one more file, or somebody who may write there or above."""
    info = log(run, large())
    for directory in (store, *(path for path in store.rglob("*") if path.is_dir())):
        directory.chmod(0o755)
    load(info.model_uri)
    file = info.directory / "model.pkl"
    says = "others may write"
    if change == "content":
        times, content = file.stat(), bytearray(file.read_bytes())
        content[-100] ^= 1
        file.write_bytes(content)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        says = "not what was logged"
    elif change == "another file":
        (info.directory / "another").touch()
        says = "not what was logged"
    else:
        places = {"mode": file, "journal": next(info.directory.parents[1].glob("events-*")), "parent": store}
        places[change].chmod(places[change].stat().st_mode | 0o022)
    with pytest.raises(AutotrackException, match=says):
        load(info.model_uri)
    assert looked_through == ["model", "model"]


def test_what_changed_just_now_or_through_a_link_is_not_remembered(
    run: Run, looked_through: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two changes may carry one time, and a link may lead elsewhere."""
    monkeypatch.setattr(verified, "GRAIN", 10**18)
    info = log(run, large())
    for _ in range(2):
        load(info.model_uri)
    monkeypatch.setattr(verified, "GRAIN", 0)
    (tmp_path / "link").symlink_to(info.directory.parents[3], target_is_directory=True)
    for _ in range(2):
        load(info.model_uri, store=tmp_path / "link")
    assert looked_through == ["model"] * 4


def test_keeping_a_small_model_touches_each_file_once(
    run: Run, hashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No process is started, nothing is predicted, and what is written is hashed once."""

    class Counted(Ridge):
        asked = 0

        def predict(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's name
            type(self).asked += 1
            return super().predict(X)

    model = Counted().fit([[0.0], [1.0]], [0, 1])
    started: list[Any] = []
    monkeypatch.setattr(subprocess.Popen, "__init__", lambda *args, **_: started.append(args))
    autotrack.sklearn.log_model(model, "small")
    assert (Counted.asked, started) == (0, [])
    assert sorted(hashed) == ["MLmodel", "conda.yaml", "model.pkl", "python_env.yaml", "requirements.txt"]
