"""A notebook's code is the cells that were executed, in the order of their execution."""

import os

import pytest
from projects import Project

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")


def test_the_executed_cells_are_kept(project: Project):
    """Also those that failed or were executed before; the secrets in them are not."""
    cells = [
        "import autotrack, time",
        "x = 1\n%time x += 1",
        "1 / 0",
        "password = 'hunter2word'",
        "with autotrack.start_run() as run:\n    context = run.run.files / 'context'\n    while not (context / 'code.json').exists():\n        time.sleep(0.01)",  # noqa: E501 - a cell
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = nbclient.NotebookClient(
        notebook, timeout=60, allow_errors=True, resources={"metadata": {"path": str(project.directory)}}
    )
    with client.setup_kernel(env={**os.environ, "AUTOTRACK_TOLD": "1", "JPY_SESSION_NAME": "study.ipynb"}):
        for number, cell in enumerate(notebook.cells):
            client.execute_cell(cell, number)
    run = project.only()
    assert run.fact("launch.json")["kind"] == "notebook"
    kept = (run.context / "cells.py").read_text()
    expected = [cell.replace("hunter2word", "[redacted]") for cell in cells]
    assert kept.split("# %% ")[1:] == [f"[{number}]\n{cell}\n\n" for number, cell in enumerate(expected[:-1], 1)] + [
        f"[{len(cells)}]\n{cells[-1]}\n"
    ]
