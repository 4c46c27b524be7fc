"""What a request that cannot be carried out is answered with."""

from __future__ import annotations

import json
import logging

from starlette.responses import Response

from autotrack.exceptions import AutotrackException
from autotrack.store import Questions

STATUS = {
    "BAD_REQUEST": 400, "INVALID_PARAMETER_VALUE": 400, "RESOURCE_ALREADY_EXISTS": 400,
    "CUSTOMER_UNAUTHORIZED": 401, "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404, "ENDPOINT_NOT_FOUND": 404, "RESOURCE_DOES_NOT_EXIST": 404,
    "ABORTED": 409, "RESOURCE_CONFLICT": 409, "ALREADY_EXISTS": 409,
    "REQUEST_LIMIT_EXCEEDED": 429, "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "NOT_IMPLEMENTED": 501, "TEMPORARILY_UNAVAILABLE": 503, "DEADLINE_EXCEEDED": 504,
}  # fmt: skip
"""HTTP status of MLflow's error codes; 500 for any other. Its clients decide by the code, and try 408, 429 and most of
500 and above again."""

_LOG = logging.getLogger("autotrack.server")


def refusal(code: str, message: str, status: int | None = None) -> Response:
    """An error in MLflow's JSON."""
    body = json.dumps({"error_code": code, "message": message})
    return Response(body, STATUS.get(code, 500) if status is None else status, media_type="application/json")


def failed(error: Exception, request_id: str, store: Questions) -> Response:
    """The answer to a request that raised. What went wrong inside the server stays in its log: an answer names no
    path, no SQL and no code of it."""
    if isinstance(error, AutotrackException) and error.error_code in STATUS:
        return refusal(error.error_code, _without(error.message, store))
    if isinstance(error, RecursionError):
        return refusal("INVALID_PARAMETER_VALUE", "the request is nested too deeply")
    _LOG.error("a request failed", exc_info=error, extra={"request_id": request_id})
    return refusal("INTERNAL_ERROR", f"the server failed on this request; its log says why, under {request_id}")


def _without(message: str, store: Questions) -> str:
    """A message without the name of the database or the directory that is behind the server."""
    hidden = [store.context.name]
    if store.directory is not None:
        hidden += [store.directory.as_uri(), str(store.directory)]
    for name in hidden:
        message = message.replace(name, "this server")
    return message
