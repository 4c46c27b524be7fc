"""Which verbs of MLflow's client the comparison covers, and which are none of a tracking server of ours."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from mlflow import MlflowClient

OUTSIDE = {
    r".*_traces?|.*_trace_tag|(start|end)_span|.*_traces_.*|.*_to_trace": "traces",
    r".*prompt.*": "prompts",
    r".*_webhooks?": "webhooks",
    r".*_mcp_.*": "servers of the model context protocol",
    r".*_workspaces?|get_workspace_store_uri": "workspaces",
    r".*_datasets?|.*_dataset_tags?|.*_dataset_(to|from)_experiments": "data sets for evaluating language models",
}
"""Verbs of GenAI and of what this server has not, by what they are about."""


def test_every_verb_is_compared_or_outside():
    """A verb that MLflow adds has to be sorted: into a case of this folder, or among those that are not ours."""
    verbs = {name for name in dir(MlflowClient) if not name.startswith("_") and callable(getattr(MlflowClient, name))}
    outside = {verb for verb in verbs if any(re.fullmatch(pattern, verb) for pattern in OUTSIDE)}
    compared = {name for path in Path(__file__).parent.glob("test_parity_*.py") for name in _attributes(path)}
    assert sorted(verbs - outside - compared) == []
    assert sorted(outside & compared & verbs) == []


def _attributes(path: Path) -> set[str]:
    return {node.attr for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Attribute)}
