"""MLflow on the store that it chooses by default: SQLite in the working directory."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

from benchmarks.tracker import LogMany, LogOne, Tracker


class Mlflow(Tracker):
    distribution = "mlflow"
    module = "mlflow"
    environment: ClassVar[Mapping[str, str]] = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "GIT_PYTHON_REFRESH": "quiet",
    }
    persistence = "committed to SQLite"

    def open(self) -> str:
        return str(self.api.start_run().info.run_id)

    def close(self) -> None:
        self.api.end_run()

    def logger(self) -> LogOne:
        log = self.api.log_metric
        run = self.api.active_run().info.run_id  # its active run is the thread's, so other threads name it
        return lambda key, value, step: log(key, value, step=step, run_id=run)

    def batch_logger(self) -> LogMany:
        log: LogMany = self.api.log_metrics
        return log

    @classmethod
    def server(cls, store: str, files: str, port: int) -> tuple[list[str], dict[str, str]] | None:
        # The application in one process, as `mlflow server` starts it, without the processes for jobs beside it.
        store = store.replace("postgresql://", "postgresql+psycopg://")
        return ["-W", "ignore", "-m", "uvicorn", "--host", "127.0.0.1", "--port", str(port), "--log-level", "warning",
                "mlflow.server.fastapi_app:app"], {
            "_MLFLOW_SERVER_FILE_STORE": store, "_MLFLOW_SERVER_REGISTRY_STORE": store,
            "_MLFLOW_SERVER_ARTIFACT_DESTINATION": files, "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
            "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/", **cls.environment,
        }  # fmt: skip

    def points(self, run: str, key: str) -> int:
        return len(self.api.MlflowClient().get_metric_history(run, key))

    def autolog(self, framework: str | None = None) -> bool:
        self._flavor(framework).autolog()
        return True

    def disable(self, framework: str | None = None) -> None:
        self._flavor(framework).autolog(disable=True)

    def _flavor(self, framework: str | None) -> Any:
        return self.api if framework is None else import_module(f"mlflow.{framework}")

    def latest(self) -> str:
        runs = self.api.search_runs(order_by=["start_time DESC"], max_results=1, output_format="list")
        return str(runs[0].info.run_id)


TRACKER = Mlflow
