"""The public functions, under MLflow's names and signatures.

Logging never waits and never raises for what it is given; questions and set-up say clearly what is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autotrack.active import ActiveRun
from autotrack.content import Image
from autotrack.exceptions import AutotrackException, MlflowException
from autotrack.fluent.analysis import aggregate, best_run, compare, importance, metric_history, trials
from autotrack.fluent.experiments import (
    create_experiment,
    delete_experiment,
    delete_experiment_tag,
    get_experiment,
    get_experiment_by_name,
    restore_experiment,
    search_experiments,
    set_experiment,
    set_experiment_tag,
    set_experiment_tags,
)
from autotrack.fluent.kept import get_logged_model, load_table, search_logged_models
from autotrack.fluent.logging import (
    delete_tag,
    flush_artifact_async_logging,
    flush_async_logging,
    log_artifact,
    log_artifacts,
    log_dict,
    log_figure,
    log_image,
    log_input,
    log_inputs,
    log_metric,
    log_metrics,
    log_param,
    log_params,
    log_stream,
    log_table,
    log_text,
    set_tag,
    set_tags,
)
from autotrack.fluent.recording import (
    autolog,
    disable,
    disable_autologging,
    doctor,
    get_tracking_uri,
    is_tracking_uri_set,
    set_tracking_uri,
)
from autotrack.fluent.registry import (
    get_registry_uri,
    register_model,
    search_model_versions,
    search_registered_models,
    set_model_version_tag,
    set_registry_uri,
)
from autotrack.fluent.runs import (
    active_run,
    delete_run,
    end_run,
    get_artifact_uri,
    get_parent_run,
    get_run,
    last_active_run,
    restore_run,
    search_runs,
    start_run,
)

if TYPE_CHECKING:
    from autotrack.client import Client
    from autotrack.client import Client as MlflowClient

__all__ = [
    "ActiveRun",
    "AutotrackException",
    "Client",
    "Image",
    "MlflowClient",
    "MlflowException",
    "active_run",
    "aggregate",
    "autolog",
    "best_run",
    "compare",
    "create_experiment",
    "delete_experiment",
    "delete_experiment_tag",
    "delete_run",
    "delete_tag",
    "disable",
    "disable_autologging",
    "doctor",
    "end_run",
    "flush_artifact_async_logging",
    "flush_async_logging",
    "get_artifact_uri",
    "get_experiment",
    "get_experiment_by_name",
    "get_logged_model",
    "get_parent_run",
    "get_registry_uri",
    "get_run",
    "get_tracking_uri",
    "importance",
    "is_tracking_uri_set",
    "last_active_run",
    "load_table",
    "log_artifact",
    "log_artifacts",
    "log_dict",
    "log_figure",
    "log_image",
    "log_input",
    "log_inputs",
    "log_metric",
    "log_metrics",
    "log_param",
    "log_params",
    "log_stream",
    "log_table",
    "log_text",
    "metric_history",
    "register_model",
    "restore_experiment",
    "restore_run",
    "search_experiments",
    "search_logged_models",
    "search_model_versions",
    "search_registered_models",
    "search_runs",
    "set_experiment",
    "set_experiment_tag",
    "set_experiment_tags",
    "set_model_version_tag",
    "set_registry_uri",
    "set_tag",
    "set_tags",
    "set_tracking_uri",
    "start_run",
    "trials",
]


def __getattr__(name: str) -> Any:
    if name in ("Client", "MlflowClient"):
        from autotrack.client import Client  # heavy: SQLAlchemy, for those who ask the store

        return Client
    raise AttributeError(name)
