"""What the machine does while a program runs: processors, memory, disk, network, GPUs and power, of the whole machine
under MLflow's names, and of the program with its child processes."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

PREFIX = "system/"
_MB = 1e6
_ENERGY = "/sys/class/powercap"


class Meter:
    """Measures load since it was made, or since it was read last. Raises ``ImportError`` without psutil."""

    def __init__(self) -> None:
        import psutil  # optional, and some milliseconds: loaded by a thread of ours

        self._psutil = psutil
        self._program = psutil.Process()
        self._gpus = _Gpus()
        self._network = psutil.net_io_counters()
        self._before = self._counted()

    def read(self) -> dict[str, float]:
        """The values by their keys; what this system does not tell is left out."""
        before, self._before = self._before, self._counted()
        found: dict[str, float] = {}
        for part in (self._machine, self._tree):
            with contextlib.suppress(Exception):  # what a container or a kernel keeps to itself
                found |= part(before, self._before)
        found |= self._gpus.read(set(self._before["pids"]))
        return {PREFIX + key: value for key, value in found.items()}

    def _counted(self) -> dict[str, Any]:
        """Counters that only rise, at this moment."""
        counted: dict[str, Any] = {"time": time.monotonic(), "pids": [], "energy": _energy()}
        with contextlib.suppress(Exception):
            counted["cpu"] = self._psutil.cpu_times()
        with contextlib.suppress(Exception):
            counted["processes"] = processes = [self._program, *_descendants(self._psutil, self._program)]
            counted["pids"] = [process.pid for process in processes]
            counted["busy"] = sum(_each(processes, lambda process: sum(process.cpu_times()[:4])))
        return counted

    def _machine(self, before: dict[str, Any], now: dict[str, Any]) -> dict[str, float]:
        total, idle = sum(now["cpu"]) - sum(before["cpu"]), _idle(now["cpu"]) - _idle(before["cpu"])
        memory, disk = self._psutil.virtual_memory(), self._psutil.disk_usage(os.sep)
        network = self._psutil.net_io_counters()
        seconds, joules = now["time"] - before["time"], (now["energy"] - before["energy"]) / 1e6
        power = {"cpu_power_usage_watts": joules / seconds} if seconds > 0 and joules > 0 else {}
        return {
            "cpu_utilization_percentage": 100 * (1 - idle / total) if total > 0 else 0.0,
            "system_memory_usage_megabytes": memory.used / _MB,
            "system_memory_usage_percentage": memory.percent,
            "disk_usage_percentage": disk.percent,
            "disk_usage_megabytes": disk.used / _MB,
            "disk_available_megabytes": disk.free / _MB,
            "network_receive_megabytes": (network.bytes_recv - self._network.bytes_recv) / _MB,
            "network_transmit_megabytes": (network.bytes_sent - self._network.bytes_sent) / _MB,
            **power,
        }

    def _tree(self, before: dict[str, Any], now: dict[str, Any]) -> dict[str, float]:
        seconds = now["time"] - before["time"]
        found = {
            "process_count": float(len(now["processes"])),
            "process_memory_usage_megabytes": sum(_each(now["processes"], lambda each: each.memory_info().rss)) / _MB,
        }
        if seconds > 0:
            # A process that has ended without being waited for takes its time with it.
            found["process_cpu_utilization_percentage"] = max(0.0, 100 * (now["busy"] - before["busy"]) / seconds)
        with contextlib.suppress(Exception):
            counters = list(_each(now["processes"], lambda each: each.io_counters()))
            found["process_disk_read_megabytes"] = sum(each.read_bytes for each in counters) / _MB
            found["process_disk_write_megabytes"] = sum(each.write_bytes for each in counters) / _MB
        return found


class _Gpus:
    """NVIDIA's GPUs, by its own library, where there is one."""

    def __init__(self) -> None:
        self._library: ModuleType | None = None
        self._handles: list[Any] = []
        if not Path("/proc/driver/nvidia").exists() and os.name == "posix":
            return
        with contextlib.suppress(Exception):
            import pynvml  # pyright: ignore[reportMissingImports]  # optional, and only where the driver is

            pynvml.nvmlInit()
            self._handles = [pynvml.nvmlDeviceGetHandleByIndex(at) for at in range(pynvml.nvmlDeviceGetCount())]
            self._library = pynvml

    def read(self, pids: set[int]) -> dict[str, float]:
        found: dict[str, float] = {}
        for at, handle in enumerate(self._handles):
            for part in (self._load, self._memory, self._power, self._own):
                with contextlib.suppress(Exception):  # what this GPU does not tell
                    found |= {f"gpu_{at}_{key}": value for key, value in part(handle, pids).items()}
        return found

    def _load(self, handle: Any, _pids: set[int]) -> dict[str, float]:
        return {"utilization_percentage": float(self._nvml.nvmlDeviceGetUtilizationRates(handle).gpu)}

    def _memory(self, handle: Any, _pids: set[int]) -> dict[str, float]:
        memory = self._nvml.nvmlDeviceGetMemoryInfo(handle)
        return {
            "memory_usage_megabytes": memory.used / _MB,
            "memory_usage_percentage": 100 * memory.used / memory.total,
        }

    def _power(self, handle: Any, _pids: set[int]) -> dict[str, float]:
        watts = self._nvml.nvmlDeviceGetPowerUsage(handle) / 1000
        limit = self._nvml.nvmlDeviceGetEnforcedPowerLimit(handle) / 1000
        return {"power_usage_watts": watts, "power_usage_percentage": 100 * watts / limit}

    def _own(self, handle: Any, pids: set[int]) -> dict[str, float]:
        used = self._nvml.nvmlDeviceGetComputeRunningProcesses(handle)
        own = [each.usedGpuMemory for each in used if each.pid in pids and each.usedGpuMemory is not None]
        return {"process_memory_usage_megabytes": sum(own) / _MB} if own else {}

    @property
    def _nvml(self) -> Any:
        return self._library


def _idle(times: Any) -> float:
    return float(times.idle + getattr(times, "iowait", 0.0))


def _each(processes: list[Any], ask: Callable[[Any], Any]) -> Iterator[Any]:
    for process in processes:
        with contextlib.suppress(Exception):  # it has ended meanwhile, or is somebody else's
            yield ask(process)


def _descendants(psutil: Any, program: Any) -> list[Any]:
    """The processes below a program. The kernel tells them a thread at a time; to look through all processes of the
    machine takes longer the more there are."""
    if not Path(f"/proc/{program.pid}/task/{program.pid}/children").exists():
        return list(program.children(recursive=True))
    found, waiting = [], [program.pid]
    while waiting:
        for listed in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            with contextlib.suppress(Exception):  # a thread or a process that has ended
                for pid in map(int, listed.read_text().split()):
                    found.append(psutil.Process(pid))
                    waiting.append(pid)
    return found


def _energy() -> int:
    """Microjoules that the processors have used, where that may be read."""
    total = 0
    for zone in Path(_ENERGY).glob("intel-rapl:?"):
        with contextlib.suppress(OSError, ValueError):
            total += int((zone / "energy_uj").read_text())
    return total
