"""A run's models as requests of MLflow's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from autotrack.event import ModelLogged
from autotrack.sinks.uploads.link import Link
from autotrack.sinks.uploads.names import PARAM_CHARACTERS, REGISTER_TAG, TAG_CHARACTERS, shortened
from autotrack.sinks.uploads.outbox import Receipt
from autotrack.wire.connection import Refused
from autotrack.wire.values import pairs

MODEL_TAG, DIGEST_TAG = "autotrack.model_id", "autotrack.digest"


class Models:
    """The models of one run."""

    def __init__(self, link: Link, receipt: Receipt, keep: Callable[[], None]) -> None:
        self._receipt, self._keep = receipt, keep
        self._call = link.connection.call

    def make(self, event: ModelLogged) -> None:
        """Make a model that the run has logged, unless it is there; its files follow."""
        known = self._receipt.models.setdefault(event.model_id, {})
        if known.get("made") or known.get("legacy"):
            return
        info = known or None
        if "id" not in known:
            info = self._search(event.model_id) if known.get("asked") else None
        if info is None:
            known["asked"] = True
            self._keep()
            try:
                info = self._call("POST", "logged-models", self._creation(event))["model"]["info"]
            except Refused as error:
                if error.status not in (404, 405, 501):
                    raise
                known["legacy"] = True  # a server of MLflow 2: models are files of the run, and a list in a tag
                self._keep()
                return
        if "id" not in known:
            known["id"], known["uri"] = str(info["model_id"]), str(info["artifact_uri"])
            self._keep()
        output = {"model_id": known["id"], "step": event.step}
        self._call("POST", "runs/outputs", {"run_id": self._receipt.run_id, "models": [output]})
        known["made"] = True
        self._keep()

    def _creation(self, event: ModelLogged) -> dict[str, Any]:
        tags = {**event.tags, MODEL_TAG: event.model_id, DIGEST_TAG: event.digest}
        params = {key: shortened(str(value), PARAM_CHARACTERS, "MLmodel") for key, value in event.params.items()}
        return {
            "experiment_id": self._receipt.experiment_id,
            "name": "".join("_" if c in "/:.%\"'" else c for c in event.name),
            "source_run_id": self._receipt.run_id,
            "params": pairs(params),
            "tags": pairs({key: str(value)[:TAG_CHARACTERS] for key, value in tags.items() if value}),
        }

    def _search(self, model_id: str) -> dict[str, Any] | None:
        message = {
            "experiment_ids": [self._receipt.experiment_id],
            "filter": f"tags.`{MODEL_TAG}` = '{model_id}'",
            "max_results": 1,
        }
        models = self._call("POST", "logged-models/search", message).get("models") or []
        return dict(models[0]["info"]) if models else None

    def root(self, event: ModelLogged) -> tuple[str, str]:
        """The artifact root that a model's files go to, and the directory there."""
        known = self._receipt.models.get(event.model_id, {})
        if "uri" in known:
            return known["uri"], ""
        return self._receipt.artifact_uri, event.path

    def stored(self, event: ModelLogged) -> None:
        """Say that a model's files are there."""
        known = self._receipt.models.get(event.model_id, {})
        if model_id := known.get("id"):
            self._call("PATCH", f"logged-models/{model_id}", {"model_id": model_id, "status": "LOGGED_MODEL_READY"})
        elif known.get("legacy"):
            flavors: dict[str, Any] = {flavor: {} for flavor in event.flavors}
            told = {
                "run_id": self._receipt.run_id,
                "artifact_path": event.path,
                "flavors": flavors,
                "model_uuid": event.model_id,
                "utc_time_created": "",
            }
            self._call("POST", "runs/log-model", {"run_id": self._receipt.run_id, "model_json": json.dumps(told)})
        if model_id:
            self.register(event, model_id)

    def register(self, event: ModelLogged, model_id: str) -> None:
        """Make a model that is there the next version of a registered one, if it was logged for that; once."""
        name, known = event.tags.get(REGISTER_TAG), self._receipt.models.setdefault(event.model_id, {})
        if name is None or known.get("registered"):
            return
        if not known.get("versioned"):
            try:
                self._call("POST", "registered-models/create", {"name": name})
            except Refused as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
        elif self._versions(name, model_id):
            known["registered"] = True
            self._keep()
            return
        known["versioned"] = True
        self._keep()
        message = {"name": name, "source": f"models:/{model_id}", "run_id": self._receipt.run_id, "model_id": model_id}
        self._call("POST", "model-versions/create", message)
        known["registered"] = True
        self._keep()

    def _versions(self, name: str, model_id: str) -> bool:
        """Whether a version of a model was made of this one."""
        quoted = name.replace("'", "''")
        message = {"filter": f"name = '{quoted}' AND run_id = '{self._receipt.run_id}'", "max_results": 1000}
        found = self._call("GET", "model-versions/search", message).get("model_versions") or []
        return any(model_id in (one.get("model_id"), one.get("source", "").removeprefix("models:/")) for one in found)
