"""A browser's tab, and the server that it looks at."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autotrack.client import Client
from autotrack.entities import Metric

HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
ROOT = Path(__file__).parent.parent.parent


def expect(located: Any) -> Any:
    """Wait until something holds; half a minute at most, as other tests may keep the machine busy."""
    from playwright.sync_api import expect as expected  # where there is no browser these tests are skipped

    expected.set_options(timeout=30_000)
    return expected(located)


@contextmanager
def serve(store: Path, place: Path | None = None) -> Iterator[str]:
    """The address of a server over a local store, started in a directory."""
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "integrations")))
    server = subprocess.Popen(
        [sys.executable, "-m", "autotrack", "ui", str(store), "--port", "0"], cwd=place,
        stderr=subprocess.PIPE, text=True, start_new_session=True, env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip
    assert server.stderr is not None
    line = server.stderr.readline()
    found = re.search(r"at (http://\S+)", line)
    assert found, line
    try:
        yield found[1].rstrip("/")
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        server.stderr.close()


@dataclass
class Site:
    """A server's address, and a client that records where it looks."""

    url: str
    client: Client
    experiment: str
    searches: dict[str, str] = field(default_factory=dict)
    """Runs that searched, by name."""

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
