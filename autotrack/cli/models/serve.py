"""``autotrack models serve``."""

from __future__ import annotations

import ipaddress
import sys
from typing import Annotated

import typer

import autotrack
from autotrack.cli.models.predict import Trust, Uri
from autotrack.cli.options import Store
from autotrack.cli.text import clean
from autotrack.exceptions import AutotrackException
from autotrack.models.pyfunc import load_model

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def serve(
    uri: Uri,
    host: Annotated[str, typer.Option("--host", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", "-p", min=0, max=65535, help="0 takes a free one.")] = 5000,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(help="A name under which it may be asked; may be repeated. By default any, or this machine's."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Megabytes that a request may have.")] = 64,
    trust: Trust = False,
    store: Store = None,
) -> None:
    """Answer over HTTP as MLflow's scoring server does: POST /invocations, GET /ping.

    By default only this machine can ask. There is no password: who reaches the address may ask the model.
    """
    try:
        import uvicorn  # an extra, for those who serve

        from autotrack.models.serving import application  # as above
    except ImportError as error:
        raise AutotrackException.missing(f"serving needs {error.name}: pip install 'autotrack-ml[serve]'") from error
    model = load_model(uri, trust=trust, store=store)
    local = _loopback(host)
    hosts = [*(allowed_host or ([] if local else ["*"])), *(LOOPBACK if local else ())]
    app = application(model, version=autotrack.__version__, hosts=hosts, most_bytes=limit * 1024 * 1024)
    server = uvicorn.Server(uvicorn.Config(app, host, port, log_level="warning", access_log=False, lifespan="off"))
    try:
        listening = server.config.bind_socket()
    except SystemExit:  # uvicorn has said what the system refused
        raise AutotrackException.invalid(
            f"nothing can listen at {host} port {port}; --port 0 takes a free one"
        ) from None
    listening.listen(server.config.backlog)  # who asks from here on is answered, if only when the server has started
    name = f"[{host}]" if ":" in host else host
    print(f"serving {clean(uri)} at http://{name}:{listening.getsockname()[1]}", file=sys.stderr, flush=True)
    if not local:
        print("anybody who reaches this address may ask the model: there is no password", file=sys.stderr, flush=True)
    server.run(sockets=[listening])


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
