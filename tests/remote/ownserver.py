"""autotrack's server, in a directory of its own."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import requests
from parts.kept import Kept, free_port, plain_environment

ROOT = Path(__file__).parents[2]


class Own:
    """A server on SQLite and a directory, unless ``options`` say otherwise; started again on what it has left if it is
    killed."""

    def __init__(self, directory: Path, *options: str, **variables: str) -> None:
        self.directory, self._options, self._variables = directory, options, variables
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        """Run it, on what is there of an earlier run."""
        self.kept = Kept("own")
        self.kept.start(
            [sys.executable, "-m", "autotrack", "server", "--host", "127.0.0.1", "--port", str(self.port),
             "--store", f"sqlite:///{self.directory / 'own.db'}", "--artifacts", str(self.directory / "files"),
             *self._options],
            signal.SIGTERM, plain_environment(PYTHONPATH=f"{ROOT}:{ROOT / 'integrations'}", **self._variables),
        )  # fmt: skip
        if not self.kept.wait_until(self._answers):
            raise OSError(f"autotrack's server did not start:\n{self.kept.log()[-4000:]}")

    def restart(self) -> None:
        """Run it again after its death."""
        self.kept.close()
        self.start()

    def close(self) -> None:
        """Stop it."""
        self.kept.close()

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/health", timeout=5).ok
        except requests.ConnectionError:
            return False
