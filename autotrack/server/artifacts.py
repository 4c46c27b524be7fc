"""Files: sent, fetched, listed and removed through the server, or past it by URLs that the object store honours."""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from autotrack.exceptions import AutotrackException
from autotrack.server import limits, places
from autotrack.server.body import streamed, whole
from autotrack.server.request import Asked, from_json, from_query
from autotrack.server.route import Routes
from autotrack.server.service import Service
from autotrack.store.objects import Part
from autotrack.wire.messages import FILE_INFO
from autotrack.wire.values import TEXT, several

ROUTES = Routes()
Document = dict[str, Any]
_PATH = "mlflow-artifacts"
SMALL = 10 * 1024 * 1024
"""Bytes of a file that a page sends."""
SIGNED_SECONDS = 3600
"""For how long a signed URL is good."""
_TEXTS = frozenset((
    "MLmodel", "MLproject", "mlproject", "cf", "cfg", "cnf", "conf", "csv", "err", "hocon", "ini", "ipynb", "js",
    "json", "log", "md", "prop", "properties", "py", "py3", "rst", "toml", "tsv", "txt", "xml", "yaml", "yml",
))  # fmt: skip
_NOTHING: Mapping[str, str] = {}
NO_MULTIPART = "Multipart upload is not supported for the current artifact repository"
"""MLflow's client goes on without parts when a refusal begins like this."""


class List(Asked):
    path: str = ""


class OfRun(Asked):
    run_id: str
    path: str = ""
    page_token: str | None = None


class OfModel(Asked):
    artifact_directory_path: str = ""
    page_token: str | None = None


class ModelFile(Asked):
    artifact_file_path: str


class OfVersion(Asked):
    name: str
    version: str
    path: str


class Begin(Asked):
    path: str
    num_parts: int = 1


class SentPart(msgspec.Struct):
    part_number: int
    etag: str = ""
    url: str = ""


class OnePart(Asked):
    upload_id: str
    part_number: int


class Complete(Asked):
    path: str
    upload_id: str
    parts: tuple[SentPart, ...] = ()


class Abort(Asked):
    path: str
    upload_id: str


@ROUTES("GET", _PATH + "/artifacts", files=several(FILE_INFO.kind))
async def list_files(service: Service, request: Request) -> Response:
    """What lies in a directory: names, not paths."""
    asked = from_query(request.query_params, List)
    entries = await service.objects.list(places.artifact(asked.path.rstrip("/")))
    files = [_info(entry.name, entry) for entry in entries]
    return _json({"files": files} if files else {})


@ROUTES("GET", _PATH + "/artifacts/{path:path}")
async def get_file(service: Service, request: Request, path: str) -> Response:
    """A file, or the part of it that a Range header names."""
    return await sent(service, request, places.key(path))


@ROUTES("PUT", _PATH + "/artifacts/{path:path}")
async def put_file(service: Service, request: Request, path: str) -> Response:
    """Write a file from the body, whole or not at all."""
    length = request.headers.get("content-length", "")
    await service.objects.put(places.key(path), streamed(request), int(length) if length.isdigit() else None)
    return Response()


@ROUTES("DELETE", _PATH + "/artifacts/{path:path}")
async def delete_files(service: Service, request: Request, path: str) -> Response:  # noqa: ARG001 - as its siblings
    """Remove a file, or a directory with all below it."""
    await service.objects.delete(places.key(path))
    return _json({})


@ROUTES("POST", _PATH + "/mpu/create/{path:path}", upload_id=TEXT)
async def begin_upload(service: Service, request: Request, path: str) -> Response:
    """Begin a file that is sent in parts, past the server where the store allows it."""
    asked = from_json(await _document(request), Begin)
    name = _file(path, asked.path)
    if not 1 <= asked.num_parts <= 10_000:
        raise AutotrackException.invalid("parts are numbered from 1 to 10000")
    ours = "x-autotrack" in request.headers  # which sends parts through this server, with its credentials
    if not (service.direct or ours):
        raise AutotrackException(f"{NO_MULTIPART}; send the file whole", "NOT_IMPLEMENTED")
    upload = await service.objects.create_upload(name)
    credentials = []
    for number in range(1, asked.num_parts + 1):
        url = await service.objects.sign_part(name, upload, number, SIGNED_SECONDS) if service.direct else None
        if url is None and not ours:
            await service.objects.abort(name, upload)
            raise AutotrackException(f"{NO_MULTIPART}; send the file whole", "NOT_IMPLEMENTED")
        if url is None:
            url = f"/api/2.0/{_PATH}/mpu/part/{quote(name)}?upload_id={upload}&part_number={number}"
        credentials.append({"url": url, "part_number": number, "headers": {}})
    return _json({"upload_id": upload, "credentials": credentials})


@ROUTES("PUT", _PATH + "/mpu/part/{path:path}", etag=TEXT)
async def put_part(service: Service, request: Request, path: str) -> Response:
    """Send one part of a file through the server, as autotrack's client does."""
    asked = from_query(request.query_params, OnePart)
    etag = await service.objects.put_part(places.key(path), asked.upload_id, asked.part_number, streamed(request))
    return Response(json.dumps({"etag": etag}), headers={"ETag": f'"{etag}"'}, media_type="application/json")


@ROUTES("POST", _PATH + "/mpu/complete/{path:path}")
async def complete_upload(service: Service, request: Request, path: str) -> Response:
    """Put the parts of a file together."""
    asked = from_json(await _document(request), Complete)
    parts = [Part(one.part_number, one.etag) for one in asked.parts]
    await service.objects.complete(_file(path, asked.path), asked.upload_id, parts)
    return _json({})


@ROUTES("POST", _PATH + "/mpu/abort/{path:path}")
async def abort_upload(service: Service, request: Request, path: str) -> Response:
    """Forget a file that was begun, and its parts."""
    asked = from_json(await _document(request), Abort)
    await service.objects.abort(_file(path, asked.path), asked.upload_id)
    return _json({})


@ROUTES("GET", _PATH + "/presigned/{path:path}", url=TEXT)
async def presigned(service: Service, request: Request, path: str) -> Response:  # noqa: ARG001 - as its siblings
    """A URL by which a file can be fetched past the server for an hour."""
    name = places.key(path)
    facts = await service.objects.head(name)
    url = await service.objects.sign("GET", name, SIGNED_SECONDS) if service.direct else None
    if url is None:
        raise AutotrackException("this server's artifact root signs no URLs; fetch the file from it", "NOT_IMPLEMENTED")
    return _json({"url": url, "headers": {}, "file_size": facts.size})


@ROUTES("GET", "mlflow/artifacts/list", root_uri=TEXT, files=several(FILE_INFO.kind))
async def list_artifacts(service: Service, request: Request) -> Response:
    """What lies in a directory of a run."""
    asked = from_query(request.query_params, OfRun)
    run = await run_in_threadpool(service.run, limits.identifier(asked.run_id, "run id"))
    root = str(run.info.artifact_uri)
    prefix = _below(asked.path)
    entries = await service.objects.list(places.key(own_path(root, prefix.rstrip("/")), root=True))
    return _json({"root_uri": root, "files": [_info(prefix + entry.name, entry) for entry in entries]})


@ROUTES("GET", "mlflow/logged-models/{model_id}/artifacts/directories", root_uri=TEXT, files=several(FILE_INFO.kind))
async def list_model_files(service: Service, request: Request, model_id: str) -> Response:
    """What lies in a directory of a logged model."""
    asked = from_query(request.query_params, OfModel)
    model = await run_in_threadpool(service.model, model_id)
    prefix = _below(asked.artifact_directory_path)
    entries = await service.objects.list(places.key(own_path(model.artifact_location, prefix.rstrip("/"))))
    files = [_info(prefix + entry.name, entry) for entry in entries]
    return _json({"root_uri": model.artifact_location, "files": files})


@ROUTES("GET", "mlflow/logged-models/{model_id}/artifacts/files")
async def get_model_file(service: Service, request: Request, model_id: str) -> Response:
    """A file of a logged model, as pages ask for it."""
    asked = from_query(request.query_params, ModelFile)
    model = await run_in_threadpool(service.model, model_id)
    return await sent(service, request, places.key(own_path(model.artifact_location, asked.artifact_file_path)))


@ROUTES("GET", "/get-artifact")
async def get_artifact(service: Service, request: Request) -> Response:
    """A file of a run, as pages ask for it."""
    asked = from_query(request.query_params, OfRun)
    run = await run_in_threadpool(service.run, limits.identifier(asked.run_id, "run id"))
    return await sent(service, request, places.key(own_path(str(run.info.artifact_uri), asked.path)))


@ROUTES("GET", "/model-versions/get-artifact")
async def get_version_artifact(service: Service, request: Request) -> Response:
    """A file of a model version, as pages ask for it."""
    asked = from_query(request.query_params, OfVersion)
    places.key(asked.path)
    uri = await run_in_threadpool(service.verbs.get_model_version_download_uri, asked.name, asked.version)
    return await sent(service, request, places.key(own_path(uri, asked.path)))


@ROUTES("POST", "mlflow/upload-artifact")
async def upload_artifact(service: Service, request: Request) -> Response:
    """Write a small file of a run, as pages do."""
    if not request.query_params.get("run_uuid") and not request.query_params.get("run_id"):
        raise AutotrackException.invalid("Request must specify run_uuid.")
    asked = from_query(request.query_params, OfRun)
    if not asked.path:
        raise AutotrackException.invalid("Request must specify path.")
    run = await run_in_threadpool(service.active_run, limits.identifier(asked.run_id, "run id"))
    key = places.key(own_path(str(run.info.artifact_uri), asked.path))
    data = await whole(request, SMALL)
    if not data:
        raise AutotrackException.invalid("Request must specify data.")
    await service.objects.put(key, data, len(data))
    return Response()


def _below(path: str) -> str:
    """What the paths of the files in a directory begin with."""
    if path.startswith("/"):
        raise AutotrackException.invalid("Invalid path")
    return f"{path.rstrip('/')}/" if path else ""


def own_path(root: str, path: str) -> str:
    """The key of a file below the root of a run or a model, which lie with this server."""
    if not root.startswith("mlflow-artifacts:/"):
        raise AutotrackException.invalid("the files of this run are not kept by this server; ask where they lie")
    if path:
        places.key(path)
    return "/".join(filter(None, (root.removeprefix("mlflow-artifacts:/").strip("/"), path)))


async def sent(
    service: Service, request: Request, path: str, kind: str | None = None, more: Mapping[str, str] = _NOTHING
) -> Response:
    """A file, or the part of it that is asked for; to be kept, unless other headers have it shown as some kind."""
    facts = await _facts(service, path)
    headers = {
        "Content-Disposition": _attachment(path.rsplit("/", maxsplit=1)[-1]),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox",
        "Accept-Ranges": "bytes",
        "ETag": f'"{facts.etag}"',
        "Cache-Control": "private, no-cache",
        **more,
    }
    kind = kind or media_type(path)
    if request.headers.get("if-none-match", "").strip() == headers["ETag"]:
        return Response(None, 304, headers)
    start, end, status = 0, facts.size, 200
    asked = request.headers.get("range")
    if asked is not None and request.headers.get("if-range", headers["ETag"]) == headers["ETag"]:
        found = _range(asked, facts.size)
        if found is None:
            return Response(None, 416, {"Content-Range": f"bytes */{facts.size}"})
        if found != (0, facts.size) or asked.strip() == f"bytes=0-{facts.size - 1}":
            start, end = found
            status = 206
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{facts.size}"
    headers["Content-Length"] = str(end - start)
    if request.method == "HEAD" or start == end:
        return Response(None, status, headers, media_type=kind)
    chunks = await service.objects.get(path, start, end)
    return StreamingResponse(_counted(chunks, end - start), status, headers, kind)


def media_type(path: str) -> str:
    """What a file is, by its name; as in MLflow, whatever people read is plain text."""
    name = path.rsplit("/", maxsplit=1)[-1]
    if name.rpartition(".")[2] in _TEXTS:
        return "text/plain"
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


async def _facts(service: Service, path: str) -> Any:
    try:
        return await service.objects.head(path)
    except AutotrackException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST" and await service.objects.list(path):
            raise AutotrackException.invalid("the path names a directory; list it") from None
        raise


async def _counted(chunks: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """As many bytes as were announced, also of a file that grows while it is read."""
    async for chunk in chunks:
        piece = chunk[:size]
        size -= len(piece)
        if piece:
            yield bytes(piece)
        if not size:
            return


def _range(text: str, size: int) -> tuple[int, int] | None:
    """From where to before where a Range header means; all for one that names several or makes no sense, nothing for
    what the file does not have."""
    found = re.fullmatch(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", text)
    if found is None or not (found[1] or found[2]):
        return 0, size
    if not found[1]:
        return (max(0, size - int(found[2])), size) if int(found[2]) and size else None
    start, last = int(found[1]), int(found[2]) if found[2] else size - 1
    if start >= size:
        return None
    return (start, min(last, size - 1) + 1) if last >= start else (0, size)


def _attachment(name: str) -> str:
    """The header that has a browser keep a file instead of showing it."""
    if re.fullmatch(r"[\w.\-]+", name, re.ASCII):
        return f"attachment; filename={name}"
    plain = re.sub(r"[^\w.\- ]", "_", name, flags=re.ASCII)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _info(path: str, entry: Any) -> Document:
    size = {} if entry.size is None or entry.is_dir else {"file_size": entry.size}
    return {"path": path, "is_dir": entry.is_dir, **size}


def _file(directory: str, path: str) -> str:
    """The file of an upload: below the directory of the route, under the last part of what the client calls it."""
    name = re.split(r"[/\\]", path)[-1]
    return places.key(f"{directory.strip('/')}/{name}" if directory.strip("/") else name)


async def _document(request: Request) -> Any:
    try:
        return msgspec.json.decode(await whole(request) or b"{}")
    except msgspec.DecodeError:
        raise AutotrackException.invalid("the body of the request is no JSON") from None


def _json(document: Document) -> Response:
    return Response(json.dumps(document), media_type="application/json")
