"""What the server says of itself."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from autotrack.server.request import Asked
from autotrack.server.route import Routes
from autotrack.server.service import CALLER, Service
from autotrack.wire.messages import OWN
from autotrack.wire.values import BOOLEAN, TEXT

ROUTES = Routes()


class Nothing(Asked):
    """No fields."""


@ROUTES("GET", "/health")
async def health(service: Service, request: Request) -> Response:  # noqa: ARG001 - as its siblings
    """OK, asked by whoever wants to know whether the server lives; needs no token."""
    return PlainTextResponse("OK")


@ROUTES("GET", "/version")
async def version(service: Service, request: Request) -> Response:  # noqa: ARG001 - as its siblings
    """The server's version."""
    return PlainTextResponse(service.version)


@ROUTES("GET", f"{OWN}/access", Nothing, read_only=BOOLEAN, user=TEXT)
def access(service: Service, asked: Nothing) -> dict[str, Any]:  # noqa: ARG001 - as its siblings
    """What whoever asks may do here, and under which name, for a page that offers no more than that."""
    caller = CALLER.get()
    return {"read_only": service.read_only, "user": "" if caller is None else caller.user}


@ROUTES("GET", "mlflow/server-info", Nothing, version="3.0", store_type=TEXT, autotrack=TEXT,
        multipart_uploads_enabled=BOOLEAN, multipart_downloads_enabled=BOOLEAN)  # fmt: skip
def server_info(service: Service, asked: Nothing) -> dict[str, Any]:  # noqa: ARG001 - as its siblings
    """What the server can do, for a client that decides how to speak to it."""
    return service.server_info()
