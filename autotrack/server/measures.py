"""What the server counts of its own work, for Prometheus."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the directory where several workers count together."""
_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Measures:
    """Requests by route and status, and how long they took; no name of a client's ends up here."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "autotrack_requests", "Requests answered", ("method", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "autotrack_request_seconds", "Time from a request's head to its answer's end", ("route",),
            buckets=_BOUNDS, registry=self._registry,
        )  # fmt: skip
        self._running = Gauge(
            "autotrack_requests_running", "Requests under way", registry=self._registry, multiprocess_mode="livesum"
        )
        self._points = Counter("autotrack_points", "Metric points received", registry=self._registry)

    def begin(self) -> None:
        """A request has come."""
        self._running.inc()

    def end(self, method: str, route: str, status: int, seconds: float) -> None:
        """It is answered."""
        self._running.dec()
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def points(self, count: int) -> None:
        """Metric points have been recorded."""
        self._points.inc(count)

    def text(self) -> bytes:
        """All of it, of all workers together."""
        registry = self._registry
        if SHARED in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # as the library has it
        return generate_latest(registry)
