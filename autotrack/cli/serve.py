"""``autotrack server`` and ``autotrack ui``."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from autotrack.cli.places import places
from autotrack.cli.text import clean
from autotrack.exceptions import AutotrackException
from autotrack.sinks.open import store_directory

Host = Annotated[str, typer.Option(help="The address to listen at; other than this machine's needs --token-file.")]
TokenFile = Annotated[
    str | None, typer.Option(metavar="FILE", help="Holds the secret that everybody who asks must give.")
]
AllowedHost = Annotated[
    list[str] | None, typer.Option(help="A further name under which it may be asked; may be repeated.")
]
LogLevel = Annotated[str, typer.Option(help="debug, info, warning or error.")]


def server(
    store: Annotated[
        str | None,
        typer.Option(metavar="URL", help="sqlite:///PATH or postgresql://…; by default SQLite, of your own."),
    ] = None,
    artifacts: Annotated[
        str | None, typer.Option(metavar="PLACE", help="A directory, s3://…, gs://… or az://… for files.")
    ] = None,
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", "-p", min=0, max=65535, help="0 takes a free one.")] = 5000,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes that answer.")] = 1,
    token_file: TokenFile = None,
    allowed_host: AllowedHost = None,
    presigned: Annotated[
        bool, typer.Option("--presigned", help="Let large files go past the server, by URLs that the bucket honours.")
    ] = False,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Bring a database of an older version up to date.")
    ] = False,
    log_level: LogLevel = "info",
) -> None:
    """Keep what programs record, on a database; MLflow's clients speak to it too.

    Without an option it keeps everything in your data directory and answers this machine alone.
    """
    url, files = places(store, artifacts)
    _serve(
        f"{_without_password(url)} with files in {clean(files)}",
        host=host, port=port, token_file=token_file, allowed_hosts=tuple(allowed_host or ()), store=url,
        artifacts=files, presigned=presigned, migrate=upgrade, workers=workers, log_level=log_level,
    )  # fmt: skip


def ui(
    directory: Annotated[
        str | None, typer.Argument(metavar="[DIR]", help="A store; by default the one that runs are recorded to.")
    ] = None,
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", "-p", min=0, max=65535, help="0 takes a free one.")] = 5001,
    token_file: TokenFile = None,
    allowed_host: AllowedHost = None,
    log_level: LogLevel = "warning",
) -> None:
    """Serve a local store as it is, also while programs write to it; nothing is copied."""
    place = store_directory(directory)
    if not place.is_dir():
        raise AutotrackException.missing(f"there is no store {place}; a program that records makes one")
    _serve(
        clean(str(place)), host=host, port=port, token_file=token_file, allowed_hosts=tuple(allowed_host or ()),
        directory=str(place.absolute()), log_level=log_level,
    )  # fmt: skip


def _serve(what: str, **options: Any) -> None:
    if options["log_level"] not in ("debug", "info", "warning", "error"):
        raise AutotrackException.invalid(
            f"{options['log_level']!r} is no level of a log: debug, info, warning or error"
        )
    try:
        from autotrack.server.start import Options, serve  # an extra, for those who serve
    except ImportError as error:
        raise AutotrackException.missing(f"a server needs {error.name}: pip install 'autotrack-ml[server]'") from error
    serve(Options(**options), what)


def _without_password(url: str) -> str:
    return clean(re.sub(r"(://[^/@:]*):[^/]*@", r"\1:***@", url))
