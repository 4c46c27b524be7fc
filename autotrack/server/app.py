"""The application: from a request on the wire to the route that answers it, and back."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import logging
import os
import re
import time
from typing import Any
from urllib.parse import unquote

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from autotrack.exceptions import AutotrackException
from autotrack.server import (
    about,
    absent,
    artifacts,
    comparison,
    experiments,
    extensions,
    findings,
    histories,
    models,
    overview,
    page,
    previews,
    registry,
    runs,
    summaries,
    transfer,
)
from autotrack.server.access import Access, loopback
from autotrack.server.batch import LogBatch
from autotrack.server.body import MOST_BYTES, TooLarge, whole
from autotrack.server.errors import failed, refusal
from autotrack.server.measures import CONTENT_TYPE, Measures
from autotrack.server.openapi import document
from autotrack.server.request import Asked, from_json, from_query
from autotrack.server.route import Route, Routes, Table
from autotrack.server.service import CALLER, Service
from autotrack.server.sweeping import sweep_forever
from autotrack.store.registry.changes import Author
from autotrack.store.tables import storable

_LOG = logging.getLogger("autotrack.server")
_OWN = Routes()
USER = "x-autotrack-user"
"""Names who asks where no password does; nobody has checked that name either."""
OPEN = "/health"
"""The one path that is answered without the secret."""
_WORTH_PACKING = 2000
"""Bytes from which an answer is packed, for those who are not on this machine."""
_WORTH_REMEMBERING = 1_000_000
"""Bytes up to which an answer says what it is known by, so that who has it already is not sent it again."""
_ASK_AGAIN = {"Cache-Control": "private, no-cache"}


@_OWN("GET", "/openapi.json")
async def openapi(app: Application) -> Response:
    """This document."""
    return Response(json.dumps(document(TABLE, app.service.version)), media_type="application/json")


@_OWN("GET", "/metrics")
async def metrics(app: Application) -> Response:
    """What the server counts of its own work, for Prometheus."""
    return Response(await run_in_threadpool(app.measures.text), headers={"Content-Type": CONTENT_TYPE})


TABLE = Table((
    *about.ROUTES, *page.ROUTES, *_OWN, *experiments.ROUTES, *runs.ROUTES, *histories.ROUTES, *models.ROUTES,
    *registry.ROUTES, *artifacts.ROUTES, *previews.ROUTES,
    *extensions.ROUTES, *summaries.ROUTES, *transfer.ROUTES, *overview.ROUTES,
    *comparison.ROUTES, *findings.ROUTES,
))  # fmt: skip


class Application:
    """An ASGI application over a store."""

    def __init__(self, service: Service, access: Access, measures: Measures | None = None) -> None:
        self.service, self.access = service, access
        self.measures = measures or Measures()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one connection's scope."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:  # a web socket
            await send({"type": "websocket.close", "code": 1008})

    async def _live(self, receive: Receive, send: Send) -> None:
        sweeping: asyncio.Task[None] | None = None
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                sweeping = asyncio.create_task(sweep_forever(self.service.objects))
                await send({"type": "lifespan.startup.complete"})
            else:
                if sweeping is not None:
                    sweeping.cancel()
                self.service.store.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        begun = time.perf_counter()
        request_id = _request_id(request.headers.get("x-request-id"))
        route, inside, known = TABLE.find(request.method, request.scope["path"])
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode("ascii")),
                    *(() if _has(message, b"x-content-type-options") else ((b"x-content-type-options", b"nosniff"),)),
                ]
            await send(message)

        self.measures.begin()
        try:
            try:
                response = await self._response(request, route, inside, known)
            except TooLarge:
                response = refusal(
                    "INVALID_PARAMETER_VALUE", f"a request may have at most {MOST_BYTES} bytes, also unpacked", 413
                )
            except Exception as error:  # noqa: BLE001 - whatever goes wrong is answered, and the server goes on
                response = failed(error, request_id, self.service.store)
            await response(scope, receive, answer)
        finally:
            seconds = time.perf_counter() - begun
            name = route.full_path if route is not None else "unknown"
            self.measures.end(request.method if route else "other", name, status, seconds)
            if _LOG.isEnabledFor(logging.INFO):
                facts = {
                    "request_id": request_id, "method": request.method, "route": name, "status": status,
                    "ms": round(seconds * 1000, 2), "client": request.client.host if request.client else None,
                }  # fmt: skip
                _LOG.info("request", extra=facts)

    async def _response(self, request: Request, route: Route | None, inside: dict[str, str], known: bool) -> Response:
        headers = request.headers
        host = headers.get("host", "")
        if not self.access.host_allowed(host):
            return refusal(
                "PERMISSION_DENIED",
                f"Invalid Host header {host[:100]!r}: this server answers to this machine's own names alone; start it "
                "with --allowed-host NAME for others",
            )
        authorization = headers.get("authorization")
        if (route is None or route.path != OPEN) and not self.access.admitted(authorization):
            refused = refusal("UNAUTHENTICATED", "this server asks for its token, as a bearer token or a password")
            refused.headers["WWW-Authenticate"] = 'Basic realm="autotrack", charset="UTF-8"'
            return refused
        path = request.scope["path"]
        if route is None and known:
            return refusal("ENDPOINT_NOT_FOUND", f"this endpoint does not take the method {request.method[:20]}", 405)
        if route is None:
            raise absent.unknown(path)
        if not route.reads:
            if not self.access.same_site(headers.get("origin"), headers.get("sec-fetch-site"), host):
                return refusal("PERMISSION_DENIED", "a page of another site may change nothing here")
            if self.service.read_only:
                return refusal("PERMISSION_DENIED", "this server shows a store that it may not write to")
        client = request.client.host if request.client else ""
        CALLER.set(Author(Access.user(authorization) or _user(headers.get(USER)), client))
        if route.own:
            return await self._by_itself(route, request, inside)
        return await self._by_table(route, request, inside, pack=not loopback(client))

    async def _by_itself(self, route: Route, request: Request, inside: dict[str, str]) -> Response:
        if route in _OWN:
            made: Response = await route.handle(self)
        else:
            made = await route.handle(self.service, request, **inside)
        return made

    async def _by_table(self, route: Route, request: Request, inside: dict[str, str], *, pack: bool) -> Response:
        body = b""
        if request.method not in ("GET", "HEAD"):
            body = await whole(request)
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if body and kind != "application/json":
                raise AutotrackException(
                    "Bad Request. Content-Type must be application/json.", "INVALID_PARAMETER_VALUE"
                )
        pack = pack and "gzip" in request.headers.get("accept-encoding", "")
        return await run_in_threadpool(self._work, route, request, body, inside, pack)

    def _work(self, route: Route, request: Request, body: bytes, inside: dict[str, str], pack: bool) -> Response:
        assert route.asked is not None  # as of every route that does not read its request itself
        asked = _asked(route, request, body, inside)
        answer = encoded(route.handle(self.service, asked))
        if isinstance(asked, LogBatch):
            self.measures.points(len(asked.metrics))
        headers = {}
        if request.method in ("GET", "HEAD") and len(answer) <= _WORTH_REMEMBERING:
            # A weak one: the same answer may come packed.
            headers = {"ETag": f'W/"{hashlib.blake2b(answer, digest_size=16).hexdigest()}"', **_ASK_AGAIN}
            if request.headers.get("if-none-match") == headers["ETag"]:
                return Response(None, 304, headers)
        if pack and len(answer) > _WORTH_PACKING:
            headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
            answer = gzip.compress(answer, 1, mtime=0)
        return Response(answer, headers=headers, media_type="application/json")


def _asked(route: Route, request: Request, body: bytes, inside: dict[str, str]) -> Asked:
    assert route.asked is not None
    quickly: Asked | None = None if route.quick is None else route.quick(body)
    if quickly is not None:
        return quickly
    if not body:
        return from_query(request.query_params, route.asked, inside)
    return from_json(_json(body), route.asked, inside)


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        pass
    try:
        # With a bare NaN in it, as Python's own encoder writes them, or half of a surrogate pair.
        return _storable(json.loads(body))
    except ValueError:
        raise AutotrackException.invalid("the body of the request is no JSON") from None


def _storable(value: Any) -> Any:
    """A document whose texts any database keeps."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {storable(name): _storable(inner) for name, inner in value.items()}
    return value


def encoded(answer: Any) -> bytes:
    """A document as JSON."""
    try:
        return msgspec.json.encode(answer)
    except (OverflowError, UnicodeEncodeError):  # an integer of more than 64 bits, half of a surrogate pair
        return json.dumps(answer).encode("ascii")


def _user(given: str | None) -> str:
    """The name that somebody goes by whom no password names, as a header can hold it."""
    name = unquote(given or "").strip()
    return name[:200] if name.isprintable() else ""


def _request_id(given: str | None) -> str:
    if given is not None and re.fullmatch(r"[\w.\-]{1,64}", given, re.ASCII):
        return given
    return os.urandom(8).hex()


def _has(message: Message, name: bytes) -> bool:
    return any(key.lower() == name for key, _ in message["headers"])
