"""Files: those that a data set goes over, and those that the program saves while it trains."""

from __future__ import annotations

import hashlib
import json
import threading

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import ConcatDataset, DataLoader, Dataset, Subset

import autotrack
from autotrack.capture import filedigest
from autotrack_torch import INTEGRATION, background


class Folder(Dataset):
    """A directory for each class, as in `torchvision.datasets.ImageFolder`."""

    def __init__(self, root):
        self.root = str(root)
        self.samples = [(str(path), int(path.parent.name)) for path in sorted(root.glob("*/*.txt"))]
        self.asked = 0

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        self.asked += 1
        return torch.rand(3), torch.zeros(1)


class Listed(Folder):
    """Names below a directory."""

    def __init__(self, root):
        super().__init__(root)
        self.root, self.samples = root, [f"{label}/{at}.txt" for label in (0, 1) for at in range(6)]


class Whatever(Folder):
    """Says only where it looks."""

    def __init__(self, root):
        self.data_dir, self.asked = str(root), 0

    def __len__(self):
        return 12


class Mapped(Dataset):
    """An array on disk."""

    def __init__(self, root):
        self.values = np.lib.format.open_memmap(root / "array.npy", mode="r")
        self.asked = 0

    def __len__(self):
        return len(self.values)

    __getitem__ = Folder.__getitem__


KINDS = [Folder, Listed, Whatever, Mapped, lambda root: Subset(Folder(root), range(6)),
         lambda root: ConcatDataset([Folder(root), Listed(root)])]  # fmt: skip


def make(root):
    for label in (0, 1):
        (root / str(label)).mkdir(parents=True)
        for at in range(6):
            (root / str(label) / f"{at}.txt").write_text(f"image {at} of {label}")
    np.save(root / "array.npy", np.arange(5000.0))
    return root


def fit(data, after=lambda _: None):
    model = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for x, y in DataLoader(data, batch_size=4):
        optimizer.zero_grad()
        functional.mse_loss(model(x), y).backward()
        optimizer.step()
        after(model)


def used(record, data):
    fit(data)
    record.finish()
    (found,) = record.runs[-1].datasets
    return found


@pytest.mark.parametrize("kind", KINDS, ids=["folder", "listed", "directory", "mapped", "subset", "several"])
def test_data_in_files(record, tmp_path, kind):
    """The digest is of samples of them, says so, and is the same wherever they lie; another content has another one."""
    first = used(record, kind(make(tmp_path / "a")))
    assert first.digest.startswith("sampled-")
    assert json.loads(first.source)["uri"].startswith(str(tmp_path / "a"))
    elsewhere = make(tmp_path / "b")
    assert used(record, kind(elsewhere)).digest == first.digest
    (elsewhere / "0" / "3.txt").write_text("another image")
    np.save(elsewhere / "array.npy", -np.arange(5000.0))
    assert used(record, kind(elsewhere)).digest != first.digest


def test_no_sample_is_asked_for(record, tmp_path):
    """What the loop takes is all that the data set is asked for, and no random number is drawn."""
    data = Folder(make(tmp_path))
    torch.manual_seed(1)
    fit(data)
    record.finish()
    after = torch.rand(1)
    assert data.asked == 12
    torch.manual_seed(1)
    INTEGRATION.disable()
    fit(Folder(tmp_path))
    assert torch.rand(1) == after


def test_files_are_read_beside_the_program(record, tmp_path, monkeypatch):
    """By a thread of ours; a run that ends does not wait for a file system that hangs, and says so."""
    seen: list[str] = []
    let_go = threading.Event()

    def hang(*_):
        seen.append(threading.current_thread().name)
        let_go.wait(60)

    monkeypatch.setattr(background, "_PATIENCE", 0.01)
    monkeypatch.setattr(filedigest, "_pieces", hang)
    try:
        found = used(record, Folder(make(tmp_path)))
    finally:
        let_go.set()
    assert found.digest.startswith("unread-")
    assert set(seen) <= {"autotrack-files"}


def test_attributes_that_name_no_file(record):
    """Texts that are no paths are none."""

    class Texts(Folder):
        def __init__(self):
            self.texts, self.file_name, self.asked = ["one", "two"], "nowhere.csv", 0

        def __len__(self):
            return 2

    assert used(record, Texts()).digest.startswith("unread-")


def test_checkpoints_have_a_digest(record, tmp_path):
    """The SHA-256 of what was saved last, and the step that it is of."""
    path, bodies = tmp_path / "last.pt", []

    def save(model):
        torch.save(model.state_dict(), path)
        bodies.append(path.read_bytes())

    fit(Folder(make(tmp_path / "data")), after=save)
    record.finish()
    digest = json.loads(record.run.tags["checkpoint.last.pt.digest"])
    assert digest["sha256"] == hashlib.sha256(bodies[digest["step"] - 1]).hexdigest()
    assert digest["step"] == len(bodies) == 3
    assert not (record.run.file("checkpoints") / "last.pt").exists()


def test_copies_of_checkpoints(record, tmp_path):
    """On request they are kept with the run, as they were saved last."""
    INTEGRATION.autolog(log_checkpoints="copy")
    path = tmp_path / "last.pt"
    fit(Folder(make(tmp_path / "data")), after=lambda model: torch.save(model.state_dict(), path))
    record.finish()
    assert record.run.file("checkpoints/last.pt").read_bytes() == path.read_bytes()


def test_no_checkpoints(record, tmp_path):
    """Where none are wanted none are noted."""
    INTEGRATION.autolog(log_checkpoints="none")
    fit(Folder(make(tmp_path / "data")), after=lambda model: torch.save(model.state_dict(), tmp_path / "last.pt"))
    record.finish()
    assert not any(tag.startswith("checkpoint") for tag in record.run.tags)


def test_a_large_file_is_sampled(tmp_path, monkeypatch):
    """Beyond a size some pieces of a file are read, and the digest says so; a file that has changed has none."""
    monkeypatch.setattr(filedigest, "_WHOLE", 1000)
    monkeypatch.setattr(filedigest, "_CHUNK", 16)
    path = tmp_path / "large"
    path.write_bytes(bytes(range(256)) * 16)
    found = path.stat()
    digest = filedigest.of_file(path, found.st_size, found.st_mtime_ns)
    assert digest is not None
    assert digest.startswith("sampled-")
    assert filedigest.of_file(path, found.st_size, found.st_mtime_ns - 1) is None


def test_splits_by_name(record):
    """The option `splits` calls parts of the data by the names of their loaders."""
    INTEGRATION.autolog(splits={"dl2": "holdout"})
    data = [(torch.ones(3), torch.zeros(1))] * 8
    dl1, dl2 = DataLoader(data, batch_size=4), DataLoader(data, batch_size=4)
    model = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for x, y in dl1:
        functional.mse_loss(model(x), y).backward()
        optimizer.step()
    with torch.no_grad():
        for x, y in dl2:
            functional.mse_loss(model(x), y)
    record.finish()
    assert "holdout/loss" in record.run.metrics


def test_files_that_the_program_loads(record, tmp_path):
    """Weights that a training begins with, and what it loads meanwhile, are noted with a digest; of the next they are
    not."""
    before, meanwhile = tmp_path / "pretrained.pt", tmp_path / "other.pt"
    for path in (before, meanwhile):
        torch.save(nn.Linear(3, 1).state_dict(), path)
    torch.load(before)
    fit([(torch.ones(3), torch.zeros(1))] * 8, after=lambda _: torch.load(meanwhile))
    fit([(torch.ones(3), torch.zeros(1))] * 8)
    record.finish()
    first, second = record.runs
    for path in (before, meanwhile):
        assert json.loads(first.tags[f"loaded.{path.name}"]) == {"path": str(path), "size": path.stat().st_size}
        digest = json.loads(first.tags[f"loaded.{path.name}.digest"])
        assert digest == {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    assert not any(tag.startswith("loaded") for tag in second.tags)


def test_what_autotrack_loads_and_saves(record, tmp_path):
    """A model that autotrack saves or loads is no file of the program's."""
    autotrack.torch.save_model(nn.Linear(3, 1), tmp_path / "kept")
    data = [(torch.ones(3), torch.zeros(1))] * 8
    fit(data, after=lambda _: autotrack.torch.load_model(tmp_path / "kept", trust=True))
    record.finish()
    assert not any(tag.startswith(("loaded", "checkpoint")) for tag in record.run.tags)
