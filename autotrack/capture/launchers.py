"""Who has started a program: schedulers, orchestrators and test runners, known by the variables that they set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Launcher(NamedTuple):
    """What gives a launcher away, and which of its variables say what it calls this execution."""

    sign: str
    ids: Mapping[str, str]
    """Variables, by the ends of the tags that they become."""


LAUNCHERS = {
    "airflow": Launcher(
        "AIRFLOW_CTX_DAG_ID",
        {
            "dag_id": "AIRFLOW_CTX_DAG_ID",
            "task_id": "AIRFLOW_CTX_TASK_ID",
            "run_id": "AIRFLOW_CTX_DAG_RUN_ID",
            "try_number": "AIRFLOW_CTX_TRY_NUMBER",
            "logical_date": "AIRFLOW_CTX_EXECUTION_DATE",
        },
    ),
    "github": Launcher(
        "GITHUB_ACTIONS",
        {
            "repository": "GITHUB_REPOSITORY",
            "workflow": "GITHUB_WORKFLOW",
            "job": "GITHUB_JOB",
            "run_id": "GITHUB_RUN_ID",
            "run_attempt": "GITHUB_RUN_ATTEMPT",
            "ref": "GITHUB_REF",
        },
    ),
    "gitlab": Launcher(
        "GITLAB_CI",
        {
            "project": "CI_PROJECT_PATH",
            "pipeline_id": "CI_PIPELINE_ID",
            "job_id": "CI_JOB_ID",
            "job_name": "CI_JOB_NAME",
            "job_url": "CI_JOB_URL",
        },
    ),
    "jenkins": Launcher(
        "JENKINS_URL", {"job_name": "JOB_NAME", "build_number": "BUILD_NUMBER", "build_url": "BUILD_URL"}
    ),
    "kubernetes": Launcher("KUBERNETES_SERVICE_HOST", {"pod": "HOSTNAME", "namespace": "POD_NAMESPACE"}),
    "pytest": Launcher("PYTEST_CURRENT_TEST", {"test": "PYTEST_CURRENT_TEST"}),
    "ray": Launcher("RAY_JOB_ID", {"job_id": "RAY_JOB_ID"}),
    "slurm": Launcher(
        "SLURM_JOB_ID",
        {
            "job_id": "SLURM_JOB_ID",
            "job_name": "SLURM_JOB_NAME",
            "array_job_id": "SLURM_ARRAY_JOB_ID",
            "array_task_id": "SLURM_ARRAY_TASK_ID",
            "cluster": "SLURM_CLUSTER_NAME",
            "restart_count": "SLURM_RESTART_COUNT",
        },
    ),
    "torchrun": Launcher(
        "TORCHELASTIC_RUN_ID",
        {
            "run_id": "TORCHELASTIC_RUN_ID",
            "restart_count": "TORCHELASTIC_RESTART_COUNT",
            "world_size": "WORLD_SIZE",
        },
    ),
}


def launchers(environment: Mapping[str, str]) -> dict[str, str]:
    """Tags that name who has started the program, ``autotrack.launcher``, and what it is called there,
    ``autotrack.<launcher>.<id>``; none where nobody is recognised."""
    names = [name for name, launcher in LAUNCHERS.items() if environment.get(launcher.sign)]
    if not names:
        return {}
    tags = {"autotrack.launcher": ",".join(names)}
    for name in names:
        for end, variable in LAUNCHERS[name].ids.items():
            if value := environment.get(variable):
                tags[f"autotrack.{name}.{end}"] = value
    return tags
