"""Somebody else's tests run twice at the same time, once as they are and once recorded; where the outcomes differ."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
LOOKS = 3
"""So often a test has to differ: a few of scikit-learn's draw random numbers without a seed."""
OWN_FAULT = "the program itself is unaffected"
"""Ends what autotrack says of a failure that is its own."""
EXPECTED = ("cannot be pickled",)
"""Of these the ones that are the tested model's doing."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of one target."""

    count: int
    differences: list[str]
    """In words, one for each test that ended otherwise."""
    faults: list[str]
    """What autotrack said of failures of its own."""


def compared(targets: Sequence[str], work: Path, *options: str) -> Compared:
    """Run pytest on the targets, as files or with ``--pyargs`` as modules, below the empty directory ``work``."""
    off, on = _both(targets, work / "0", options)
    count, differing = len(off["outcomes"]), list(_differing(off, on))
    for look in range(1, LOOKS):
        if not differing:
            break
        again = [f"{_site_packages()}/{name}" for name in differing]
        off, on = _both(again, work / str(look), ())
        differing = [name for name in _differing(off, on) if name in differing]
    lines = [
        f"{name}: {off['outcomes'].get(name)} without, {on['outcomes'].get(name)} with autolog: {_why(off, on, name)}"
        for name in differing
    ]
    faults = [line for line in on["said"] if line.endswith(OWN_FAULT) and not any(known in line for known in EXPECTED)]
    return Compared(count, lines, faults)


def checked(work: Path) -> Compared:
    """``check_estimator``, with its warnings as such: scikit-learn warns while the checks are collected."""
    return compared([str(HERE / "estimator_checks.py")], work, "-W", "default")


def _both(targets: Sequence[str], work: Path, options: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    started = [_start(targets, work / side, options, recorded=side == "on") for side in ("off", "on")]
    answers = []
    for process, file in started:
        output = process.communicate()[0]
        if not file.exists():
            raise RuntimeError(f"pytest came to no end:\n{output[-4000:]}")
        answers.append(json.loads(file.read_text()))
    return answers[0], answers[1]


def _start(
    targets: Sequence[str], work: Path, options: Sequence[str], *, recorded: bool
) -> tuple[subprocess.Popen[str], Path]:
    work.mkdir(parents=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AUTOTRACK_", "MLFLOW_"))}
    paths = [HERE, ROOT, ROOT / "integrations", environment.get("PYTHONPATH")]
    environment["PYTHONPATH"] = os.pathsep.join(str(path) for path in paths if path)
    environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    file = work / "outcomes.json"
    # A rootdir above scikit-learn, so that a test is called by its whole path.
    command = [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(_site_packages()), "-q", "--tb=line"]
    command += ["-p", "no:cacheprovider", "-p", "outcomes", "--outcomes", str(file), *options]
    if recorded:
        command += ["--autolog", str(work / "store")]
    process = subprocess.Popen(
        [*command, *targets],
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return process, file


def _site_packages() -> Path:
    spec = find_spec("sklearn")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent.parent


def _differing(off: dict[str, Any], on: dict[str, Any]) -> Iterator[str]:
    for name in {**off["outcomes"], **on["outcomes"]}:
        if off["outcomes"].get(name) != on["outcomes"].get(name):
            yield name


def _why(off: dict[str, Any], on: dict[str, Any], name: str) -> str:
    return " ".join(str(on["reasons"].get(name) or off["reasons"].get(name) or "?").split())[:500]
