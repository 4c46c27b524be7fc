"""A server's files lie in a directory, in S3, in Google Cloud Storage or in Azure, and nobody can tell which."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import pytest

from autotrack.exceptions import AutotrackException
from autotrack.store.objects import Objects, Part, open_objects
from autotrack.wire.address import address
from autotrack.wire.connection import Connection
from autotrack.wire.parts import Parts
from autotrack.wire.roots import root

ODD = "a b/ü#%20+&=.bin"


@pytest.fixture(params=["directory", "s3", "google", "azure"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty one of each kind. Azure's emulator comes from npm alone, so its turn is where that is installed."""
    if request.param == "directory":
        return (tmp_path / "files").as_uri()
    return str(request.getfixturevalue(request.param).bucket())


def test_every_place_does_the_same(place: str, tmp_path: Path):
    """Through a server: putting, reading by ranges, listing, parts, sweeping, deleting, what is missing. And past it:
    a client puts, lists and fetches what the server sees. Where a place signs URLs, they give what it has."""
    assert asyncio.run(served(open_objects(place))) == {
        "put": [10, 0, 9 << 20],
        "read": [b"0123456789", b"234", b"89", b"", b"", 9 << 20],
        "heads": [10, 0],
        "listed": [("a b", None), ("d", None), ("large", 9 << 20)],
        "below": [("e", None), ("empty", 0)],
        "nowhere": [],
        "missing": ["RESOURCE_DOES_NOT_EXIST"] * 4,
        "parts": [7, b"onetwo2"],
        "not completed": ["INVALID_PARAMETER_VALUE"] * 3,
        "swept": [0, 1, 0],
        "left": [("a b", None), ("large", 9 << 20), ("parts", None)],
        "changed": True,
    }
    file = tmp_path / "sent"
    file.write_bytes(b"past the server")
    there = root(place, Connection(address("http://127.0.0.1:9")))
    there.put("past/x y.txt", file, Parts(False, {}))
    there.fetch("past/x y.txt", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"past the server"
    assert [(one.path, one.file_size) for one in there.list("past")] == [("past/x y.txt", 15)]
    assert asyncio.run(whole(open_objects(place), "past/x y.txt")) == b"past the server"


async def served(objects: Objects) -> dict[str, Any]:
    """What comes of each verb."""
    seen: dict[str, Any] = {}
    seen["put"] = [
        await objects.put(ODD, b"0123456789"), await objects.put("d/empty", b""), await objects.put("large", _large()),
    ]  # fmt: skip
    await objects.put("d/e/f", b"x")
    ranges: list[tuple[int, int | None]] = [(0, None), (2, 5), (8, None), (3, 3)]
    seen["read"] = [await whole(objects, ODD, start, end) for start, end in ranges]
    seen["read"] += [await whole(objects, "d/empty"), len(await whole(objects, "large"))]
    before = await objects.head(ODD)
    seen["heads"] = [before.size, (await objects.head("d/empty")).size]
    seen["listed"] = await listed(objects, "")
    seen["below"] = await listed(objects, "d")
    seen["nowhere"] = await listed(objects, "nowhere")
    seen["missing"] = [
        await refused(ask)
        for ask in (objects.get("no"), objects.head("no"), objects.head("d"), objects.get(f"{ODD}/x"))
    ]
    await asyncio.to_thread(signed, await objects.sign("GET", "large", 60), 9 << 20)
    upload = await objects.create_upload("parts/file")
    second = await objects.put_part("parts/file", upload, 2, b"two2")
    first = await objects.put_part("parts/file", upload, 1, b"one")
    wrong = [[Part(1, first), Part(3, "")], [Part(1, "other")], []]
    seen["not completed"] = [await refused(objects.complete("parts/file", upload, parts)) for parts in wrong]
    seen["parts"] = [await objects.complete("parts/file", upload, [Part(2, second), Part(1, first)])]
    seen["parts"] += [await whole(objects, "parts/file")]
    await objects.put_part("parts/never", await objects.create_upload("parts/never"), 1, b"x")
    seen["swept"] = [await objects.sweep(3600), await objects.sweep(-3600), await objects.sweep(-3600)]
    for gone in ("d", "never", "d"):
        await objects.delete(gone)
    seen["left"] = await listed(objects, "")
    await objects.put(ODD, b"9876543210")
    seen["changed"] = (await objects.head(ODD)).etag != before.etag
    return seen


def signed(url: str | None, size: int) -> None:
    """See that a URL, if there is one, gives the file to anybody, and that another does not."""
    if url is None:
        return
    with urllib.request.urlopen(url) as answer:
        assert len(answer.read()) == size
    with pytest.raises(urllib.error.HTTPError, match=r"40[34]") as refusal:
        urllib.request.urlopen(url.partition("?")[0])
    refusal.value.close()


async def listed(objects: Objects, path: str) -> list[tuple[str, int | None]]:
    found = await objects.list(path)
    # An object store may go on naming a directory in which nothing lies.
    return [
        (one.name, one.size) for one in found
        if not one.is_dir or await listed(objects, f"{path}/{one.name}".lstrip("/"))
    ]  # fmt: skip


async def whole(objects: Objects, path: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in await objects.get(path, start, end)])


async def refused(awaited: Awaitable[Any]) -> str:
    with pytest.raises(AutotrackException) as caught:
        await awaited
    return str(caught.value.error_code)


async def _large() -> AsyncIterator[bytes]:
    for _ in range(9):
        yield bytes(1 << 20)
