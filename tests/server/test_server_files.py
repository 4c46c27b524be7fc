"""Artifacts through the server, on a directory and on a database."""

import asyncio
import hashlib
import os
import time
from dataclasses import replace

import httpx
import pytest
from asking import Asker

from autotrack.server.access import Access
from autotrack.server.app import Application
from autotrack.server.artifacts import own_path
from autotrack.server.start import Options, opened

ROOT = "/api/2.0/mlflow-artifacts/artifacts"


@pytest.fixture
def place(run_id):
    """The root of a run's artifacts."""
    return f"{ROOT}/0/{run_id}/artifacts"


def test_a_file_is_sent_listed_fetched_and_removed(api, client, run_id, place):
    """Names in a list are those of the directory's own entries."""
    assert client.put(f"{place}/plots/curve 1.txt", content=b"abc").status_code == 200
    got = client.get(f"{place}/plots/curve%201.txt")
    assert (got.content, got.headers["content-type"].partition(";")[0]) == (b"abc", "text/plain")
    top = client.get(ROOT, params={"path": f"0/{run_id}/artifacts"}).json()["files"]
    assert top == [{"path": "plots", "is_dir": True}]
    inner = client.get(ROOT, params={"path": f"0/{run_id}/artifacts/plots"}).json()["files"]
    assert inner == [{"path": "curve 1.txt", "is_dir": False, "file_size": 3}]
    assert client.get(ROOT, params={"path": f"0/{run_id}/artifacts/none"}).json() == {}
    listed = api("GET", "artifacts/list", run_id=run_id, path="plots")
    assert listed["files"] == [{"path": "plots/curve 1.txt", "is_dir": False, "file_size": 3}]
    assert client.get("/get-artifact", params={"run_id": run_id, "path": "plots/curve 1.txt"}).content == b"abc"
    assert client.get(f"{place}/plots").status_code == 400
    assert client.get(f"{place}/none").json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    assert client.request("DELETE", f"{place}/plots").json() == {}
    assert client.get(f"{place}/plots/curve%201.txt").status_code == 404
    assert client.request("DELETE", f"{place}/plots").json() == {}


@pytest.mark.parametrize(
    ("asked", "status", "content"),
    [
        ("bytes=0-3", 206, b"0123"),
        ("bytes=4-", 206, b"456789"),
        ("bytes=-2", 206, b"89"),
        ("bytes=8-99", 206, b"89"),
        ("bytes=0-9", 206, b"0123456789"),
        ("bytes=10-", 416, b""),
        ("bytes=-0", 416, b""),
        ("bytes=5-2", 200, b"0123456789"),
        ("bytes=0-1,4-5", 200, b"0123456789"),
        ("lines=1-2", 200, b"0123456789"),
    ],
)
def test_a_part_of_a_file_is_sent_when_it_is_asked_for(client, place, asked, status, content):
    """What a Range header names; one that makes no sense means the whole."""
    client.put(f"{place}/digits", content=b"0123456789")
    got = client.get(f"{place}/digits", headers={"Range": asked})
    assert (got.status_code, got.content) == (status, content)
    if status == 206:
        assert got.headers["content-range"].endswith("/10")


def test_a_file_that_did_not_change_is_not_sent_again(client, place):
    """By its etag; a range of a file that did change is the whole file."""
    client.put(f"{place}/digits", content=b"0123456789")
    etag = client.get(f"{place}/digits").headers["etag"]
    assert client.get(f"{place}/digits", headers={"If-None-Match": etag}).status_code == 304
    changed = client.get(f"{place}/digits", headers={"Range": "bytes=0-3", "If-Range": '"other"'})
    assert (changed.status_code, len(changed.content)) == (200, 10)
    head = client.request("HEAD", f"{place}/digits")
    assert (head.headers["content-length"], head.content) == ("10", b"")


def test_what_a_browser_gets_is_kept_and_never_shown(client, place):
    """An artifact may hold a page with a script; it is no page of this server's."""
    client.put(f'{place}/evil"\u2028.html', content=b"<script>alert(1)</script>")
    got = client.get(f'{place}/evil"\u2028.html')
    assert got.headers["content-disposition"].startswith('attachment; filename="evil__.html"')
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-security-policy"] == "sandbox"


def test_a_large_file_passes_unchanged(client, place):
    """In pieces."""
    content = bytes(range(256)) * 80_000
    client.put(f"{place}/large.bin", content=content)
    assert hashlib.sha256(client.get(f"{place}/large.bin").content).digest() == hashlib.sha256(content).digest()


def test_a_file_in_parts(api, client, service, run_id):
    """autotrack's client sends parts through the server; MLflow's is told to send the file whole, in its own words."""
    where = f"0/{run_id}/artifacts/model"
    begun = {"path": "/tmp/somewhere/net.bin", "num_parts": 2}
    refused = api("POST", f"mlflow-artifacts/mpu/create/{where}", 501, **begun)
    assert refused["message"].startswith("Multipart upload is not supported for the current artifact repository")
    client.headers["X-Autotrack"] = "1"
    if service.store.directory is not None:
        assert api("POST", f"mlflow-artifacts/mpu/create/{where}", 501, **begun)["error_code"] == "NOT_IMPLEMENTED"
        return
    upload = api("POST", f"mlflow-artifacts/mpu/create/{where}", **begun)
    parts = []
    for part, content in zip(upload["credentials"], (b"first,", b"second"), strict=True):
        etag = client.put(part["url"], content=content).json()["etag"]
        parts.append({"part_number": part["part_number"], "etag": etag})
    done = {"path": "net.bin", "upload_id": upload["upload_id"], "parts": parts}
    api("POST", f"mlflow-artifacts/mpu/complete/{where}", **done)
    assert client.get(f"{ROOT}/{where}/net.bin").content == b"first,second"
    upload = api("POST", f"mlflow-artifacts/mpu/create/{where}", **begun)
    api("POST", f"mlflow-artifacts/mpu/abort/{where}", path="net.bin", upload_id=upload["upload_id"])


def test_the_files_of_a_run_that_keeps_them_elsewhere_are_not_looked_for(client, service, api):
    """A bucket of the clients' own is a word to this server."""
    made = api("POST", "experiments/create", name="bucket", artifact_location="s3://bucket/path")["experiment_id"]
    info = api("POST", "runs/create", experiment_id=made)["run"]["info"]
    if service.store.directory is not None:
        assert info["artifact_uri"].startswith("mlflow-artifacts:/")
        return
    assert info["artifact_uri"] == f"s3://bucket/path/{info['run_id']}/artifacts"
    api("GET", "artifacts/list", 400, run_id=info["run_id"])


def test_a_key_lies_below_the_root_of_its_run():
    """Whatever is asked for."""
    assert own_path("mlflow-artifacts:/0/r/artifacts", "a/b") == "0/r/artifacts/a/b"


def test_a_large_file_goes_past_the_server_where_that_was_asked_for(s3, tmp_path):
    """By URLs that the bucket honours, both ways; without ``--presigned`` everything passes through."""
    place = Options(store=f"sqlite:///{tmp_path}/a.db", artifacts=str(s3.bucket()), presigned=True)
    asker = Asker(Application(opened(place), Access(None, ())))
    info = asker.get("/api/3.0/mlflow/server-info").json()
    assert info["multipart_uploads_enabled"] is True
    where, first, second = "0/r/artifacts/model", b"a" * (5 << 20), b"end"
    asked = {"path": "/home/ada/net.bin", "num_parts": 2}
    upload = asker.post(f"/api/2.0/mlflow-artifacts/mpu/create/{where}", json=asked).json()
    parts = []
    for part, content in zip(upload["credentials"], (first, second), strict=True):
        sent = httpx.put(part["url"], content=content)
        parts.append({"part_number": part["part_number"], "etag": sent.headers["etag"], "url": part["url"]})
    done = {"path": "/home/ada/net.bin", "upload_id": upload["upload_id"], "parts": parts}
    assert asker.post(f"/api/2.0/mlflow-artifacts/mpu/complete/{where}", json=done).status_code == 200
    signed = asker.get(f"/api/2.0/mlflow-artifacts/presigned/{where}/net.bin").json()
    assert signed["file_size"] == len(first) + len(second)
    assert httpx.get(signed["url"]).content == first + second
    ranged = asker.get(f"{ROOT}/{where}/net.bin", headers={"Range": f"bytes={len(first)}-"})
    assert (ranged.status_code, ranged.content) == (206, second)
    closed = Asker(Application(opened(replace(place, presigned=False)), Access(None, ())))
    assert closed.get(f"/api/2.0/mlflow-artifacts/presigned/{where}/net.bin").status_code == 501


def test_uploads_that_nobody_goes_on_with_are_removed(tmp_path):
    """When a server starts, and every few hours; one that got a part within a week stays."""
    service = opened(Options(store=f"sqlite:///{tmp_path}/autotrack.db", artifacts=str(tmp_path / "artifacts")))
    objects = service.objects

    async def use():
        old, young = [await objects.create_upload("x") for _ in range(2)]
        for upload in (old, young):
            await objects.put_part("x", upload, 1, b"part")
        (place,) = (tmp_path / "artifacts").glob(f"*/*-{old}/00001")
        os.utime(place, times=(0, time.time() - 8 * 24 * 3600))
        swept = asyncio.Event()
        sweep = objects.sweep

        async def noted(age):
            found = await sweep(age)
            swept.set()
            return found

        objects.sweep = noted
        said = asyncio.Queue()
        for kind in ("startup", "shutdown"):
            said.put_nowait({"type": f"lifespan.{kind}"})

        async def receive():
            if said.qsize() == 1:
                await swept.wait()
            return await said.get()

        async def send(message):
            pass

        await Application(service, Access(None, ()))({"type": "lifespan"}, receive, send)
        assert [one.name.endswith(young) for one in place.parents[1].iterdir()] == [True]

    asyncio.run(use())
