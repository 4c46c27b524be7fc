"""What the server says of itself."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from autotrack.server.request import Asked
from autotrack.server.route import Routes
from autotrack.server.service import Service
from autotrack.wire.values import BOOLEAN, TEXT

ROUTES = Routes()

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>autotrack</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}}
code{{background:#8882;padding:.1em .3em;border-radius:.2em}}</style>
<h1>autotrack {version}</h1>
<p>This is a tracking server. It speaks MLflow's REST protocol: set <code>AUTOTRACK_TRACKING_URI</code>, or
<code>MLFLOW_TRACKING_URI</code> for MLflow's own client, to the address of this page.</p>
<ul>
<li><a href="openapi.json">openapi.json</a>: every route, with what it takes and gives
<li><a href="health">health</a>, <a href="version">version</a>, <a href="metrics">metrics</a> for Prometheus
</ul>
<p>On the command line, <code>autotrack runs</code> and <code>autotrack show</code> read a store directory.</p>
</html>
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class Nothing(Asked):
    """No fields."""


@ROUTES("GET", "/")
async def page(service: Service, request: Request) -> Response:  # noqa: ARG001 - as its siblings
    """Where to find what."""
    return HTMLResponse(_PAGE.format(version=service.version), headers={"Content-Security-Policy": _POLICY})


@ROUTES("GET", "/health")
async def health(service: Service, request: Request) -> Response:  # noqa: ARG001 - as its siblings
    """OK, asked by whoever wants to know whether the server lives; needs no token."""
    return PlainTextResponse("OK")


@ROUTES("GET", "/version")
async def version(service: Service, request: Request) -> Response:  # noqa: ARG001 - as its siblings
    """The server's version."""
    return PlainTextResponse(service.version)


@ROUTES("GET", "mlflow/server-info", Nothing, version="3.0", store_type=TEXT, autotrack=TEXT,
        multipart_uploads_enabled=BOOLEAN, multipart_downloads_enabled=BOOLEAN)  # fmt: skip
def server_info(service: Service, asked: Nothing) -> dict[str, Any]:  # noqa: ARG001 - as its siblings
    """What the server can do, for a client that decides how to speak to it."""
    return service.server_info()
