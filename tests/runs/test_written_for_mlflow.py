"""``import autotrack as mlflow`` runs code written for MLflow, and its record shows what MLflow would show."""

import inspect
from pathlib import Path
from typing import Any

import mlflow_programs
import mlflow_programs_with_files  # noqa: F401 - adds its own
import mlflow_programs_with_registry  # noqa: F401 - as well
import pytest

import autotrack
from autotrack.client import Client

PROGRAMS = [pytest.param(*each, id=each[0].__name__) for each in mlflow_programs.PROGRAMS]
CLASSIC = [
    "ActiveRun", "Image", "MlflowClient", "MlflowException", "active_run", "artifacts", "autolog", "create_experiment",
    "data", "delete_experiment", "delete_experiment_tag", "delete_run", "delete_tag", "end_run", "entities",
    "exceptions", "flush_artifact_async_logging", "flush_async_logging", "get_artifact_uri", "get_experiment",
    "get_experiment_by_name", "get_logged_model", "get_parent_run", "get_registry_uri", "get_run", "get_tracking_uri",
    "is_tracking_uri_set", "last_active_run", "load_table", "log_artifact", "log_artifacts", "log_dict", "log_figure",
    "log_image", "log_input", "log_inputs", "log_metric", "log_metrics", "log_param", "log_params", "log_stream",
    "log_table", "log_text", "models", "pyfunc", "pytorch", "register_model", "restore_experiment", "restore_run",
    "search_experiments", "search_logged_models", "search_model_versions", "search_registered_models", "search_runs",
    "set_experiment", "set_experiment_tag", "set_experiment_tags", "set_model_version_tag", "set_registry_uri",
    "set_tag", "set_tags", "set_tracking_uri", "sklearn", "start_run", "tracking", "xgboost",
]  # fmt: skip
"""What programs use of MLflow that is about runs, experiments, files and models."""
OWN_VERBS = {
    "approve_model_version", "compare_model_versions", "find_model_versions", "get_last_metrics", "get_model_history",
    "get_model_version_lineage", "promote_by", "promote_model_version", "register", "resolve_model_version",
    "rollback_model_version", "run_columns", "verify_registry",
}  # fmt: skip
"""What only autotrack's client does."""
OTHER_DEFAULTS = {("search_runs", "output_format"), ("download_artifacts", "path")}
"""Where a default is another one: a list where pandas is not installed, and a path that may be left out."""


@pytest.mark.parametrize(("program", "answers"), PROGRAMS)
def test_a_program_written_for_mlflow(program, answers):
    """With another import, it leaves what it leaves there."""
    assert program(autotrack) == answers


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("program", "answers"), PROGRAMS)
def test_what_mlflow_says(program, answers):
    """The answers are MLflow's own."""
    mlflow: Any = pytest.importorskip("mlflow")
    mlflow.set_tracking_uri(f"sqlite:///{Path.cwd()}/mlflow.db")
    mlflow.set_experiment(experiment_id="0")
    try:
        assert program(mlflow) == answers
    finally:
        mlflow.end_run()
        mlflow.set_tracking_uri(None)


@pytest.mark.parametrize("name", CLASSIC)
def test_a_name_of_mlflows_is_there(name):
    """In the module itself, with every argument under its name, in its place and with its default."""
    mlflow: Any = pytest.importorskip("mlflow")
    theirs, ours = getattr(mlflow, name), getattr(autotrack, name)
    if inspect.isfunction(theirs):
        assert missing(theirs, ours) == []


@pytest.mark.parametrize(
    "verb",
    [
        name
        for name, _ in inspect.getmembers(Client, inspect.isfunction)
        if not name.startswith("_") and name not in OWN_VERBS
    ],
)
def test_a_verb_of_the_client_takes_mlflows_arguments(verb):
    """Those that MLflow's client has."""
    theirs = getattr(pytest.importorskip("mlflow").MlflowClient, verb)
    assert missing(theirs, getattr(Client, verb)) == []


def missing(theirs: Any, ours: Any) -> list[str]:
    """The arguments that are not taken as MLflow takes them."""
    known, wanted = inspect.signature(ours).parameters, inspect.signature(theirs).parameters
    places = [name for name in known if name in wanted]
    wrong = [name for name, place in zip(wanted, places, strict=False) if name != place]
    for name, parameter in wanted.items():
        if name not in known:
            wrong.append(f"{name} is missing")
        elif known[name].kind != parameter.kind:
            wrong.append(f"{name} is {known[name].kind.description}")
        elif known[name].default != parameter.default and (theirs.__name__, name) not in OTHER_DEFAULTS:
            wrong.append(f"{name}={known[name].default}")
    return wrong
