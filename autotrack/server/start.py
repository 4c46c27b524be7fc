"""Starting a server: which store, which files, who may ask, and where it listens."""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import uvicorn

import autotrack
from autotrack.exceptions import AutotrackException
from autotrack.server import log
from autotrack.server.access import Access, loopback, read_secret
from autotrack.server.app import Application
from autotrack.server.local import ServedStore
from autotrack.server.measures import SHARED
from autotrack.server.service import Service
from autotrack.store.objects import RunObjects, open_objects

_OPTIONS = "AUTOTRACK_SERVER_OPTIONS"
"""What tells a worker, which is a process of its own, how to serve."""
PROXIED = "mlflow-artifacts:/"
"""The root of files that clients ask the server for."""


@dataclass(frozen=True)
class Options:
    """What a server serves and to whom. ``directory`` is a local store; without one there is a ``store`` and a place
    for ``artifacts``."""

    host: str = "127.0.0.1"
    port: int = 5000
    token_file: str | None = None
    allowed_hosts: Sequence[str] = ()
    directory: str | None = None
    store: str = ""
    artifacts: str = ""
    presigned: bool = False
    migrate: bool = False
    workers: int = 1
    log_level: str = "info"


def serve(options: Options, what: str) -> None:
    """Listen and answer until a signal says to stop; requests under way are finished first. ``what`` is named on the
    line that says where the server is."""
    if not loopback(options.host) and options.token_file is None:
        raise AutotrackException.invalid(
            f"at {options.host} others can reach this server: give --token-file, or leave --host out"
        )
    if options.token_file is not None:
        read_secret(Path(options.token_file))
    log.start(options.log_level)
    os.umask(0o077)  # nothing that the server keeps is for others who work on this machine
    app = made(options)
    settings: dict[str, Any] = {
        "log_config": None, "access_log": False, "lifespan": "on", "server_header": False,
        "timeout_graceful_shutdown": 10, "timeout_keep_alive": 75, "proxy_headers": False,
    }  # fmt: skip
    with _listening(options.host, options.port) as listening:
        name = f"[{options.host}]" if ":" in options.host else options.host
        line = f"serving {what} at http://{name}:{listening.getsockname()[1]}"
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - the line that a person reads
        if options.workers > 1:
            app.service.store.close()  # each worker opens it for itself
            _workers(options, listening, settings)
        else:
            uvicorn.Server(uvicorn.Config(app, **settings)).run(sockets=[listening])


def made(options: Options) -> Application:
    """The application of some options."""
    secret = read_secret(Path(options.token_file)) if options.token_file is not None else None
    hosts = options.allowed_hosts if loopback(options.host) or options.allowed_hosts else None
    return Application(opened(options), Access(secret, hosts))


def opened(options: Options) -> Service:
    """The store and the files of some options."""
    if options.directory is not None:
        directory = Path(options.directory)
        local = ServedStore(directory)
        writable = os.access(directory if directory.exists() else directory.parent, os.W_OK)
        return Service(local, RunObjects(local), autotrack.__version__, read_only=not writable)
    from autotrack.store.database import open_database  # alembic and a driver, which a directory goes without

    store = open_database(options.store, PROXIED, migrate=options.migrate)
    return Service(store, open_objects(options.artifacts), autotrack.__version__, direct=options.presigned)


def worker() -> Application:
    """The application of one of several workers."""
    options = Options(**json.loads(os.environ[_OPTIONS]))
    log.start(options.log_level)
    return made(options)


def _workers(options: Options, listening: socket.socket, settings: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory(prefix="autotrack-metrics-") as shared:
        os.environ[SHARED] = shared
        os.environ[_OPTIONS] = json.dumps(asdict(options) | {"migrate": False})
        uvicorn.run(f"{__name__}:worker", factory=True, workers=options.workers, fd=listening.fileno(), **settings)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise AutotrackException.invalid(
            f"nothing can listen at {host} port {port} ({error.strerror or error}); --port 0 takes a free one"
        ) from None
    listening.set_inheritable(True)
    return listening
