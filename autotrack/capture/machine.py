"""What a program runs on: the interpreter, the system, processors, memory and accelerators."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any


def machine(deadline: float) -> dict[str, Any]:
    """Facts of this machine and this interpreter, for JSON; ``deadline`` is one of ``time.monotonic``."""
    return {
        "python": {
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "compiler": platform.python_compiler(),
            "build": list(platform.python_build()),
        },
        "platform": {
            "system": platform.system(),
            "release": platform.release(),
            "machine": platform.machine(),
            "libc": " ".join(platform.libc_ver()).strip(),
            "distribution": _distribution(),
            "container": _container(),
        },
        "cpu": _cpu(),
        "memory": _memory(),
        "gpus": _gpus(deadline),
        "driver": _driver(),
    }


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""


def _container() -> str:
    if os.environ.get("KUBERNETES_SERVICE_HOST"):
        return "kubernetes"
    if Path("/.dockerenv").exists():
        return "docker"
    return "podman" if Path("/run/.containerenv").exists() else ""


def _cpu() -> dict[str, Any]:
    lines = [line.partition(":") for line in _read("/proc/cpuinfo").partition("\n\n")[0].splitlines()]
    fields = {name.strip(): value.strip() for name, _, value in lines}
    affinity = getattr(os, "sched_getaffinity", None)
    return {
        "model": fields.get("model name") or platform.processor(),
        "logical": os.cpu_count(),
        "usable": len(affinity(0)) if affinity else os.cpu_count(),
        "limit": _quota(),
    }


def _quota() -> float | None:
    """Processors that a container may use at a time."""
    allowed, _, period = _read("/sys/fs/cgroup/cpu.max").strip().partition(" ")
    return int(allowed) / int(period) if allowed.isdecimal() and period.isdecimal() and int(period) else None


def _memory() -> dict[str, Any]:
    lines = dict(line.split(":", 1) for line in _read("/proc/meminfo").splitlines() if ":" in line)
    total = lines.get("MemTotal", "").split()
    limit = _read("/sys/fs/cgroup/memory.max").strip()
    return {
        "total": int(total[0]) * 1024 if total else None,
        "limit": int(limit) if limit.isdecimal() else None,
    }


def _driver() -> str:
    first = _read("/proc/driver/nvidia/version").partition("\n")[0].split()
    return next((word for word in first if word[0].isdigit() and "." in word), "")


def _gpus(deadline: float) -> list[dict[str, Any]]:
    """The GPUs that the driver knows; memory only where its own tool answers in time."""
    places = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    if not places:
        return []
    tool, left = shutil.which("nvidia-smi"), deadline - time.monotonic()
    if tool and left > 0:
        query = "--query-gpu=name,uuid,memory.total,driver_version,compute_cap"
        try:
            done = subprocess.run(  # noqa: S603 - NVIDIA's own tool
                [tool, query, "--format=csv,noheader,nounits"],
                capture_output=True,
                text=True,
                timeout=left,
                check=True,
            )
            rows = [[cell.strip() for cell in line.split(",")] for line in done.stdout.splitlines()]
            return [
                {"name": row[0], "uuid": row[1], "memory": int(row[2]) << 20, "driver": row[3], "capability": row[4]}
                for row in rows
            ]
        except (OSError, ValueError, IndexError, subprocess.SubprocessError):
            pass
    return [
        {"name": line.partition(":")[2].strip()}
        for place in places
        for line in _read(str(place)).splitlines()
        if line.startswith("Model:")
    ]


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace")
    except OSError:
        return ""
