"""A model behind HTTP, as MLflow's scoring server answers: ``/invocations``, ``/ping``, ``/health``, ``/version``."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from autotrack.exceptions import AutotrackException
from autotrack.models import answers, requests
from autotrack.models.pyfunc import PyFuncModel

BODY = 64 * 1024 * 1024
"""Bytes that a request may have unless told otherwise."""
_LOG = logging.getLogger("autotrack.serving")


def application(
    model: PyFuncModel, *, version: str, hosts: Sequence[str] = ("*",), most_bytes: int = BODY
) -> Starlette:
    """The server of one model, as an ASGI application.

    A request that does not fit is answered with 400 and what is wrong with it, one on which the model fails with 500.
    ``hosts`` are the names under which it may be asked: another site that has its own name lead here may not.
    """

    async def invocations(request: Request) -> Response:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > most_bytes:
                return _refused(f"a request may have {most_bytes} bytes", "REQUEST_LIMIT_EXCEEDED", 413)
        kind = request.headers.get("content-type", requests.JSON)
        try:
            # In a thread: whoever asks whether the server lives is answered while a model computes.
            answer = await run_in_threadpool(_answer, model, bytes(body), kind)
        except AutotrackException as error:
            status = 415 if error.error_code == requests.UNSUPPORTED else 400
            return _refused(error.message, error.error_code, status)
        except Exception as error:  # noqa: BLE001 - a model may fail in any way; the server goes on
            _LOG.exception("the model failed")
            return _refused(f"the model failed on this input ({type(error).__name__}: {error})", "INTERNAL_ERROR", 500)
        return Response(answer, media_type=requests.JSON)

    async def ping(_request: Request) -> Response:
        return Response("\n", media_type=requests.JSON)

    async def said(_request: Request) -> Response:
        return Response(version, media_type="text/plain")

    routes = [
        Route("/invocations", invocations, methods=["POST"]),
        Route("/ping", ping),
        Route("/health", ping),
        Route("/version", said),
    ]
    return Starlette(routes=routes, middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))])


def _answer(model: PyFuncModel, body: bytes, kind: str) -> bytes:
    signature = model.metadata.signature
    data, params = requests.parse(body, kind, signature.inputs if signature else None)
    return answers.document(model.predict(data, params))


def _refused(message: str, code: str, status: int) -> Response:
    return Response(json.dumps({"error_code": code, "message": message}), status, media_type=requests.JSON)
