"""The verbs of the model registry of a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autotrack.client.moment import milliseconds
from autotrack.client.registry import Registering
from autotrack.client.remote.asking import given as _given
from autotrack.client.remote.questions import RemoteQuestions
from autotrack.entities import ModelVersion, PagedList, RegisteredModel
from autotrack.exceptions import AutotrackException
from autotrack.store.registry.names import checked_name, parse_uri
from autotrack.store.registry.rules import ANY, Expected
from autotrack.store.search.tokens import literal
from autotrack.values import text
from autotrack.wire.messages import MODEL_VERSION, REGISTERED_MODEL
from autotrack.wire.values import pairs

MOST_VERSIONS, MOST_NAMES = 10_000, 1000


class RemoteRegistry(RemoteQuestions, Registering):
    """Registered models, their versions, stages and aliases. ``reason`` is for servers that keep one. MLflow's protocol
    knows no change that depends on what was there: ``expected`` and ``checks`` are for autotrack's servers."""

    def create_registered_model(
        self, name: str, tags: Mapping[str, Any] | None = None, description: str | None = None,
        deployment_job_id: str | None = None, *, reason: str = "",  # noqa: ARG002 - MLflow's signature
    ) -> RegisteredModel:  # fmt: skip
        """Make a name for versions to come; one that is taken is an error."""
        message = {
            "name": checked_name(name),
            "tags": _tags(tags),
            "description": description,
            "reason": reason or None,
        }
        return self._model("POST", "create", message, again=False)

    def rename_registered_model(self, name: str, new_name: str, *, reason: str = "") -> RegisteredModel:
        """Give a model another name; versions and aliases go along."""
        return self._model("POST", "rename", {"name": name, "new_name": new_name, "reason": reason or None})

    def update_registered_model(
        self, name: str, description: str | None = None,
        deployment_job_id: str | None = None, *, reason: str = "",  # noqa: ARG002 - MLflow's signature
    ) -> RegisteredModel:  # fmt: skip
        """Give a model another description."""
        return self._model("PATCH", "update", {"name": name, "description": description, "reason": reason or None})

    def delete_registered_model(self, name: str, *, reason: str = "") -> None:
        """Delete a model with its versions."""
        self._registered_model("DELETE", "delete", {"name": name, "reason": reason or None})

    def get_registered_model(self, name: str) -> RegisteredModel:
        """A registered model; an unknown one is an error."""
        return self._model("GET", "get", {"name": name})

    def search_registered_models(
        self, filter_string: str | None = None, max_results: int = 100, order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[RegisteredModel]:  # fmt: skip
        """One page of the models that match, by name unless ordered otherwise."""
        message = _search(filter_string, min(max_results, MOST_NAMES), order_by, page_token)
        found = self._registered_model("GET", "search", message)
        known = [REGISTERED_MODEL.read(one) for one in found.get("registered_models", ())]
        return PagedList(known, found.get("next_page_token") or None)

    def get_latest_versions(self, name: str, stages: Sequence[str] | None = None) -> list[ModelVersion]:
        """The highest version in each stage, or in each of some stages."""
        found = self._registered_model(
            "POST", "get-latest-versions", {"name": name, "stages": list(stages or ()) or None}
        )
        return [_version(one) for one in found.get("model_versions", ())]

    def set_registered_model_tag(self, name: str, key: str, value: Any) -> None:
        """Set a tag of a model."""
        self._registered_model("POST", "set-tag", {"name": name, "key": key, "value": text(value)})

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """Take a tag off a model, if it has it."""
        self._registered_model("DELETE", "delete-tag", {"name": name, "key": key})

    def set_registered_model_alias(
        self, name: str, alias: str, version: int | str, *, reason: str = "", expected: Expected = ANY,
        checks: Sequence[Mapping[str, Any]] = (),
    ) -> None:  # fmt: skip
        """Have an alias lead to a version."""
        message = {"name": name, "alias": alias, "version": str(version), "reason": reason or None}
        if expected is ANY and not checks:
            self._registered_model("POST", "alias", message)
        else:
            self._own("POST", "model-versions/alias", {**message, **moving(expected, checks)})

    def delete_registered_model_alias(self, name: str, alias: str, *, reason: str = "") -> None:
        """Take an alias away, if the model has it."""
        self._registered_model("DELETE", "alias", {"name": name, "alias": alias, "reason": reason or None})

    def create_model_version(
        self, name: str, source: str, run_id: str | None = None, tags: Mapping[str, Any] | None = None,
        run_link: str | None = None, description: str | None = None,
        await_creation_for: int = 300,  # noqa: ARG002 - MLflow's signature; a version is ready when it exists
        model_id: str | None = None, *, reason: str = "",
    ) -> ModelVersion:  # fmt: skip
        """Make the next version of a model from ``runs:/<run_id>/<name>``, ``models:/<model_id>``, another version, or
        a place that the server knows."""
        message = {
            "name": checked_name(name), "source": source, "run_id": run_id, "tags": _tags(tags), "run_link": run_link,
            "description": description, "model_id": model_id, "reason": reason or None,
        }  # fmt: skip
        found = self._ask("POST", "model-versions/create", _given(message), again=False, files=True)
        return _version(found["model_version"])

    def register(
        self, model_uri: str, name: str, tags: Mapping[str, Any] | None = None, *, reason: str = ""
    ) -> ModelVersion:
        """Make a model the next version of a registered model, which is created if it does not exist."""
        source, run_id, model_id = self._source(str(model_uri))
        self._ensure_registered(name)
        return self.create_model_version(name, source, run_id, tags, model_id=model_id, reason=reason)

    def _source(self, uri: str) -> tuple[str, str | None, str | None]:
        """What a server is told of the model that a URI names: its place, its run and its id."""
        if uri.startswith("runs:/"):
            run_id, _, name = uri.removeprefix("runs:/").strip("/").partition("/")
            run = self.get_run(run_id)
            for output in reversed(run.outputs.model_outputs):
                model = self.get_logged_model(output.model_id)
                if model.name == name:
                    return f"models:/{model.model_id}", run.info.run_id, model.model_id
            return f"{run.info.artifact_uri}/{name}", run.info.run_id, None
        if uri.startswith("models:/"):
            reference = parse_uri(uri)
            if reference.model_id is None:
                version = self.resolve_model_version(uri)
                return version.source or uri, version.run_id, version.model_id
            model = self.get_logged_model(reference.model_id)
            return f"models:/{model.model_id}", model.source_run_id, model.model_id
        return uri, None, None

    def update_model_version(
        self, name: str, version: int | str, description: str | None = None, *, reason: str = ""
    ) -> ModelVersion:
        """Give a version another description."""
        return self._one("PATCH", "update", name, version, description=description, reason=reason or None)

    def transition_model_version_stage(
        self, name: str, version: int | str, stage: str, archive_existing_versions: bool = False, *,
        reason: str = "", expected: Expected = ANY, checks: Sequence[Mapping[str, Any]] = (),
    ) -> ModelVersion:  # fmt: skip
        """Put a version into a stage: None, Staging, Production or Archived."""
        given = {"stage": stage, "archive_existing_versions": archive_existing_versions, "reason": reason or None}
        if expected is ANY and not checks:
            return self._one("POST", "transition-stage", name, version, **given)
        message = {"name": name, "version": str(version), **given, **moving(expected, checks)}
        found = self._own("POST", "model-versions/transition", message)
        return _version(found["model_version"])

    def delete_model_version(self, name: str, version: int | str, *, reason: str = "") -> None:
        """Delete a version and the aliases that lead to it."""
        message = {"name": name, "version": str(version), "reason": reason or None}
        self._ask("DELETE", "model-versions/delete", _given(message))

    def get_model_version(self, name: str, version: int | str) -> ModelVersion:
        """A version; an unknown one is an error."""
        return self._one("GET", "get", name, version)

    def get_model_version_download_uri(self, name: str, version: int | str) -> str:
        """Where the version's files are."""
        message = {"name": name, "version": str(version)}
        return str(self._ask("GET", "model-versions/get-download-uri", message).get("artifact_uri") or "")

    def search_model_versions(
        self, filter_string: str | None = None, max_results: int = MOST_VERSIONS, order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[ModelVersion]:  # fmt: skip
        """One page of the versions that match, those changed last first unless ordered otherwise."""
        message = _search(filter_string, max_results, order_by, page_token)
        found = self._ask("GET", "model-versions/search", message)
        known = [_version(one) for one in found.get("model_versions", ())]
        return PagedList(known, found.get("next_page_token") or None)

    def set_model_version_tag(
        self, name: str, version: int | str | None = None, key: str | None = None, value: Any = None,
        stage: str | None = None,
    ) -> None:  # fmt: skip
        """Set a tag of a version, or of the latest one in a stage."""
        number = self._one_of(name, version, stage)
        message = {"name": name, "version": str(number), "key": str(key or ""), "value": text(value)}
        self._ask("POST", "model-versions/set-tag", message)

    def delete_model_version_tag(
        self, name: str, version: int | str | None = None, key: str | None = None, stage: str | None = None
    ) -> None:
        """Take a tag off a version, or off the latest one in a stage, if it has it."""
        number = self._one_of(name, version, stage)
        message = {"name": name, "version": str(number), "key": str(key or "")}
        self._ask("DELETE", "model-versions/delete-tag", message)

    def resolve_model_version(self, uri: str, at: Any = None) -> ModelVersion:
        """The version that ``models:/<name>/<version>``, ``/<stage>``, ``/latest`` or ``@<alias>`` leads to."""
        reference = parse_uri(uri)
        if at is not None:
            found = self._own("GET", "model-versions/resolve", {"uri": uri, "at": milliseconds(at)})
            return _version(found["model_version"])
        if reference.model_id is not None:
            raise AutotrackException.invalid(
                f"{uri!r} names a logged model and no version of a registered one; get_logged_model() has it"
            )
        name = str(reference.name)
        if reference.alias is not None:
            found = self._registered_model("GET", "alias", {"name": name, "alias": reference.alias})
            return _version(found["model_version"])
        if reference.version is not None:
            return self.get_model_version(name, reference.version)
        stage = reference.stage
        if stage is None:
            there: Sequence[ModelVersion] = self.search_model_versions(
                f"name = {literal(name)}", 1, ["version_number DESC"]
            )
        else:
            there = self.get_latest_versions(name, [stage])
        if not there:
            raise AutotrackException.missing(f"{uri}: {name!r} has no version" + (f" in {stage}" if stage else ""))
        return there[0]

    def _model(self, method: str, verb: str, message: Mapping[str, Any], *, again: bool = True) -> RegisteredModel:
        return REGISTERED_MODEL.read(self._registered_model(method, verb, message, again=again)["registered_model"])

    def _registered_model(
        self, method: str, verb: str, message: Mapping[str, Any], *, again: bool = True
    ) -> dict[str, Any]:
        return self._ask(method, f"registered-models/{verb}", _given(message), again=again)

    def _one(self, method: str, verb: str, name: str, version: int | str, **message: Any) -> ModelVersion:
        given = _given({"name": name, "version": str(version), **message})
        return _version(self._ask(method, f"model-versions/{verb}", given)["model_version"])


def _search(filter_string: str | None, limit: int, order_by: Sequence[str] | None, token: str | None) -> dict[str, Any]:
    return _given(
        {"filter": filter_string or None, "max_results": limit, "order_by": list(order_by or ()), "page_token": token}
    )


def _version(document: Mapping[str, Any]) -> ModelVersion:
    """A version. A server of MLflow's names the logged model only where it says what the version was made from."""
    source = str(document.get("source") or "")
    own = source.removeprefix("models:/") if source.startswith("models:/m-") else None
    return MODEL_VERSION.read({**document, "model_id": document.get("model_id") or own})


def moving(expected: Expected, checks: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """What a move depends on, and what is kept of it; nothing being there is an empty text."""
    before = None if expected is ANY else "" if expected is None else str(expected)
    return {"expected": before, "checks": [dict(one) for one in checks] or None}


def _tags(values: Mapping[str, Any] | None) -> list[dict[str, str]] | None:
    return pairs({str(key): text(value) for key, value in values.items()}) if values else None
