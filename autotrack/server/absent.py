"""What MLflow's protocol has and this server does not."""

from __future__ import annotations

import re

from autotrack.exceptions import AutotrackException

_ABSENT = {
    r"mlflow/(traces(/.*)?|unified-traces|get-trace-artifact|get-online-trace-details)": "traces",
    r"mlflow/logged-models/.*traces.*": "traces",
    r"v1/traces": "traces",
    r"mlflow/(assessments|scorers?|genai|issues|label-schemas|review-queues)(/.*)?": "assessments and their queues",
    r"mlflow/datasets(/.*)?": "evaluation data sets",
    r"mlflow/(prompts|prompt-optimization|optimize|runs/create-promptlab-run)(/.*)?": "prompts",
    r"mlflow/(gateway|gateway-proxy|endpoints|secrets)(/.*)?": "gateways to language models",
    r"mlflow/workspaces(/.*)?": "workspaces",
    r"mlflow/webhooks(/.*)?": "webhooks",
    r"mlflow/jobs(/.*)?": "jobs",
    r"mlflow/artifacts/presigned-(up|down)load-url": "URLs that are signed by a run's id",
    r"mlflow/(users|permissions)(/.*)?": "users and their rights",
    r"graphql": "GraphQL",
}
_PREFIX = re.compile(r"/(ajax-)?(api/)?\d\.0/|/(ajax-)?api/|/")


def unknown(path: str) -> AutotrackException:
    """The error for a path that no route has."""
    rest = _PREFIX.sub("", path, count=1)
    for pattern, what in _ABSENT.items():
        if re.fullmatch(pattern, rest):
            return AutotrackException(f"autotrack's server does not support {what}", "ENDPOINT_NOT_FOUND")
    return AutotrackException(
        "this server has no such endpoint; /openapi.json lists those it has", "ENDPOINT_NOT_FOUND"
    )
