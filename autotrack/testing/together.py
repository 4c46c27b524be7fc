"""The part of the contract about trainings that go on at the same time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from unittest import SkipTest

from autotrack import current
from autotrack.testing.recorded import Recording
from autotrack.testing.subject import Subject, outline

THREADS = 32
BACKENDS = ("threading", "loky", "multiprocessing")


class Together(Subject):
    """Trainings at the same time leave a complete run each; workers of one training leave none."""

    def test_threads_leave_complete_runs_of_their_own(self) -> None:
        """Thirty-two that begin at once."""

        def start(program: Callable[[], object]) -> None:
            barrier = threading.Barrier(THREADS)

            def work() -> None:
                barrier.wait()
                program()

            threads = [threading.Thread(target=work) for _ in range(THREADS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        self.side_by_side(start, THREADS)

    def test_executors_leave_complete_runs_of_their_own(self) -> None:
        """Threads that are used again do not remember the training before."""

        def start(program: Callable[[], object]) -> None:
            with ThreadPoolExecutor(4) as pool:
                for done in [pool.submit(program) for _ in range(12)]:
                    done.result()

        self.side_by_side(start, 12)

    def test_tasks_leave_complete_runs_of_their_own(self) -> None:
        """asyncio.gather over threads."""

        def start(program: Callable[[], object]) -> None:
            async def main() -> None:
                await asyncio.gather(*(asyncio.to_thread(program) for _ in range(8)))

            asyncio.run(main())

        self.side_by_side(start, 8)

    def test_tasks_record_into_the_runs_that_they_have_started(self) -> None:
        """Each training of interleaved tasks lands in its own task's run."""

        async def job(number: int) -> None:
            with current.start(f"job {number}"):
                await asyncio.sleep(0.001 * (number % 3))
                self.program("workload")()
                await asyncio.sleep(0.001)

        async def main() -> None:
            await asyncio.gather(*(job(number) for number in range(6)))

        with self.recording() as record:
            asyncio.run(main())
            record.finish()
            runs = record.runs
        jobs = [run for run in runs if run.name.startswith("job ")]
        assert len({run.name for run in jobs}) == 6
        assert {run.status for run in runs} == {"FINISHED"}
        series = [sorted(run.steps.items()) for run in jobs]
        assert series == [series[0]] * 6
        assert len(runs) % 6 == 0

    def test_workers_of_one_training_leave_no_run(self) -> None:
        """A training that hands its work to joblib is as many runs as without workers, on every backend."""
        program = self.program("parallel_workload")
        if not find_spec("joblib"):
            raise SkipTest("joblib is not installed")
        parallel = import_module("joblib").parallel_config
        with self.recording() as record:
            program(1)
            record.finish()
            expected = _counts(record)
        for backend in BACKENDS:
            with self.recording() as record, parallel(backend=backend):
                program(2)
                record.finish()
                assert _counts(record) == expected, backend

    def side_by_side(self, start: Callable[[Callable[[], object]], object], times: int) -> None:
        """Whatever has the workload run many times leaves that many times what one of them does."""
        program, failures = self.program("workload"), []

        def attempt() -> None:
            try:
                program()
            except BaseException as error:
                failures.append(error)
                raise

        expected = self.recorded().outlines
        with self.recording() as record:
            start(attempt)
            record.finish()
            found = sorted((outline(run) for run in record.runs), key=repr)
        assert failures == []
        assert found == sorted(expected * times, key=repr)


def _counts(record: Recording) -> list[Any]:
    return sorted((run.status, run.parent is None, len(run.models)) for run in record.runs)
