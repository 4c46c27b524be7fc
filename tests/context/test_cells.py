"""A notebook's code is the cells that were executed, in the order of their execution."""

import os
import re

import pytest
from projects import Project

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")


def test_the_executed_cells_are_kept(project: Project):
    """Also those that failed or were executed before, and what a cell prints; the secrets in them are not."""
    cells = [
        "import autotrack, time",
        "x = 1\n%time x += 1",
        "1 / 0",
        "password = 'hunter2word'",
        "!echo https://ada:hunter3word@example.org/simple",
        "%env HF_TOKEN=hf_hunter4wordAbCdEfGhIjKlMnOpQrStUvWxYz",
        "num_memory_tokens, pad_token = 64, '[PAD]'",
        "with autotrack.start_run() as run:\n    context = run.run.files / 'context'\n    while not (context / 'code.json').exists():\n        time.sleep(0.01)\n    print({'password': password}, num_memory_tokens)",  # noqa: E501 - a cell
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
    shown = {
        "hunter2word": "[redacted]",
        "ada:hunter3word": "[redacted]",
        "hf_hunter4wordAbCdEfGhIjKlMnOpQrStUvWxYz": "[redacted]",
    }
    expected = [re.sub("|".join(shown), lambda found: shown[found[0]], cell) for cell in cells]
    assert kept.split("# %% ")[1:] == [f"[{number}]\n{cell}\n\n" for number, cell in enumerate(expected[:-1], 1)] + [
        f"[{len(cells)}]\n{cells[-1]}\n"
    ]
    assert (run.directory / "artifacts" / "console.log").read_text() == "{'password': '[redacted]'} 64\n"
