"""The registry's log: what is in it, and that nothing in it can be changed without a trace."""

from __future__ import annotations

import json
import os
import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from registries import BUCKET, refused

from autotrack.client import Client
from autotrack.store.registry import chain
from autotrack.store.registry.changes import AliasMoved, Author, Entry, VersionCreated, body, parsed


@pytest.fixture
def log(client: Client, version, store: Path) -> Path:
    """The directory of a log of six entries."""
    version(tags={"team": "ml"}, description="the first")
    version()
    client.set_registered_model_alias("m", "live", 1, reason="it is the best")
    client.transition_model_version_stage("m", 2, "Production", reason="tested")
    client.set_registered_model_alias("m", "live", 2)
    return store / "registry"


def test_what_an_entry_says(client: Client, log: Path):
    """Who, when, from where to where and why; its own hash, and that of the entry before."""
    entry, before = (json.loads((log / f"{number}.json").read_text()) for number in (6, 5))
    assert (entry["n"], entry["before"], entry["t"] >= before["t"]) == (6, before["hash"], True)
    assert entry["change"] | {"kind": "alias", "alias": "live", "before": 1, "version": 2} == entry["change"]
    assert before["why"] == "tested"
    changes = client.get_model_history("m")
    assert [(one.kind, one.version, one.before, one.after) for one in changes] == [
        ("model_created", None, None, "m"), ("version_created", "1", None, BUCKET),
        ("version_created", "2", None, BUCKET), ("alias", "1", None, "1"),
        ("stage", "2", "None", "Production"), ("alias", "2", "1", "2"),
    ]  # fmt: skip
    assert {(one.user, one.verified) for one in changes} == {(entry["by"]["user"], False)}
    assert client.verify_registry() == chain.Verdict(6, changes[-1].hash)


def test_every_byte_that_is_changed_is_found(client: Client, version, store: Path):
    """In every file, also in the last one."""
    version()
    client.set_registered_model_alias("m", "live", 1, reason="é")
    flips = 0
    for path in sorted((store / "registry").glob("*.json")):
        sound = path.read_bytes()
        with path.open("r+b", buffering=0) as file:
            for place, byte in enumerate(sound):
                os.pwrite(file.fileno(), bytes([byte ^ (1 << place % 8)]), place)
                (problem,) = client.verify_registry().problems
                os.pwrite(file.fileno(), bytes([byte]), place)
                assert f"entry {path.stem} " in problem
                flips += 1
    assert flips > 1000
    assert client.verify_registry().problems == ()


def test_entries_that_are_missing_moved_or_added_are_found(client: Client, log: Path):
    """Whatever is done to the files, except to cut the end off."""
    keep = log.with_name("kept")
    shutil.copytree(log, keep)

    def tried(*steps) -> str:
        for step in steps:
            step()
        problems = client.verify_registry().problems
        shutil.rmtree(log)
        shutil.copytree(keep, log)
        return problems[0] if problems else ""

    file = lambda number: log / f"{number}.json"  # noqa: E731 - as short as what it is used in
    assert "entry 3 " in tried(file(3).unlink)
    assert "entry 1 " in tried(file(1).unlink)
    assert "moved" in tried(lambda: shutil.copy(file(3), file(4)))
    assert "moved" in tried(lambda: shutil.copy(file(3), file(7)))
    assert "hash" in tried(lambda: file(7).write_text("{}"))
    assert "hash" in tried(lambda: file(4).write_bytes(b""))
    assert tried(lambda: (log / ".7-half-written").write_text("{"), (log / "notes.txt").touch) == ""
    assert tried(file(6).unlink) == ""


def test_a_log_that_was_cut_or_written_anew_does_not_have_the_head_that_was_noted(client: Client, log: Path):
    """However well it is made; a head that was noted earlier stays good when entries are added."""
    head = client.verify_registry().head
    client.set_registered_model_alias("m", "live", 1)
    assert client.verify_registry(head).problems == ()
    assert client.verify_registry(head.upper()).problems == ()
    for number in (7, 6):
        (log / f"{number}.json").unlink()
    assert client.verify_registry().problems == ()
    assert "cut" in client.verify_registry(head).problems[0]
    forge(log, 4, lambda change: change | {"version": 2})
    verdict = client.verify_registry(head)
    assert (verdict.entries, len(verdict.problems)) == (5, 1)
    assert client.verify_registry("not a hash").problems != ()


def forge(log: Path, number: int, alter) -> None:
    """Change an entry, and write all those after it so that the hashes fit."""
    before = ""
    while (path := log / f"{number}.json").exists():
        entry = json.loads(path.read_text())
        entry |= {"before": before or entry["before"], "change": alter(entry["change"])}
        del entry["hash"]
        text = json.dumps(entry, separators=(",", ":")).encode()[:-1]
        before = sha256(text).hexdigest()
        path.write_bytes(text + f',"hash":"{before}"}}\n'.encode())
        number, alter = number + 1, lambda change: change


def test_an_entry_that_was_written_anew_is_found_by_the_one_after_it(client: Client, log: Path):
    """Sound in itself, it does not have the hash that the next one states."""
    rest = {path: path.read_bytes() for path in log.glob("[56].json")}
    forge(log, 4, lambda change: change | {"alias": "other"})
    assert client.verify_registry().problems == ()
    for path, text in rest.items():
        path.write_bytes(text)
    verdict = client.verify_registry()
    assert (verdict.entries, "entry 5 " in verdict.problems[0], "replaced" in verdict.problems[0]) == (4, True, True)


def test_nothing_is_answered_from_a_log_that_was_changed(client: Client, log: Path):
    """Neither by who has read it before, once more is written, nor by who reads it anew; runs are not concerned."""
    sound = (log / "6.json").read_bytes()
    client.get_registered_model("m")
    (log / "6.json").write_bytes(sound.replace(b'"version":2', b'"version":1'))
    with refused("INVALID_STATE", "entry 6"):
        client.set_registered_model_alias("m", "live", 2)
    client.store.reindex()
    for verb in (client.get_registered_model, client.get_latest_versions, client.get_model_history):
        with refused("INVALID_STATE", "restored"):
            verb("m")
    assert [fault.file for fault in client.store.faults()] == ["6.json"]
    assert client.create_run("0").info.status == "RUNNING"
    (log / "6.json").write_bytes(sound)
    assert client.get_registered_model("m").aliases == {"live": "2"}
    assert client.store.faults() == []


UNFIT = [
    {"kind": "alias", "name": "m", "alias": "live", "version": 9},
    {"kind": "version_created", "name": "m", "version": 7},
    {"kind": "version_created", "name": {"a": 1}, "version": "x"},
    {"kind": "model_created", "name": "m"},
    {"kind": "model_deleted", "name": "another"},
    {"kind": "model_tags", "name": "m", "values": [1]},
    {"kind": "stage", "name": "m", "version": 2**70},
    {"kind": "from the future", "name": "m"},
    [],
]


def test_a_change_that_no_rule_would_have_made_is_not_carried_out(client: Client, log: Path):
    """Somebody may write a log whose hashes fit; what does not follow from the state is refused, and named."""
    sound = (log / "6.json").read_bytes()
    for change in UNFIT:
        forge(log, 6, lambda _, change=change: change)
        client.store.reindex()
        with refused("INVALID_STATE", "entry 6"):
            client.get_registered_model("m")
        (log / "6.json").write_bytes(sound)


@pytest.mark.lenient
def test_a_log_that_was_cut_is_read_again(client: Client, log: Path, caplog):
    """With one warning: the index remembers that there was more."""
    assert client.get_registered_model("m").aliases == {"live": "2"}
    (log / "6.json").unlink()
    assert client.get_registered_model("m").aliases == {"live": "1"}
    assert caplog.text.count("lost entry 6") == 1


def test_a_registry_that_cannot_be_written(client: Client, log: Path, monkeypatch):
    """One line says so, and nothing was changed; nothing half is left behind."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    with refused("INTERNAL_ERROR", "No space left"):
        client.set_registered_model_alias("m", "live", 1)
    monkeypatch.undo()
    assert client.get_registered_model("m").aliases == {"live": "2"}
    assert sorted(path.name for path in log.iterdir()) == [f"{number}.json" for number in range(1, 7)]


def test_an_answer_that_a_network_file_system_has_lost(client: Client, log: Path, monkeypatch):
    """The name was given, and the repeated request said that it is taken: by ourselves."""
    link = os.link

    def twice(source: Path, target: Path) -> None:
        link(source, target)
        link(source, target)

    monkeypatch.setattr(os, "link", twice)
    client.set_registered_model_alias("m", "live", 1)
    assert client.get_registered_model("m").aliases == {"live": "1"}
    assert client.verify_registry().entries == 7


NUMBERS = st.dictionaries(st.text(), st.floats())


@given(
    st.integers(1, 2**40), st.text(), st.text(), st.booleans(),
    st.one_of(
        st.builds(VersionCreated, st.text(), st.integers(1, 99), source=st.text(), metrics=NUMBERS,
                  tags=st.dictionaries(st.text(), st.text()), description=st.none() | st.text()),
        st.builds(AliasMoved, st.text(), st.text(), st.none() | st.integers(1, 99), metrics=NUMBERS),
    ),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_an_entry_is_read_as_it_was_written(number, why, user, verified, change):
    """Any text and any number, also those that JSON has no word for."""
    entry = Entry(number, 5, Author(user, "", verified), change, why)
    again, before = parsed(body(entry, "0" * 64))
    assert (repr(again), before) == (repr(entry), "0" * 64)
