"""Entities in MLflow's JSON: what is written is what MLflow's client reads, and what is read is what was written."""

import json
import math

import pytest

from autotrack.entities import (
    Dataset,
    DatasetInput,
    Experiment,
    InputTag,
    LoggedModel,
    LoggedModelOutput,
    LoggedModelStatus,
    Metric,
    ModelVersion,
    RegisteredModel,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
)
from autotrack.wire import messages
from autotrack.wire.messages import MESSAGES, METRIC, RUN, RUN_INFO

RUN_ENTITY = Run(
    RunInfo("r" * 32, "7", "ada", "FAILED", 1, 9, "active", "mlflow-artifacts:/7/r/artifacts", "swift", "boom"),
    RunData({"loss": 0.5}, {"lr": "1e-3"}, {"owner": "ada"}),
    RunInputs([DatasetInput(Dataset("iris", "ab12"), [InputTag("mlflow.data.context", "train")])]),
    RunOutputs([LoggedModelOutput("m-1", 3)]),
)
MODEL = LoggedModel(
    "7", "m-1", "model", "mlflow-artifacts:/7/models/m-1/artifacts", 1, 2, "classifier", "r" * 32,
    LoggedModelStatus.PENDING, None, {"a": "b"}, {"c": "d"}, [Metric("x", 1.0, 2, 3)], ("sklearn",), "{}", 3, "ab",
)  # fmt: skip
VERSION = ModelVersion("fraud", "1", 1, 2, "", "ada", "None", "models:/m-1", "r", tags={"a": "b"}, aliases=["best"])


def there_and_back(message, entity):
    return message.read(json.loads(json.dumps(message.write(entity), allow_nan=False)))


@pytest.mark.parametrize(
    "entity",
    [
        RUN_ENTITY,
        MODEL,
        VERSION,
        RegisteredModel("fraud", 1, 2, "of cards", [VERSION], {"a": "b"}, {"best": "1"}),
        Experiment("7", "cards", "mlflow-artifacts:/7", "deleted", {"k": "v"}, 1, 2),
    ],
    ids=lambda entity: type(entity).__name__,
)
def test_an_entity_comes_back_as_it_was(entity):
    """All that an entity holds survives its JSON."""
    assert there_and_back(MESSAGES[type(entity).__name__], entity) == entity


@pytest.mark.parametrize("value", [0.1, -math.inf, math.inf, 2**53, 2**60 + 1, -(10**30), 1.7976931348623157e308])
@pytest.mark.parametrize("step", [0, -3, 2**63 - 1, 0.25, math.inf])
def test_a_point_keeps_every_digit(value, step):
    """Also infinities, integers that a double rounds, and steps that are no integers."""
    point = there_and_back(METRIC, Metric("loss", value, 5, step, "m-1", "iris", "ab12"))
    assert (point.value, point.step, point.model_id, point.dataset_name) == (value, step, "m-1", "iris")


def test_not_a_number_is_kept():
    """JSON has no NaN; it travels as a text."""
    assert math.isnan(there_and_back(METRIC, Metric("loss", math.nan, 5)).value)
    assert METRIC.write(Metric("loss", math.nan, 5))["value"] == "NaN"


def test_a_lost_run_has_failed_for_others_and_is_lost_for_us():
    """MLflow's protocol has no such state."""
    info = RunInfo("r" * 32, "7", "ada", "LOST", 1, None, "active")
    document = RUN.write(Run(info))
    assert document["info"]["status"] == "FAILED"
    assert document["data"]["tags"] == [{"key": "autotrack.status", "value": "LOST"}]
    assert RUN.read(document) == Run(info)


def test_fields_that_nobody_knows_are_skipped():
    """Another server may send more."""
    assert RUN_INFO.read({"run_uuid": "a", "experiment_id": "0", "colour": "red"}).run_id == "a"


def test_mlflows_client_reads_what_is_written():
    """Run, logged model, registered model and version, each through MLflow's own parser."""
    from mlflow.entities import LoggedModel as TheirModel
    from mlflow.entities import Run as TheirRun
    from mlflow.entities.model_registry import RegisteredModel as TheirRegistered
    from mlflow.protos import model_registry_pb2, service_pb2
    from mlflow.utils.proto_json_utils import parse_dict

    def parsed(document, proto):
        parse_dict(json.loads(json.dumps(document)), proto)
        return proto

    run = TheirRun.from_proto(parsed(RUN.write(RUN_ENTITY), service_pb2.Run()))
    assert (run.info.status, run.info.run_id, run.info.end_time) == ("FAILED", "r" * 32, 9)
    assert (run.data.metrics, run.data.params, run.data.tags) == ({"loss": 0.5}, {"lr": "1e-3"}, {"owner": "ada"})
    assert run.inputs.dataset_inputs[0].dataset.digest == "ab12"
    assert run.outputs.model_outputs[0].step == 3
    model = TheirModel.from_proto(parsed(messages.LOGGED_MODEL.write(MODEL), service_pb2.LoggedModel()))
    assert (model.model_id, model.status, model.params) == ("m-1", "PENDING", {"c": "d"})
    registered = RegisteredModel("fraud", 1, 2, "of cards", [VERSION], {"a": "b"}, {"best": "1"})
    theirs = TheirRegistered.from_proto(
        parsed(messages.REGISTERED_MODEL.write(registered), model_registry_pb2.RegisteredModel())
    )
    assert (theirs.aliases, theirs.latest_versions[0].source) == ({"best": "1"}, "models:/m-1")
