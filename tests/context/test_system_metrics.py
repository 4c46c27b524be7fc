"""What the machine does while a run is open is among its metrics, under MLflow's names."""

import subprocess
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from projects import Project

import autotrack
from autotrack.capture import load
from autotrack.context import detached, observer

psutil = pytest.importorskip("psutil")

MLFLOWS = {
    "cpu_utilization_percentage", "system_memory_usage_megabytes", "system_memory_usage_percentage",
    "disk_usage_percentage", "disk_usage_megabytes", "disk_available_megabytes", "network_receive_megabytes",
    "network_transmit_megabytes",
}  # fmt: skip


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Measurements as fast as they come, and no process beside the program."""
    monkeypatch.setattr(detached, "possible", lambda: False)
    monkeypatch.setattr(observer, "PAUSE", 0.01)
    monkeypatch.setattr(observer, "SHARE", 0)
    monkeypatch.setenv("AUTOTRACK_SYSTEM_METRICS_INTERVAL", "0.1")
    yield
    observer.reset()


def test_load_is_measured(often: None):
    """Again and again, each with its time and its number; a nested run's is the outer one's."""
    client = autotrack.MlflowClient()
    with autotrack.start_run() as run, autotrack.start_run(nested=True) as inner:
        key = "system/cpu_utilization_percentage"
        until = time.monotonic() + 30
        while len(client.get_metric_history(run.info.run_id, key)) < 3:
            assert time.monotonic() < until
            time.sleep(0.02)
    points = client.get_metric_history(run.info.run_id, key)
    assert [point.step for point in points] == list(range(len(points)))
    assert all(0 <= point.value <= 100 for point in points)
    assert points[0].timestamp < points[2].timestamp
    found = set(client.get_run(run.info.run_id).data.metrics)
    assert found >= {load.PREFIX + name for name in MLFLOWS}
    assert found >= {"system/process_cpu_utilization_percentage", "system/process_memory_usage_megabytes"}
    assert not client.get_run(inner.info.run_id).data.metrics


def test_the_program_is_measured_with_its_children():
    """Their number, their memory, and their time, also of those that are over."""
    meter = load.Meter()
    alone = meter.read()
    child = subprocess.Popen([sys.executable, "-c", "print(sum(range(10**6)), flush=True); input()"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    assert child.stdout is not None
    child.stdout.readline()
    both = meter.read()
    assert both["system/process_count"] == alone["system/process_count"] + 1
    assert both["system/process_memory_usage_megabytes"] > alone["system/process_memory_usage_megabytes"]
    assert both["system/process_cpu_utilization_percentage"] > 0
    child.communicate(b"\n")
    assert meter.read()["system/process_count"] == alone["system/process_count"]


def test_what_takes_long_is_done_seldom(monkeypatch: pytest.MonkeyPatch):
    """A measurement is followed by a thousand times as long a pause; a run that ends soon after one gets no other."""
    monkeypatch.setenv("AUTOTRACK_SYSTEM_METRICS_INTERVAL", "0.1")
    measured = []

    class Slow:
        def read(self) -> dict[str, float]:
            measured.append(1)
            end = time.thread_time() + 0.1
            while time.thread_time() < end:
                pass
            return {}

    class Run:
        def metrics(self, values: dict[str, float], step: int) -> None:
            assert step == 0

    monkeypatch.setattr(observer, "Meter", Slow)
    watched = observer._Load()
    run = Run()
    watched.begin(run)  # type: ignore[arg-type]  # one that notes nothing
    watched.look()
    watched._last -= 1
    watched.look()
    watched._last -= 1
    watched.look()
    watched.end(run)  # type: ignore[arg-type]  # as above
    assert len(measured) == 1


def test_a_short_run_has_one_measurement(project: Project):
    """At its end, if it is longer than a second; what it costs is in no proportion to a shorter one."""
    project.write(
        train="import autotrack, time\nwith autotrack.start_run():\n    time.sleep(1.8)\nautotrack.start_run()\n"
    )
    project.run()
    first, second = project.runs()
    assert list(first.directory.glob("metrics-*.bin"))
    assert not list(second.directory.glob("metrics-*.bin"))


@pytest.mark.parametrize("variable", ["AUTOTRACK_SYSTEM_METRICS", "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING"])
def test_load_is_not_measured_where_nobody_wants_it(often: None, monkeypatch: pytest.MonkeyPatch, variable: str):
    """By a variable of ours or of MLflow's."""
    monkeypatch.setenv(variable, "false")
    with autotrack.start_run():
        assert not observer._observer.load._steps


def test_gpus_are_measured_as_mlflow_does(monkeypatch: pytest.MonkeyPatch):
    """By NVIDIA's library: load, memory and power of each, and what the program has of its memory; what one does not
    tell is left out."""
    real = pytest.importorskip("pynvml")

    class Gpus:
        nvmlDeviceGetUtilizationRates = staticmethod(lambda _: SimpleNamespace(gpu=40))  # noqa: N815 - as it is called
        nvmlDeviceGetMemoryInfo = staticmethod(lambda _: SimpleNamespace(used=2e9, total=8e9))  # noqa: N815
        nvmlDeviceGetPowerUsage = staticmethod(lambda at: [150_000, None][at])  # noqa: N815 - the second knows none
        nvmlDeviceGetEnforcedPowerLimit = staticmethod(lambda _: 300_000)  # noqa: N815
        nvmlDeviceGetComputeRunningProcesses = staticmethod(  # noqa: N815
            lambda at: [SimpleNamespace(pid=pid, usedGpuMemory=5e8) for pid in ([7, 8, 9] if at == 0 else [9])]
        )

    assert all(hasattr(real, name) for name in vars(Gpus) if name.startswith("nvml"))
    gpus = load._Gpus()
    gpus._library, gpus._handles = Gpus, [0, 1]  # type: ignore[assignment]  # a stand-in
    assert gpus.read({7, 8}) == {
        "gpu_0_utilization_percentage": 40, "gpu_0_memory_usage_megabytes": 2000, "gpu_0_memory_usage_percentage": 25,
        "gpu_0_power_usage_watts": 150, "gpu_0_power_usage_percentage": 50,
        "gpu_0_process_memory_usage_megabytes": 1000,
        "gpu_1_utilization_percentage": 40, "gpu_1_memory_usage_megabytes": 2000, "gpu_1_memory_usage_percentage": 25,
    }  # fmt: skip
