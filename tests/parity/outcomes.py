"""A pytest plugin that writes down how each test ended, with ``autotrack.autolog()`` on if asked.

    pytest -p outcomes --outcomes FILE [--autolog STORE] …

The file is JSON: by test its ``outcomes``, the ``reasons`` of those that did not pass, and what it ``warned`` of;
``said`` is what autotrack had to say for itself.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections import defaultdict
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where to write, and whether to record."""
    group = parser.getgroup("parity")
    group.addoption("--outcomes", type=Path, help="a file for the outcomes")
    group.addoption("--autolog", metavar="STORE", help="record, to this store")


def pytest_configure(config: pytest.Config) -> None:
    """Switch recording on before any module of tests is imported."""
    file: Path | None = config.getoption("--outcomes")
    if file is None:
        return
    said = Said()
    store = config.getoption("--autolog")
    if store is not None:
        import autotrack  # only where it is asked for: the other side has never heard of it

        logging.getLogger("autotrack").addHandler(said)
        autotrack.set_tracking_uri(store)
        autotrack.autolog()
        with autotrack.start_run():  # the line that says where the record goes is in no test's output
            pass
    config.pluginmanager.register(Outcomes(file, said))


class Said(logging.Handler):
    """What autotrack has warned of."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line."""
        self.lines.append(record.getMessage())


class Outcomes:
    """How each test ended."""

    def __init__(self, file: Path, said: Said) -> None:
        self._file = file
        self._said = said
        self._outcomes: dict[str, str] = {}
        self._reasons: dict[str, str] = {}
        self._warned: defaultdict[str, list[str]] = defaultdict(list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The outcome of the test itself and of whatever went wrong before or after it."""
        outcome: str = report.outcome
        if report.when != "call" and outcome == "passed":
            return
        if hasattr(report, "wasxfail"):
            outcome = "xfailed" if report.skipped else "xpassed"
        if report.when != "call":
            outcome = f"{outcome} in {report.when}"
        known = self._outcomes.get(report.nodeid)
        self._outcomes[report.nodeid] = outcome if known is None else f"{known}, {outcome}"
        if report.failed or hasattr(report, "wasxfail"):
            crash = getattr(report.longrepr, "reprcrash", None)
            self._reasons[report.nodeid] = str(getattr(crash, "message", report.longrepr))[:2000]

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, nodeid: str) -> None:
        """A warning that a test let through."""
        self._warned[nodeid].append(f"{warning_message.category.__name__}: {warning_message.message}"[:300])

    def pytest_sessionfinish(self) -> None:
        """Write it all down."""
        answer = {
            "outcomes": self._outcomes,
            "reasons": self._reasons,
            "warned": self._warned,
            "said": self._said.lines,
        }
        self._file.write_text(json.dumps(answer, indent=1))
