"""What the user has set: an argument beats the environment, the environment beats the default."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from autotrack import guard
from autotrack.exceptions import AutotrackException


def disabled() -> bool:
    """The kill switch, ``AUTOTRACK_DISABLED=1``: no patch, no thread, no file, no socket."""
    return _on("AUTOTRACK_DISABLED")


def _on(name: str) -> bool:
    return os.environ.get(name, "").strip().lower() in ("1", "true", "yes", "on")


def _off(name: str) -> bool:
    return os.environ.get(name, "").strip().lower() in ("0", "false", "no", "off")


def context() -> bool:
    """Whether code and environment are taken down with the runs; ``AUTOTRACK_CONTEXT=0`` says no."""
    return not _off("AUTOTRACK_CONTEXT")


def context_timeout() -> float:
    """Seconds that this may take, beside the program."""
    return max(0.5, _seconds("AUTOTRACK_CONTEXT_TIMEOUT", 2.0))


def console() -> bool:
    """Whether what a program writes to its terminal is kept; ``AUTOTRACK_CONSOLE=0`` says no."""
    return not _off("AUTOTRACK_CONSOLE")


def system_metrics() -> bool:
    """Whether the load of the machine is measured; ``AUTOTRACK_SYSTEM_METRICS=0`` says no, as does MLflow's own
    ``MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING=false``."""
    return not _off("AUTOTRACK_SYSTEM_METRICS") and not _off("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING")


def system_metrics_interval() -> float:
    """Seconds between two measurements."""
    return max(0.1, _seconds("AUTOTRACK_SYSTEM_METRICS_INTERVAL", 10.0))


@dataclass(frozen=True, slots=True)
class Settings:
    """One consistent set of settings; ``None`` means "the default of whoever asks"."""

    tracking_uri: str | None = None
    experiment: str | None = None
    run_id: str | None = None
    query_timeout: float = 30.0
    """Seconds that a question to a server may take before it is an error."""
    exit_timeout: float = 10.0
    """Seconds that the end of a program waits at most for what is still on its way to a server."""
    wait_for_server: bool = False
    """Whether a run that starts has the id that the server gives it."""

    @classmethod
    def from_environment(cls) -> Settings:
        """Read ``AUTOTRACK_*``, and MLflow's variables where ours are absent."""
        return cls(
            tracking_uri=_environment_uri(),
            experiment=_first("AUTOTRACK_EXPERIMENT", "MLFLOW_EXPERIMENT_NAME"),
            run_id=_first("AUTOTRACK_RUN_ID", "MLFLOW_RUN_ID"),
            query_timeout=_seconds("AUTOTRACK_QUERY_TIMEOUT", 30.0),
            exit_timeout=_seconds("AUTOTRACK_EXIT_TIMEOUT", 10.0),
            wait_for_server=_on("AUTOTRACK_WAIT_FOR_SERVER"),
        )


def _first(*names: str) -> str | None:
    return next((value for name in names if (value := os.environ.get(name))), None)


def _seconds(name: str, default: float) -> float:
    try:
        return float(os.environ.get(name) or default)
    except ValueError:
        guard.warn(name, f"{name}={os.environ[name]!r} is not a number of seconds; {default:g} is used")
        return default


def _environment_uri() -> str | None:
    return os.environ.get("AUTOTRACK_TRACKING_URI") or _mlflow_uri()


def _mlflow_uri() -> str | None:
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if not uri or uri.startswith(("http://", "https://")):
        return uri or None
    guard.warn("MLFLOW_TRACKING_URI", f"MLFLOW_TRACKING_URI={uri} is not a server; the local store is used instead")
    return None


_chosen: dict[str, str | None] = {}


def current() -> Settings:
    """The settings in force now: read afresh, because a program may change its environment."""
    return replace(Settings.from_environment(), **_chosen)  # type: ignore[arg-type]  # str fields only, set below


def tracking_uri() -> str | None:
    """The tracking URI of :func:`current`, for those who ask for nothing else."""
    return _chosen.get("tracking_uri") or _environment_uri()


def choose(**values: str | None) -> None:
    """Set ``tracking_uri``, ``experiment`` or ``run_id`` for this process; ``None`` goes back to the default."""
    for name, value in values.items():
        if value is None:
            _chosen.pop(name, None)
        else:
            _chosen[name] = value


def chosen(name: str) -> str | None:
    """What :func:`choose` has set."""
    return _chosen.get(name)


def forget() -> None:
    """Choose nothing any more, as between two tests."""
    _chosen.clear()


def local_directory(uri: str) -> Path | None:
    """The directory that a tracking URI names, or ``None`` if it names something else.

    A plain path, ``file:DIR`` and ``file:///DIR`` are directories.
    """
    if uri.startswith("file:"):
        from urllib.parse import unquote, urlsplit  # milliseconds, needed for this form alone

        parts = urlsplit(uri)
        if parts.netloc not in ("", "localhost"):
            raise AutotrackException.invalid(
                f"{uri}: a file URI names a directory of this machine, not of {parts.netloc!r}"
            )
        return _absolute(unquote(parts.path))
    if "://" in uri or uri.startswith("memory:") or uri in ("databricks", "databricks-uc"):
        return None
    return _absolute(uri)


def _absolute(path: str) -> Path:
    found = Path(path)
    if path[:1] != os.sep:
        found = found.expanduser().absolute()
    return found.resolve() if ".." in found.parts else found


def journal_store() -> Path:
    """Where what goes to a server is written down first: ``AUTOTRACK_LOCAL_STORE``, else the project's own store."""
    chosen = os.environ.get("AUTOTRACK_LOCAL_STORE")
    return _absolute(chosen) if chosen else default_store()


def default_store() -> Path:
    """``.autotrack`` beside the nearest enclosing ``.git`` or ``.autotrack``, else in the working directory.

    The climb stops at the home directory, at a file-system boundary and at the first directory that the user
    does not own, so that a planted directory further up is never adopted.
    """
    try:
        here = directory = os.getcwd()
    except FileNotFoundError:  # somebody has removed it; the home directory is still there
        return Path.home() / ".autotrack"
    try:
        home, user = os.path.expanduser("~"), os.getuid() if hasattr(os, "getuid") else None
        device = os.stat(here).st_dev
        while True:
            facts = os.stat(directory)
            if facts.st_dev != device or (user is not None and facts.st_uid != user):
                break
            if os.path.isdir(f"{directory}/.autotrack") or os.path.exists(f"{directory}/.git"):
                return Path(directory) / ".autotrack"
            directory, below = os.path.dirname(directory), directory
            if below in (home, directory):
                break
    except OSError:
        pass
    return Path(here) / ".autotrack"
