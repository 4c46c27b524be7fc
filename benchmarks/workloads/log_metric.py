"""One value after the other into an open run, from one thread and from eight."""

from __future__ import annotations

import threading
import time

from benchmarks.tracker import LogOne, Tracker
from benchmarks.workload import Evidence, Measured, Row, quantile

CALLS, WARM = 2000, 20
THREADS, SECONDS = 8, 0.5
ROWS = (
    Row("p50", "one call, p50", limit=5e-6, times={"mlflow": 500, "wandb": 10, "trackio": 1.5}),
    Row("p99", "one call, p99"),
    Row("stored", "per value until the run has ended and everything is stored"),
    Row("threads", f"per value from {THREADS} threads ({SECONDS:g} s of logging)"),
    Row("threads_stored", "… until everything is stored"),
)


def measure(tracker: type[Tracker]) -> Measured:
    """Time each call of one thread; then let eight log for a while, and divide by what they got through.

    The clock itself, some 50 ns, is in each call's figure.
    """
    used = tracker()
    measured = Measured()

    run = used.open()
    log = used.logger()
    for step in range(WARM):
        log("loss", 0.5, step)
    taken = _calls(log)
    begin = time.perf_counter()
    used.close()
    closing = time.perf_counter() - begin
    measured.figures |= {"p50": quantile(taken, 0.5) / 1e9, "p99": quantile(taken, 0.99) / 1e9}
    measured.figures["stored"] = (sum(taken) / 1e9 + closing) / CALLS
    measured.evidence.append(Evidence(run, "loss", WARM + CALLS))

    run = used.open()
    begin = time.perf_counter()
    counts = _threads(used.logger())
    logged = time.perf_counter() - begin
    used.close()
    stored = time.perf_counter() - begin
    measured.figures |= {"threads": logged / sum(counts), "threads_stored": stored / sum(counts)}
    measured.evidence += [Evidence(run, f"loss/{number}", count) for number, count in enumerate(counts)]
    return measured


def _calls(log: LogOne) -> list[int]:
    """Nanoseconds of each call."""
    clock, taken = time.perf_counter_ns, []
    for step in range(WARM, WARM + CALLS):
        value = 1 / (1 + step)
        begin = clock()
        log("loss", value, step)
        taken.append(clock() - begin)
    return taken


def _threads(log: LogOne) -> list[int]:
    """Log from several threads at once, each its own series; how many values each got through."""
    counts = [0] * THREADS
    ready = threading.Barrier(THREADS)

    def work(number: int) -> None:
        key, count = f"loss/{number}", 0
        ready.wait()
        until = time.perf_counter() + SECONDS
        while time.perf_counter() < until:
            log(key, 1 / (1 + count), None)
            count += 1
        counts[number] = count

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counts
