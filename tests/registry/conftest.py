"""A registry in this test's store, and models to put into it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from registries import BUCKET, code_of
from sklearn.linear_model import LogisticRegression

import autotrack as at
from autotrack.client import Client


@pytest.fixture
def client() -> Client:
    """A client of this test's store, where it is by default."""
    return Client()


@pytest.fixture
def version(client: Client) -> Callable[..., str]:
    """Make a version of a model, which is made if need be; give its number."""

    def make(name: str = "m", source: str = BUCKET, **facts: object) -> str:
        assert code_of(lambda: client.create_registered_model(name)) in (None, "RESOURCE_ALREADY_EXISTS")
        return client.create_model_version(name, source, **facts).version  # type: ignore[arg-type]

    return make


@pytest.fixture
def trained(client: Client) -> Callable[..., str]:
    """Train a model in a run of its own, with metrics and data, and register it; give its number."""

    def train(name: str = "m", metrics: dict[str, float] | None = None, data: float = 1.0, columns: int = 2) -> str:
        features = np.arange(8.0 * columns).reshape(8, columns)
        model = LogisticRegression().fit(features, [0, 1] * 4)
        with at.start_run() as run:
            at.log_params({"columns": columns, "same": 1})
            at.log_metrics(metrics or {})
            at.log_input(at.data.from_numpy(np.full(4, data), name="held out"), context="eval")
            signature = at.models.infer_signature(features, model.predict(features))
            info = at.sklearn.log_model(model, name="model", signature=signature)
        assert info.run_id == run.info.run_id
        return client.register(f"runs:/{run.info.run_id}/model", name).version

    return train
