"""A bundle that somebody else has made is refused whole if anything about it is not as it should be."""

import io
import json
import stat
import tarfile
import zipfile
from hashlib import sha256

import pytest
from exchanged import bring

from autotrack.exceptions import AutotrackException
from autotrack.exchange import archive
from autotrack.exchange.bundle import manifest

RUN = "runs/0123456789abcdef0123456789abcdef"
EVENTS = f"{RUN}/events-export.jsonl"
CREATED = (
    b'{"e":"run","t":1,"experiment_id":"0","experiment":"Default","name":"n"}\n{"e":"end","t":2,"status":"FINISHED"}\n'
)
SOUND = {"autotrack.json": b'{"product": "autotrack", "format": 1}\n', EVENTS: CREATED}


def listed(files):
    """A list of files as a bundle has it."""
    return manifest({path: (len(data), sha256(data).hexdigest()) for path, data in files.items()})


def zipped(place, files, *, stated=None, method=zipfile.ZIP_STORED, modes=()):
    """A zip file of these files, with a list that states them, or others."""
    with zipfile.ZipFile(place, "w", method) as made:
        for path, data in {**files, "manifest.json": listed(files if stated is None else stated)}.items():
            facts = zipfile.ZipInfo(path)
            facts.external_attr = dict(modes).get(path, stat.S_IFREG | 0o600) << 16
            facts.compress_type = method
            made.writestr(facts, data)
    return place


def tarred(place, files, *, links=(), stated=None):
    """The same as a tar file."""
    with tarfile.open(place, "w") as made:
        for path, data in {**files, "manifest.json": listed(files if stated is None else stated)}.items():
            facts = tarfile.TarInfo(path)
            facts.size = len(data)
            made.addfile(facts, io.BytesIO(data))
        for path, kind, target in links:
            facts = tarfile.TarInfo(path)
            facts.type, facts.linkname = kind, target
            made.addfile(facts)
    return place


def laid(place, files):
    """The same as a directory."""
    for path, data in {**files, "manifest.json": listed(files)}.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(data)
    return place


def refused(bundle, store, match):
    """The bundle is refused, and nothing was written: not where it was to go, and not beside that."""
    before = {store, *store.parent.iterdir()}
    with pytest.raises(AutotrackException, match=match):
        bring(bundle, store)
    assert {*store.parent.iterdir()} == before
    assert not (store / "runs").exists()
    assert list((store / ".incoming").iterdir()) == []


def test_a_sound_bundle_by_other_hands_is_taken(tmp_path):
    """What these tests begin with."""
    assert bring(zipped(tmp_path / "a.zip", SOUND, method=zipfile.ZIP_DEFLATED), tmp_path / "store").runs
    assert bring(tarred(tmp_path / "a.tar", SOUND), tmp_path / "store").known
    assert bring(laid(tmp_path / "a", SOUND), tmp_path / "store").known


EVIL = (
    "../evil", "/etc/evil", "runs/../../evil", f"{RUN}/artifacts/../../../../evil", "C:\\evil",
    f"{RUN}/artifacts/a\\..\\b", f"{RUN}/artifacts//a", f"{RUN}/artifacts/./a", "index.db", f"{RUN}/sent-x.json",
    "runs/../x/events-a.jsonl", f"{RUN}/artifacts/a\0b", "registry/0.json", "opened/x", ".incoming/x",
    "outbox/x/server.json", "runs/-/events-a.jsonl",
)  # fmt: skip


@pytest.mark.parametrize("path", EVIL)
def test_a_path_that_leads_elsewhere_is_refused(tmp_path, path):
    """In the list, in a zip and in a tar file."""
    files = {**SOUND, path: b"evil"}
    said = "no place in a store|does not name"  # a NUL ends the name where the archive is made
    refused(zipped(tmp_path / "a.zip", files), tmp_path / "store", "no place in a store")
    refused(zipped(tmp_path / "b.zip", files, stated=SOUND), tmp_path / "store", said)
    refused(tarred(tmp_path / "a.tar", files, stated=SOUND), tmp_path / "store", said)


def test_a_link_is_refused(tmp_path):
    """Whatever it leads to, whichever kind of bundle it is in."""
    link = f"{RUN}/artifacts/link"
    zipped(tmp_path / "a.zip", {**SOUND, link: b"/etc/passwd"}, modes={link: stat.S_IFLNK | 0o777}.items())
    refused(tmp_path / "a.zip", tmp_path / "store", "is a link")
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
        tarred(tmp_path / "a.tar", SOUND, links=[(link, kind, "/etc/passwd")])
        refused(tmp_path / "a.tar", tmp_path / "store", "is a link, or no plain file")
    (tmp_path / "secret").write_bytes(CREATED)
    place = laid(tmp_path / "a", SOUND)
    (place / EVENTS).unlink()
    (place / EVENTS).symlink_to(tmp_path / "secret")
    refused(place, tmp_path / "store", "missing, or a link")


def test_a_directory_that_is_a_link_is_refused(tmp_path):
    """A bundle does not continue elsewhere."""
    place = laid(tmp_path / "a", SOUND)
    (place / "runs").rename(tmp_path / "elsewhere")
    (place / "runs").symlink_to(tmp_path / "elsewhere")
    refused(place, tmp_path / "store", "missing, or a link")


def test_what_is_not_what_the_list_says_is_refused(tmp_path):
    """Another content, another size, a file too many, one that is missing, one that comes twice."""
    other = {**SOUND, EVENTS: CREATED.replace(b"FINISHED", b"FINISHEd")}
    refused(zipped(tmp_path / "a.zip", other, stated=SOUND), tmp_path / "store", "not what it was")
    longer = {**SOUND, EVENTS: CREATED + CREATED}
    refused(zipped(tmp_path / "b.zip", longer, stated=SOUND), tmp_path / "store", "its list says")
    more = {**SOUND, f"{RUN}/artifacts/more": b""}
    refused(tarred(tmp_path / "c.tar", more, stated=SOUND), tmp_path / "store", "its list does not name")
    refused(tarred(tmp_path / "d.tar", SOUND, stated=more), tmp_path / "store", "is not there")
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(tmp_path / "b.zip", "a") as made:
        made.writestr(EVENTS, CREATED)
    refused(tmp_path / "b.zip", tmp_path / "store", "twice")


LISTS = (
    "", "{", "[]", "{}", '{"product": "autotrack", "bundle": 99, "files": {}}', "[" * 100_000,
    '{"product": "autotrack", "bundle": 1, "files": {"a": 1}}',
)  # fmt: skip


@pytest.mark.parametrize("text", LISTS, ids=range(len(LISTS)))
def test_a_list_that_is_none_is_refused(tmp_path, text):
    """Also one that a later version has written."""
    place = laid(tmp_path / "a", SOUND)
    (place / "manifest.json").write_text(text)
    refused(place, tmp_path / "store", "list of files cannot be read|of format 99")


def test_a_bundle_that_was_cut_off_is_refused(tmp_path):
    """At whatever byte; a tar that lacks nothing but its padding is whole."""
    whole = zipped(tmp_path / "whole.zip", SOUND).read_bytes()
    tar = tarred(tmp_path / "whole.tar", SOUND).read_bytes()
    for part in range(1, len(whole), 97):
        (tmp_path / "a.zip").write_bytes(whole[:part])
        with pytest.raises(AutotrackException):
            bring(tmp_path / "a.zip", tmp_path / "store", kind="bundle")
    end = tar.index(b'"product"', tar.index(b"manifest.json"))
    for part in range(512, end, 512):
        (tmp_path / "a.tar").write_bytes(tar[:part])
        with pytest.raises(AutotrackException):
            bring(tmp_path / "a.tar", tmp_path / "store", kind="bundle")
    assert not (tmp_path / "store" / "runs").exists()


def test_an_archive_that_unpacks_to_much_more_than_it_is_is_refused(tmp_path, monkeypatch):
    """Before a byte of it is unpacked."""
    monkeypatch.setattr(archive, "FREE_BYTES", 100_000)
    bomb = {**SOUND, f"{RUN}/artifacts/zeros": bytes(10_000_000)}
    refused(zipped(tmp_path / "a.zip", bomb, method=zipfile.ZIP_DEFLATED), tmp_path / "store", "unpack to 10,000,")


def test_what_there_is_no_room_for_is_refused(tmp_path):
    """A list that claims a file larger than the disk."""
    files = json.loads(listed(SOUND))
    files["files"][f"{RUN}/artifacts/huge"] = [1 << 60, "0" * 64]
    place = laid(tmp_path / "a", SOUND)
    (place / "manifest.json").write_text(json.dumps(files))
    refused(place, tmp_path / "store", "has room for")


@pytest.mark.parametrize(
    "line", [b"no event\n", b'{"e":"params","t":1,"values":3}\n', b'{"e":"end","t":1e400,"status":"X"}\n']
)
def test_a_journal_that_cannot_be_read_is_refused(tmp_path, line):
    """A bundle with damage in it, though its digests are right."""
    refused(laid(tmp_path / "a", {**SOUND, EVENTS: CREATED + line}), tmp_path / "store", "no sound bundle")


def test_an_event_that_names_another_file_brings_none(tmp_path):
    """What a run has lies among its own files; a model that is said to lie elsewhere is refused."""
    line = b'{"e":"artifact","t":1,"path":"../../../secret","size":6}\n'
    model = b'{"e":"model","t":1,"model_id":"m-1","name":"n","path":"../../../.."}\n'
    (tmp_path / "secret").write_text("secret")
    refused(laid(tmp_path / "a", {**SOUND, EVENTS: CREATED + model}), tmp_path / "store", "below the run's artifacts")
    bring(laid(tmp_path / "b", {**SOUND, EVENTS: CREATED + line}), tmp_path / "store")
    assert not list((tmp_path / "store").rglob("secret"))
