"""From a version to what made it, and back; and what tells versions apart."""

from __future__ import annotations

import pytest
from registries import BUCKET, refused

from autotrack.client import Client
from autotrack.client.differences import differs


@pytest.fixture
def two(client: Client, trained) -> list[str]:
    """Two versions, trained on other data and with other parameters."""
    return [
        trained(metrics={"accuracy": 0.8, "same": 1.0}),
        trained(metrics={"accuracy": 0.9, "same": 1.0}, data=2.0, columns=3),
    ]


def test_what_a_version_was_made_of(client: Client, two):
    """Its run, code, data, parameters and environment."""
    client.set_tag(client.get_model_version("m", 1).run_id or "", "mlflow.source.git.commit", "abc123")
    found = client.get_model_version_lineage("m", 1)
    version = client.get_model_version("m", 1)
    assert found["version"]["digest"] == found["model"]["digest"] == version.digest
    assert (found["run"]["run_id"], found["run"]["status"]) == (version.run_id, "FINISHED")
    assert found["params"]["columns"] == "2"
    assert found["code"]["commit"] == "abc123"
    ((name, role),) = [(one["name"], one["context"]) for one in found["data"]]
    assert (name, role) == ("held out", "eval")
    assert {"python", "scikit-learn", "numpy"} <= set(found["environment"])
    assert found["siblings"] == []
    client.copy_model_version("models:/m/1", "copy")
    assert client.get_model_version_lineage("m", 1)["siblings"] == ["models:/copy/1"]


def test_what_has_come_of_it(client: Client, two):
    """From a run, a model, data or a commit to the versions."""

    def found(**start: str) -> list[str]:
        return sorted(one.version for one in client.find_model_versions(**start))

    first = client.get_model_version("m", 1)
    data = client.get_model_version_lineage("m", 1)["data"][0]["digest"]
    client.set_tag(first.run_id or "", "mlflow.source.git.commit", "abc123")
    assert found(run_id=first.run_id or "") == ["1"]
    assert found(model_id=first.model_id or "") == ["1"]
    assert found(data=data) == found(data=data, run_id=first.run_id or "") == ["1"]
    assert found(commit="abc") == ["1"]
    assert found(commit="abd") == found(data="none") == []
    client.delete_run(first.run_id or "")
    assert found(data=data) == ["1"]
    with refused(says="name a run"):
        client.find_model_versions()


def test_versions_side_by_side(client: Client, two):
    """What differs comes first."""
    found = client.compare_model_versions([("m", 1), ("m", "2")])
    assert list(found) == ["metrics", "params", "data", "environment", "signature", "code"]
    assert list(found["metrics"].items()) == [("accuracy", [0.8, 0.9]), ("same", [1.0, 1.0])]
    assert list(found["params"].items()) == [("columns", ["2", "3"]), ("same", ["1", "1"])]
    assert [key for key, values in found["data"].items() if differs(values)] == ["eval held out"]
    assert [key for key, values in found["signature"].items() if differs(values)] == ["inputs 0"]
    assert not any(differs(values) for values in found["environment"].values())
    with refused(says="two versions"):
        client.compare_model_versions([("m", 1)])


def test_a_version_that_little_is_known_of(client: Client, version, two):
    """It is compared by what there is."""
    version("other", source=BUCKET)
    found = client.compare_model_versions([("m", 1), ("other", 1)])
    assert found["metrics"] == {"accuracy": [0.8, None], "same": [1.0, None]}
    assert client.get_model_version_lineage("other", 1)["environment"] == {}
