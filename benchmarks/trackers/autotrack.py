"""autotrack on its local store."""

from __future__ import annotations

from benchmarks.tracker import LogMany, LogOne, Tracker


class Autotrack(Tracker):
    distribution = "autotrack-ml"
    module = "autotrack"
    persistence = "in the kernel (one write per call): survives `kill -9`"

    def open(self) -> str:
        return str(self.api.start_run().info.run_id)

    def close(self) -> None:
        self.api.end_run()

    def logger(self) -> LogOne:
        log: LogOne = self.api.log_metric
        return log

    def batch_logger(self) -> LogMany:
        log: LogMany = self.api.log_metrics
        return log

    @classmethod
    def server(cls, store: str, files: str, port: int) -> tuple[list[str], dict[str, str]] | None:
        return ["-m", "autotrack", "server", "--port", str(port), "--store", store, "--artifacts", files], {}

    def points(self, run: str, key: str) -> int:
        return len(self.api.MlflowClient().get_metric_history(run, key))

    def autolog(self, framework: str | None = None) -> bool:  # noqa: ARG002 - one line does for all
        self.api.autolog()
        return True

    def disable(self, framework: str | None = None) -> None:  # noqa: ARG002 - one line does for all
        self.api.disable()

    def latest(self) -> str:
        runs = self.api.search_runs(order_by=["start_time DESC"], max_results=1, output_format="list")
        return str(runs[0].info.run_id)


TRACKER = Autotrack
