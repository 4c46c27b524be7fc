"""Measure autotrack and its peers side by side: ``python -m benchmarks --help``.

Every measurement is a fresh process, the trackers take turns (A B C D, B C D A, …) and each workload is
repeated, so that a neighbour's load falls on all of them. A full run writes its table into README.md beside
this file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks import trackers, workloads
from benchmarks.table import Table
from benchmarks.workload import SCALE

HERE = Path(__file__).parent
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
TIMEOUT = 1200
FRAMEWORKS = ("scikit-learn", "torch", "xgboost", "lightgbm", "catboost")


@dataclass
class Place:
    """A tracker's directory for this benchmark, and what should lie in its store by now."""

    tracker: str
    directory: Path
    evidence: list[dict[str, Any]] = field(default_factory=list)
    models: int = 0

    def child(self, workload: str, question: Any = None) -> Any:
        """Run one measurement in a process of its own; its answer, or ``None`` and a line if it failed."""
        self.directory.mkdir(exist_ok=True)
        file = self.directory / "answer.json"
        file.write_text(json.dumps(question))
        command = [sys.executable, "-P", "-m", "benchmarks.child", workload, self.tracker, str(file)]
        environment = os.environ | dict(trackers.find(self.tracker).environment)
        environment |= {"PYTHONPATH": str(HERE.parent), "HOME": str(self.directory)}
        environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # a shared core takes turns
        # An installed peer comes compiled; without this a checkout would be compiled anew in every process.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        try:
            done = subprocess.run(
                command,
                cwd=self.directory,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            print(f"  {workload} {self.tracker}: nothing after {TIMEOUT} s", file=sys.stderr)
            return None
        if done.returncode:
            print(f"  {workload} {self.tracker} failed:\n{done.stderr[-2000:]}", file=sys.stderr)
            return None
        return json.loads(file.read_text())


def main() -> None:
    arguments = _arguments()
    installed = [name for name in arguments.trackers if _version(trackers.find(name).distribution)]
    for name in sorted(set(arguments.trackers) - set(installed)):
        print(f"{name} is not installed and left out")
    begin = time.monotonic()
    loads = [os.getloadavg()[0]]
    if loads[0] > 0.5:
        print(f"others are at work on this machine (load {loads[0]:.1f}): small differences will drown")
    table = Table(installed)
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as directory:
        places = [Place(name, Path(directory) / name) for name in installed]
        for place in places:
            _say(begin, f"warm-up of {place.tracker}")
            place.child("warm")
        for turn in range(arguments.repeats):
            for workload in arguments.only:
                for place in places[turn % len(places) :] + places[: turn % len(places)]:
                    _say(begin, f"{turn + 1}/{arguments.repeats} {workload} {place.tracker}")
                    if answer := place.child(workload):
                        table.add(workload, place.tracker, answer["figures"])
                        place.evidence += answer["evidence"]
                        place.models += answer["models"]
            loads.append(os.getloadavg()[0])
        stored = [_stored(place) for place in places]
    minutes = (time.monotonic() - begin) / 60
    machine = f"{_machine(installed)}; {arguments.repeats} processes per figure, {minutes:.0f} minutes in all; "
    machine += f"load {' '.join(f'{load:.1f}' for load in loads)} (before, and after each round; 1 is this run's own)."
    report = "\n".join([machine, "", table.markdown(), "", *stored])
    print(f"\n{report}\n")
    for line in table.missed():
        print(f"missed: {line}")
    if arguments.write:
        _write(report)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure autotrack and its peers on the same work."
    )
    for option, names in (("--only", workloads.names()), ("--trackers", trackers.names())):
        listed = ", ".join(names)
        parser.add_argument(option, nargs="+", choices=names, default=names, metavar="NAME", help=listed)
    parser.add_argument("--repeats", type=int, default=3, help="processes per figure (3)")
    parser.add_argument("--scale", type=float, default=1.0, help="makes the long workloads of scikit-learn smaller (1)")
    parser.add_argument(
        "--write", action=argparse.BooleanOptionalAction, help="the table into README.md; a full run does"
    )
    arguments = parser.parse_args()
    os.environ[SCALE] = str(arguments.scale)  # inherited by the measuring processes
    if arguments.write is None:
        whole = arguments.only == workloads.names() and arguments.trackers == trackers.names()
        arguments.write = whole and arguments.scale == 1
    return arguments


def _stored(place: Place) -> str:
    """Ask a process that wrote nothing what lies in the store."""
    points, name = sum(each["points"] for each in place.evidence), place.tracker
    lines = place.child("store", {"evidence": place.evidence, "models": place.models})
    if lines is None:
        return f"- {name}: the store could not be read back"
    promise = f"a value is {trackers.find(name).persistence} when the call returns"
    found = f"{points:,} points" + (f" and {place.models} models with a signature" if place.models else "")
    if not lines:
        return f"- {name}: {promise}. Read back: {found}, complete"
    return f"- {name}: {promise}. Of {found} **not all were read back**: {'; '.join(lines[:4])}"


def _machine(names: list[str]) -> str:
    distributions = (*(trackers.find(name).distribution for name in names), *FRAMEWORKS)
    versions = [(name, _version(name)) for name in distributions]
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({platform.machine()}), "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}; "
        f"{', '.join(f'{name} {version}' for name, version in versions if version)}"
    )


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _say(begin: float, line: str) -> None:
    print(f"[{time.monotonic() - begin:4.0f} s] {line}", flush=True)


def _write(report: str) -> None:
    readme = HERE / "README.md"
    before, _, rest = readme.read_text().partition(BEGIN)
    readme.write_text(f"{before}{BEGIN}\n{report}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
