"""A browser's tab, and the server that it looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autotrack.client import Client
from autotrack.entities import Metric

HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>'


@dataclass
class Site:
    """A server's address, and a client that records where it looks."""

    url: str
    client: Client
    experiment: str

    def run(self, name: str, params: dict[str, str], curves: dict[str, list[float]], *, end: bool = True) -> str:
        """A run with these curves, a point a step; its id."""
        run_id = self.client.create_run(self.experiment, run_name=name).info.run_id
        for key, value in params.items():
            self.client.log_param(run_id, key, value)
        points = [Metric(key, value, 1000 + n, n) for key, values in curves.items() for n, value in enumerate(values)]
        self.client.log_batch(run_id, metrics=points)
        if end:
            self.client.set_terminated(run_id)
        return run_id


@dataclass
class Visit:
    """A tab, and what it asked for and complained of."""

    page: Any
    site: Site
    asked: list[str]
    complaints: list[str]

    def to(self, address: str = "/") -> Any:
        """Open a page, and wait until it is there."""
        self.page.goto(f"{self.site.url}{address}")
        return self.ready()

    def ready(self) -> Any:
        """Wait until what was asked for is shown."""
        self.page.wait_for_selector("main[aria-busy=false]")
        return self.page
