"""A real notebook: cells that await, fail, are interrupted and are run again, and a kernel that goes away."""

import os
import time
from collections.abc import Iterator

import pytest

from autotrack.client import Client

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
run_sync = pytest.importorskip("jupyter_core.utils").run_sync


class Notebook:
    """A kernel, and its cells one after another."""

    def __init__(self, client) -> None:
        self._client = client

    def __call__(self, source: str) -> str:
        """Run one cell; what it printed, or the name of the exception that it ended with."""
        cell = nbformat.v4.new_code_cell(source)
        self._client.nb.cells.append(cell)
        self._client.execute_cell(cell, len(self._client.nb.cells) - 1)
        return "".join(
            output.get("text") or output.get("ename") or ""
            for output in cell.outputs
            if output.output_type in ("stream", "error")
        ).strip()

    def restart(self) -> None:
        """As the button does."""
        run_sync(self._client.km.restart_kernel)(now=False)

    def interrupt_in(self, seconds: float) -> None:
        """As the button does, while the next cell runs."""
        source = (
            f"import os, signal, threading\nthreading.Timer({seconds}, os.kill, (os.getpid(), signal.SIGINT)).start()"
        )
        assert self(source) == ""


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    """A kernel in which `import autotrack as mlflow` has been run."""
    monkeypatch.setenv("AUTOTRACK_TOLD", "1")
    client = nbclient.NotebookClient(nbformat.v4.new_notebook(), timeout=60, allow_errors=True)
    with client.setup_kernel(env=dict(os.environ)):
        made = Notebook(client)
        assert made("import asyncio\nimport autotrack as mlflow") == ""
        yield made


def states() -> dict[str, str]:
    """The state of each run by its name."""
    client = Client()
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    return {run.info.run_name: run.info.status for run in client.search_runs(ids)}


@pytest.mark.filterwarnings("ignore")  # of the kernel's own client
def test_a_notebook(notebook: Notebook):
    """Cells share the run that is open, however they are run; a second one is refused, as between two lines."""
    name = "print(mlflow.active_run() and mlflow.active_run().run.name)"
    await_ = "await asyncio.sleep(0)\n"

    assert notebook("mlflow.start_run(run_name='plain'); None") == ""
    assert notebook(f"{await_}mlflow.log_metric('a', 1); {name}") == "plain"
    assert notebook("mlflow.start_run()") == "AutotrackException"
    assert notebook(f"{await_}mlflow.start_run()") == "AutotrackException"
    assert notebook(f"{await_}mlflow.end_run()") == ""
    assert notebook(name) == "None"

    assert notebook(f"{await_}mlflow.start_run(run_name='awaiting'); None") == ""
    assert notebook(name) == "awaiting"
    assert notebook("mlflow.start_run()") == "AutotrackException"
    assert notebook(f"{await_}mlflow.start_run()") == "AutotrackException"
    assert notebook(f"with mlflow.start_run(run_name='child', nested=True):\n    {name}") == "child"
    assert notebook(f"mlflow.log_metric('b', 1); {name}; mlflow.end_run(); {name}") == "awaiting\nNone"

    train = "with mlflow.start_run(run_name='{0}'):\n    mlflow.log_metric('c', 1)\n    {1}"
    assert notebook(train.format("failing", "1 / 0")) == "ZeroDivisionError"
    assert notebook(train.format("mended", "pass")) == ""
    notebook.interrupt_in(0.5)
    assert notebook(train.format("interrupted", "import time; time.sleep(20)")) == "KeyboardInterrupt"
    assert notebook(name) == "None"

    jobs = """
async def job(n):
    with mlflow.start_run(run_name=f"job {n}"):
        for step in range(3):
            await asyncio.sleep(0.001)
            mlflow.log_metric("n", n, step=step)
await asyncio.gather(*(job(n) for n in range(3)));
"""
    assert notebook(jobs) == ""
    assert notebook("mlflow.log_metric('d', 1)") == ""
    assert notebook("mlflow.end_run()") == ""
    assert states() == {
        "plain": "FINISHED", "awaiting": "FINISHED", "child": "FINISHED", "failing": "FAILED", "mended": "FINISHED",
        "interrupted": "KILLED", "job 0": "FINISHED", "job 1": "FINISHED", "job 2": "FINISHED", "notebook": "FINISHED",
    }  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("how", ["restarted", "killed"])
def test_a_kernel_that_goes_away_leaves_nothing_running(how: str, notebook: Notebook):
    """Whether it is asked or not."""
    process = int(
        notebook("import os; mlflow.start_run(run_name='open'); mlflow.log_metric('a', 1); print(os.getpid())")
    )
    assert states() == {"open": "RUNNING"}
    if how == "killed":
        os.kill(process, 9)
    else:
        notebook.restart()
    for _ in range(200):
        if states()["open"] != "RUNNING":
            break
        time.sleep(0.05)
    assert states() == {"open": "KILLED" if how == "killed" else "FINISHED"}
