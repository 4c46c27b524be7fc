"""Files of a server: the same behaviour in a directory and, where the test says so, in S3."""

from __future__ import annotations

import asyncio
import os
import resource
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

import autotrack
from autotrack.exceptions import AutotrackException
from autotrack.store import open_store
from autotrack.store.objects import Entry, Objects, Part, RunObjects, checked, open_objects

T = TypeVar("T")


@pytest.fixture(params=["directory", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty place, in a directory and in a bucket."""
    if request.param == "directory":
        return str(tmp_path / "artifacts")
    return str(request.getfixturevalue("s3").bucket())


def test_what_was_put_is_got_back_by_any_range(root: str):
    """A file is there whole once it has been put, and any part of it can be read."""
    objects, body = open_objects(root), bytes(range(256)) * 10

    async def use() -> None:
        assert await objects.put("1/run/artifacts/a b/ü#%20.bin", _chunks(body, 100)) == len(body)
        assert await whole(objects, "1/run/artifacts/a b/ü#%20.bin") == body
        assert await whole(objects, "1/run/artifacts/a b/ü#%20.bin", 100, 300) == body[100:300]
        assert await whole(objects, "1/run/artifacts/a b/ü#%20.bin", 2500) == body[2500:]
        assert await whole(objects, "1/run/artifacts/a b/ü#%20.bin", 5, 5) == b""
        facts = await objects.head("1/run/artifacts/a b/ü#%20.bin")
        assert facts.size == len(body)
        assert facts.modified > 1_600_000_000
        await objects.put("1/run/artifacts/a b/ü#%20.bin", b"")
        assert await whole(objects, "1/run/artifacts/a b/ü#%20.bin") == b""
        assert (await objects.head("1/run/artifacts/a b/ü#%20.bin")).etag != facts.etag

    asyncio.run(use())


def test_a_directory_lists_its_files_and_directories_by_name(root: str):
    """Names are those of the level asked for; a file, and what is not there, have nothing below them."""
    objects = open_objects(root)

    async def use() -> None:
        assert list(await objects.list()) == []
        for path in ("e/b/z", "e/b/a/x", "e/bc", "e/a"):
            await objects.put(path, path.encode())
        assert list(await objects.list()) == [Entry("e", True, None)]
        assert list(await objects.list("e")) == [
            Entry("a", False, 3), Entry("b", True, None), Entry("bc", False, 4)
        ]  # fmt: skip
        assert list(await objects.list("e/b")) == [Entry("a", True, None), Entry("z", False, 5)]
        assert list(await objects.list("e/a")) == []
        assert list(await objects.list("nothing")) == []

    asyncio.run(use())


def test_deleting_takes_a_file_or_all_below_a_directory_and_no_more(root: str):
    """A name that only begins alike stays; what is not there may be deleted."""
    objects = open_objects(root)

    async def use() -> None:
        for path in ("d/one/a", "d/one/b/c", "d/one-more/a", "d/file"):
            await objects.put(path, b"x")
        await objects.delete("d/one")
        await objects.delete("d/file")
        await objects.delete("d/never")
        # An object store may go on naming a directory in which nothing lies.
        assert [entry.name for entry in await objects.list("d") if entry.name != "one"] == ["one-more"]
        for gone in ("d/one/a", "d/one/b/c", "d/file"):
            await refused(objects.head(gone))
        assert await whole(objects, "d/one-more/a") == b"x"

    asyncio.run(use())


def test_a_missing_file_is_known_before_the_first_byte(root: str):
    """Reading and looking name what is missing; a directory is no file."""
    objects = open_objects(root)

    async def use() -> None:
        await objects.put("d/x", b"1")
        for ask in (objects.get("no"), objects.head("no"), objects.head("d"), objects.get("d/x/y")):
            assert (await refused(ask)).error_code == "RESOURCE_DOES_NOT_EXIST"

    asyncio.run(use())


def test_a_stream_that_breaks_leaves_what_was_there(root: str):
    """A file appears whole or not at all, also when it is too large for one piece."""
    objects = open_objects(root)

    async def breaking() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield bytes(1 << 20)
        raise ConnectionError("gone")

    async def use() -> None:
        await objects.put("d/x", b"before")
        with pytest.raises(Exception, match=r"gone|cannot be used"):
            await objects.put("d/x", breaking())
        assert await whole(objects, "d/x") == b"before"
        assert [entry.name for entry in await objects.list("d")] == ["x"]

    asyncio.run(use())


def test_parts_become_a_file_in_the_order_of_their_numbers(root: str):
    """Parts arrive in any order and again; until they are put together there is no file, afterwards no part."""
    objects = open_objects(root)

    async def use() -> None:
        upload = await objects.create_upload("m/model.bin")
        second = await objects.put_part("m/model.bin", upload, 2, b"b" * 100)
        await objects.put_part("m/model.bin", upload, 1, b"wrong")
        first = await objects.put_part("m/model.bin", upload, 1, b"a" * 100)
        assert list(await objects.list()) == []
        assert await objects.complete("m/model.bin", upload, [Part(2, second), Part(1, f'"{first}"')]) == 200
        assert await whole(objects, "m/model.bin") == b"a" * 100 + b"b" * 100
        again = await refused(objects.complete("m/model.bin", upload, [Part(1, "")]))
        assert again.error_code == "INVALID_PARAMETER_VALUE"

    asyncio.run(use())


def test_an_upload_is_completed_only_with_the_parts_that_were_sent(root: str):
    """A part that is missing, was replaced, or belongs to another file's upload is refused; all stays as it is."""
    objects = open_objects(root)

    async def use() -> None:
        upload = await objects.create_upload("m/x")
        etag = await objects.put_part("m/x", upload, 1, b"one")
        wrong: list[tuple[str, str, list[Part]]] = [
            ("m/x", upload, [Part(1, etag), Part(2, "")]),
            ("m/x", upload, [Part(1, "other")]),
            ("m/x", upload, [Part(1, etag), Part(1, etag)]),
            ("m/x", upload, []),
            ("m/x", upload, [Part(0, etag)]),
            ("m/y", upload, [Part(1, etag)]),
            ("m/x", "../" + upload[3:], [Part(1, etag)]),
        ]
        for path, number, parts in wrong:
            assert (await refused(objects.complete(path, number, parts))).error_code == "INVALID_PARAMETER_VALUE"
        assert await objects.complete("m/x", upload, [Part(1, etag)]) == 3
        given_up = await objects.create_upload("m/z")
        await objects.put_part("m/z", given_up, 1, b"one")
        await objects.abort("m/z", given_up)
        await refused(objects.complete("m/z", given_up, [Part(1, "")]))
        assert [entry.name for entry in await objects.list("m")] == ["x"]

    asyncio.run(use())


def test_uploads_that_nobody_goes_on_with_are_removed(root: str):
    """Those that got no part for so long; one of which a part has just come stays, and so do all files."""

    async def use() -> None:
        objects = open_objects(root)
        uploads = [await objects.create_upload("m/x") for _ in range(2)]
        for upload in uploads:
            await objects.put_part("m/x", upload, 1, b"one")
        etag = await objects.put_part("m/x", uploads[0], 2, b"two")
        await objects.put("m/y", b"kept")
        assert await objects.sweep(3600) == 0
        assert await objects.complete("m/x", uploads[0], [Part(2, etag)]) == 3
        assert sum(await asyncio.gather(objects.sweep(-3600), open_objects(root).sweep(-3600))) >= 1
        assert await objects.sweep(-3600) == 0
        assert (
            await refused(objects.complete("m/x", uploads[1], [Part(1, "")]))
        ).error_code == "INVALID_PARAMETER_VALUE"
        assert [entry.name for entry in await objects.list("m")] == ["x", "y"]

    asyncio.run(use())


def test_a_large_file_passes_in_constant_memory(root: str):
    """100 MB go in and come out; what the process holds at its peak grows by far less."""
    objects, mebibyte, count = open_objects(root), bytes(1 << 20), 100

    async def body() -> AsyncIterator[bytes]:
        for _ in range(count):
            yield mebibyte

    async def use() -> int:
        await objects.put("warm", b"x")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        await objects.put("large", body(), count << 20)
        size = 0
        async for chunk in await objects.get("large"):
            size += len(chunk)
        assert size == count << 20
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    assert asyncio.run(use()) < 60 << 10


def test_a_bucket_gives_urls_that_need_no_credentials(s3: Any):
    """Anybody who has the URL may send or fetch that one file; parts too."""
    objects = open_objects(s3.bucket())

    async def use() -> tuple[str, str, str, str]:
        upload = await objects.create_upload("d/parts")
        urls = [
            await objects.sign("PUT", "d/x y", 60),
            await objects.sign("GET", "d/x y", 60),
            await objects.sign_part("d/parts", upload, 1, 60),
        ]
        assert all(urls)
        return str(urls[0]), str(urls[1]), str(urls[2]), upload

    put, get, part, upload = asyncio.run(use())
    _put(put, b"direct")
    with urllib.request.urlopen(get) as answer:
        assert answer.read() == b"direct"
    etag = _put(part, b"part")
    assert asyncio.run(objects.complete("d/parts", upload, [Part(1, etag)])) == 4


def test_a_directory_signs_nothing(tmp_path: Path):
    """Its files are reached through the server."""
    assert asyncio.run(open_objects(tmp_path).sign("GET", "a", 60)) is None


def test_a_store_that_cannot_be_reached_is_a_passing_trouble(monkeypatch: pytest.MonkeyPatch):
    """So that clients come again; and it is told without the address's secrets."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secretsecret")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    error = asyncio.run(refused(open_objects("s3://bucket/x").head("a")))
    assert error.error_code == "TEMPORARILY_UNAVAILABLE"
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "a/../b", "..", "a//b", "a/", "./a", "a\\b", "a\0b", "\ud800", "é" * 513, ".unfinished/x"],
)
def test_a_path_that_could_lead_elsewhere_is_refused(path: str, tmp_path: Path):
    """By every verb, before anything is looked at."""
    objects = open_objects(tmp_path / "root")

    async def use() -> None:
        verbs: list[Callable[[str], Awaitable[Any]]] = [
            objects.get, objects.head, objects.delete, objects.create_upload,
            lambda path: objects.put(path, b""), lambda path: objects.sign("GET", path, 1),
        ]  # fmt: skip
        for verb in verbs:
            assert (await refused(verb(path))).error_code == "INVALID_PARAMETER_VALUE"

    asyncio.run(use())
    assert not (tmp_path / "root").exists()


def test_a_link_out_of_the_directory_is_not_followed(tmp_path: Path):
    """Neither as a directory on the way nor as the file itself."""
    (tmp_path / "root").mkdir()
    (tmp_path / "secret").write_text("s")
    (tmp_path / "root" / "link").symlink_to(tmp_path)
    (tmp_path / "root" / "file").symlink_to(tmp_path / "secret")
    objects = open_objects(tmp_path / "root")
    for ask in (objects.get("link/secret"), objects.get("file"), objects.put("link/new", b""), objects.list("link")):
        assert asyncio.run(refused(ask)).error_code == "INVALID_PARAMETER_VALUE"
    assert not (tmp_path / "new").exists()


def test_a_file_is_not_a_directory_in_a_directory(tmp_path: Path):
    """What cannot be on a disk is the sender's mistake."""
    objects = open_objects(tmp_path / "root")

    async def use() -> None:
        await objects.put("a/b", b"1")
        for wrong in (objects.put("a", b""), objects.put("a/b/c", b""), objects.get("a"), objects.put("x" * 300, b"")):
            assert (await refused(wrong)).error_code == "INVALID_PARAMETER_VALUE"
        assert [entry.name for entry in await objects.list()] == ["a"]

    asyncio.run(use())


def test_files_of_local_runs_have_the_servers_paths(store: Path):
    """A local store's runs are read and written in place, by paths with experiment and run."""
    with autotrack.start_run() as run:
        autotrack.log_text("hello", "notes/a.txt")
    base = f"{run.info.experiment_id}/{run.info.run_id}/artifacts"
    objects = RunObjects(open_store(store))

    async def use() -> None:
        assert list(await objects.list(base)) == [Entry("notes", True, None)]
        assert await whole(objects, f"{base}/notes/a.txt") == b"hello"
        assert (await objects.head(f"{base}/notes/a.txt")).size == 5
        assert await objects.put(f"{base}/notes/b.txt", b"new") == 3
        await objects.delete(f"{base}/notes/a.txt")
        for wrong in (
            f"1/{run.info.run_id}/metrics-0.bin",
            f"{base}",
            "1/../runs/artifacts/x",
            f"1/{'0' * 32}/artifacts/x",
        ):
            await refused(objects.put(wrong, b""))
        assert (await refused(objects.get(f"1/{run.info.run_id}/events"))).error_code == "RESOURCE_DOES_NOT_EXIST"
        assert (await refused(objects.create_upload(f"{base}/x"))).error_code == "NOT_IMPLEMENTED"

    asyncio.run(use())
    files = autotrack.MlflowClient().list_artifacts(run.info.run_id, "notes")
    assert [file.path for file in files] == ["notes/b.txt"]


@pytest.mark.parametrize(
    ("url", "environment", "reason"),
    [
        ("az://container/p", {}, r"Account must be specified; .*AZURE_STORAGE_ACCOUNT_NAME"),
        (
            "az://container/p",
            {"AZURE_STORAGE_ACCOUNT_NAME": "a", "AZURE_STORAGE_ACCOUNT_KEY": "?"},
            "Invalid Access Key",
        ),
        ("gs://bucket/p", {"GOOGLE_APPLICATION_CREDENTIALS": "/none.json"}, r"/none\.json: .*GOOGLE_APPLICATION"),
        ("gs://", {}, "give gs://BUCKET/PREFIX"),
        ("s3://", {}, "AWS_SECRET_ACCESS_KEY"),
    ],
)
def test_a_bucket_that_cannot_be_used_says_what_to_set(
    url: str, environment: dict[str, str], reason: str, monkeypatch: pytest.MonkeyPatch
):
    """When it is opened, in one line."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "AZURE_", "GOOGLE_"))]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(AutotrackException, match=reason) as refusal:
        open_objects(url)
    assert "\n" not in str(refusal.value)


def test_buckets_of_google_and_azure_are_known_by_their_credentials(monkeypatch: pytest.MonkeyPatch):
    """Azure's are enough to sign with, where a path needs no escaping: for others the library's signature is not what
    Azure expects. Google's are asked for when the first file is."""
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "acc")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")
    objects = open_objects("az://container/p")
    signed = asyncio.run(objects.sign("GET", "x/y", 60))
    assert str(signed).startswith("https://acc.blob.core.windows.net/container/p/x/y?")
    assert asyncio.run(objects.sign("GET", "x y", 60)) is None
    assert isinstance(open_objects("gs://bucket/p"), Objects)


def test_a_place_of_another_kind_is_refused():
    """A URI is not taken for a directory's name."""
    with pytest.raises(AutotrackException, match="no place for artifacts"):
        open_objects("ftp://host/x")


def test_a_checked_path_is_the_path_as_it_came():
    """Nothing is decoded or made normal."""
    assert checked("a b/%2e%2e/..x/ü") == "a b/%2e%2e/..x/ü"


async def whole(objects: Objects, path: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in await objects.get(path, start, end)])


async def refused(awaited: Awaitable[Any]) -> AutotrackException:
    with pytest.raises(AutotrackException) as caught:
        await awaited
    return caught.value


async def _chunks(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def _put(url: str, body: bytes) -> str:
    with urllib.request.urlopen(urllib.request.Request(url, body, method="PUT")) as answer:
        return str(answer.headers["ETag"])
