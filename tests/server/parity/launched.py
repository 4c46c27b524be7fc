"""Servers for a session of tests."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import requests
from parts.kept import Kept, free_port, plain_environment


class Server:
    """A server at the loopback, in a directory of its own, that lives no longer than this process."""

    def __init__(self, name: str, command: Sequence[str], **environment: str) -> None:
        self.kept = Kept(name)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        filled = [part.format(port=port, directory=self.kept.directory) for part in command]
        environment = {name: value.format(directory=self.kept.directory) for name, value in environment.items()}
        paths = [str(path) for path in (Path(__file__).parents[3], Path(__file__).parents[3] / "integrations")]
        try:
            self.kept.start(
                [sys.executable, *filled], signal.SIGTERM,
                plain_environment(PYTHONPATH=":".join(paths), **environment),
            )  # fmt: skip
            if not self.kept.wait_until(self._answers):
                raise OSError(f"{name} did not start:\n{self.kept.log()[-4000:]}")
        except BaseException:
            self.kept.close()
            raise

    def close(self) -> None:
        """Stop it and remove its files."""
        self.kept.close()

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/health", timeout=5).ok
        except requests.ConnectionError:
            return False


def mlflow_server() -> Server:
    """MLflow's own, on SQLite and a directory: its application in one process, as its command starts it, without the
    processes for jobs that the command adds."""
    return Server(
        "mlflow-server",
        ["-W", "ignore", "-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--log-level", "warning",
         "mlflow.server.fastapi_app:app"],
        _MLFLOW_SERVER_FILE_STORE="sqlite:///{directory}/mlflow.db",
        _MLFLOW_SERVER_REGISTRY_STORE="sqlite:///{directory}/mlflow.db",
        _MLFLOW_SERVER_ARTIFACT_DESTINATION="{directory}/artifacts",
        _MLFLOW_SERVER_SERVE_ARTIFACTS="true",
        _MLFLOW_SERVER_ARTIFACT_ROOT="mlflow-artifacts:/",
        MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", HOME="/nonexistent",
    )  # fmt: skip


def autotrack_server(store: str, artifacts: str, **environment: str) -> Server:
    """autotrack's, on a database and a place for artifacts."""
    return Server(
        "autotrack-server",
        ["-m", "autotrack", "server", "--host", "127.0.0.1", "--port", "{port}", "--store", store,
         "--artifacts", artifacts],
        **environment,
    )  # fmt: skip
