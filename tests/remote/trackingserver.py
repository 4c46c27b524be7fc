"""MLflow's server, and what it holds of a run."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import requests
from parts.kept import Kept, free_port, plain_environment


class Tracking:
    """MLflow's server in a directory of its own: its application in one process, without the command line that starts
    several, which takes three times as long."""

    def __init__(self, directory: Path | None = None, artifact_root: str = "mlflow-artifacts:/") -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._own, self._root = directory, artifact_root
        self.start()

    @property
    def directory(self) -> Path:
        """Where its database and its files lie."""
        return self._own or self.kept.directory

    def start(self) -> None:
        """Run it, on what is there of an earlier run."""
        self.kept = Kept("mlflow")
        store = f"sqlite:///{self.directory / 'mlflow.db'}"
        self.kept.start(
            [sys.executable, "-W", "ignore", "-m", "uvicorn", "--host", "127.0.0.1", "--port", str(self.port),
             "--log-level", "warning", "mlflow.server.fastapi_app:app"],
            signal.SIGTERM,
            plain_environment(
                _MLFLOW_SERVER_FILE_STORE=store, _MLFLOW_SERVER_REGISTRY_STORE=store,
                _MLFLOW_SERVER_ARTIFACT_DESTINATION=str(self.directory / "artifacts"),
                _MLFLOW_SERVER_SERVE_ARTIFACTS="true", _MLFLOW_SERVER_ARTIFACT_ROOT=self._root,
                MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", HOME="/nonexistent",
            ),
        )  # fmt: skip
        if not self.kept.wait_until(self._answers):
            raise OSError(f"MLflow's server did not start:\n{self.kept.log()[-4000:]}")

    def restart(self) -> None:
        """Run it again after its death, on what it has left."""
        self.kept.close()
        self.start()

    def close(self) -> None:
        """Stop it; nothing is left."""
        self.kept.close()

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/health", timeout=5).ok
        except requests.ConnectionError:
            return False

    def post(self, path: str, **message: Any) -> Any:
        """The answer to a message."""
        answer = requests.post(f"{self.url}/api/2.0/mlflow/{path}", json=message, timeout=60)
        assert answer.ok, answer.text
        return answer.json()

    def get(self, path: str, **message: Any) -> Any:
        """The answer to a question."""
        answer = requests.get(f"{self.url}/api/2.0/mlflow/{path}", params=message, timeout=60)
        assert answer.ok, answer.text
        return answer.json()

    def runs(self, experiment: str) -> list[Any]:
        """The runs of an experiment, oldest first."""
        answer = requests.get(
            f"{self.url}/api/2.0/mlflow/experiments/get-by-name", params={"experiment_name": experiment}, timeout=60
        )
        if answer.status_code == 404:
            return []
        found = self.post(
            "runs/search", experiment_ids=[answer.json()["experiment"]["experiment_id"]], max_results=1000,
            run_view_type="ALL", order_by=["attributes.start_time ASC"],
        )  # fmt: skip
        return list(found.get("runs", ()))

    def history(self, run_id: str, key: str) -> list[tuple[int, float]]:
        """Step and value of each point of a metric."""
        found = self.get("metrics/get-history", run_id=run_id, metric_key=key).get("metrics", ())
        return [(one.get("step", 0), float(one["value"])) for one in found]

    def found(self, run: Any, path: str) -> bytes | None:
        """A file of a run or a model, if it is there."""
        root = run["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")
        answer = requests.get(f"{self.url}/api/2.0/mlflow-artifacts/artifacts/{root}/{path}", timeout=60)
        assert answer.ok or answer.status_code == 404, answer.text
        return answer.content if answer.ok else None

    def file(self, run: Any, path: str) -> bytes:
        """A file of a run or a model, which must be there."""
        content = self.found(run, path)
        assert content is not None, path
        return content


def tags_of(run: Any) -> dict[str, str]:
    """A run's tags."""
    return {one["key"]: one["value"] for one in run["data"].get("tags", ())}


def params_of(run: Any) -> dict[str, str]:
    """A run's parameters."""
    return {one["key"]: one["value"] for one in run["data"].get("params", ())}
