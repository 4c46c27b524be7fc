"""Where a version comes from, what has come of a run, and what tells two versions apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from autotrack.client.differences import Compared, side_by_side
from autotrack.client.registry import Registering
from autotrack.client.sources import datasets_of, metrics_of
from autotrack.entities import ModelVersion, Run, ViewType, every
from autotrack.exceptions import AutotrackException
from autotrack.settings import local_directory
from autotrack.store.registry.changes import VersionCreated
from autotrack.store.search.tokens import literal

CODE_TAGS = {
    "program": "mlflow.source.name",
    "commit": "mlflow.source.git.commit",
    "branch": "mlflow.source.git.branch",
}
_FEW = 500


class Lineage(Registering):
    """From a version to its run, code, data and environment, and back."""

    def get_model_version_lineage(self, name: str, version: int | str) -> dict[str, Any]:
        """What a version was made of, as nested dictionaries: ``version``, ``model``, ``run``, ``code``, ``data``,
        ``params``, ``environment`` and ``siblings``, the other versions of the same content."""
        found = self.get_model_version(name, version)
        run = self._run_of(found)
        return {
            "version": found.to_dictionary(),
            "model": self._model_facts(found),
            "run": None if run is None else _run_facts(run),
            "code": {} if run is None else _code(run),
            "data": self._data(found, run),
            "metrics": self._metrics(found, run),
            "params": {} if run is None else dict(run.data.params),
            "environment": self._environment(found),
            "siblings": self._siblings(found),
        }

    def find_model_versions(
        self, *, run_id: str | None = None, model_id: str | None = None, data: str | None = None,
        commit: str | None = None,
    ) -> list[ModelVersion]:  # fmt: skip
        """The versions that come from a run, from a logged model, from data of a digest, or from code of a commit (or
        the beginning of one). Of several, all must fit."""
        if not any((run_id, model_id, data, commit)):
            raise AutotrackException.invalid("name a run, a model, the digest of data, or a commit to start from")
        conditions = [f"run_id = {literal(run_id)}"] if run_id else []
        conditions += [f"model_id = {literal(model_id)}"] if model_id else []
        if data is None and commit is None:
            return list(self.search_model_versions(" AND ".join(conditions), 10_000))
        found: list[ModelVersion] = []
        ids = self._runs(data, commit)
        for at in range(0, len(ids), _FEW):
            among = ", ".join(f"'{one}'" for one in ids[at : at + _FEW])
            found += self.search_model_versions(" AND ".join([*conditions, f"run_id IN ({among})"]), 10_000)
        return found

    def compare_model_versions(self, versions: Sequence[tuple[str, int | str]]) -> Compared:
        """Versions side by side, given as ``(name, version)``: for each of metrics, params, data, environment,
        signature and code, each key with a value for every version (``None`` where it has none), those that differ
        first."""
        if len(versions) < 2:
            raise AutotrackException.invalid("give two versions or more to compare")
        return side_by_side([self._comparable(self.get_model_version(*one)) for one in versions])

    def _comparable(self, version: ModelVersion) -> dict[str, dict[str, Any]]:
        run = self._run_of(version)
        return {
            "metrics": self._metrics(version, run),
            "params": {} if run is None else dict(run.data.params),
            "data": _named(self._data(version, run)),
            "environment": self._environment(version),
            "signature": _schema(version.signature),
            "code": {} if run is None else _code(run),
        }

    def _run_of(self, version: ModelVersion) -> Run | None:
        """A version's run; ``None`` if it has none, or its files are gone."""
        try:
            return self.get_run(version.run_id) if version.run_id else None
        except AutotrackException:
            return None

    def _metrics(self, version: ModelVersion, run: Run | None) -> dict[str, float]:
        if run is None:
            return dict(self._created(version).metrics)
        return metrics_of(self.get_logged_model, run, version.model_id)

    def _data(self, version: ModelVersion, run: Run | None) -> list[dict[str, str]]:
        if run is not None:
            return datasets_of(run)
        return [dict(one) for one in self._created(version).datasets]

    def _created(self, version: ModelVersion) -> VersionCreated:
        """What a version was when it was made, as the registry's log has it."""
        return self.store.registry.created(version.name, version.version)

    def _model_facts(self, version: ModelVersion) -> dict[str, Any] | None:
        try:
            model = self.get_logged_model(version.model_id) if version.model_id else None
        except AutotrackException:
            model = None
        if model is None:
            return None
        names = ("model_id", "name", "artifact_location", "size", "digest")
        return {**{name: getattr(model, name) for name in names}, "flavors": list(model.flavors)}

    def _siblings(self, version: ModelVersion) -> list[str]:
        if not version.digest:
            return []
        same = self.search_model_versions(f"digest = {literal(version.digest)}", 1000, ["name", "version_number"])
        return [one.model_uri for one in same if (one.name, one.version) != (version.name, version.version)]

    def _runs(self, data: str | None, commit: str | None) -> list[str]:
        conditions = [f"dataset.digest = {literal(data)}"] if data else []
        conditions += [f"tags.`{CODE_TAGS['commit']}` LIKE {literal(f'{commit}%')}"] if commit else []
        experiments = every(lambda token: self.search_experiments(ViewType.ALL, page_token=token))
        ids = [one.experiment_id for one in experiments]
        where = " AND ".join(conditions)
        return [
            run.info.run_id
            for run in every(lambda token: self.search_runs(ids, where, ViewType.ALL, 1000, None, token))
        ]

    def _file(self, version: ModelVersion, name: str) -> str:
        """The text of a file of a version, empty where it cannot be read."""
        directory = local_directory(version.location) if version.location else None
        try:
            return "" if directory is None else (directory / name).read_text("utf-8", "replace")
        except OSError:
            return ""

    def _environment(self, version: ModelVersion) -> dict[str, str]:
        """The packages that a model was kept with, by name, and ``python``; empty where its files cannot be read."""
        found: dict[str, str] = {}
        for line in self._file(version, "requirements.txt").splitlines():
            name, equals, number = line.partition(";")[0].partition("==")
            if name.strip() and not line.lstrip().startswith(("#", "-")):
                found[name.strip().lower()] = number.strip() if equals else "any"
        for line in self._file(version, "python_env.yaml").splitlines():  # ours is JSON, MLflow's has no quotes
            name, _, number = line.partition(":")
            if name.strip(' "') == "python":
                found["python"] = number.strip(' ",')
        return found


def _run_facts(run: Run) -> dict[str, Any]:
    names = ("run_id", "run_name", "experiment_id", "status", "lifecycle_stage", "user_id", "start_time", "end_time")
    return {name: getattr(run.info, name) for name in names}


def _code(run: Run) -> dict[str, str]:
    return {name: run.data.tags[tag] for name, tag in CODE_TAGS.items() if tag in run.data.tags}


def _named(datasets: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Digests by role and name; several of one name in a text together."""
    found: dict[str, list[str]] = {}
    for one in datasets:
        found.setdefault(" ".join(filter(None, (one.get("context"), one.get("name")))), []).append(one["digest"])
    return {name: ", ".join(sorted(digests)) for name, digests in found.items()}


def _schema(signature: str) -> dict[str, str]:
    """Each input, output and parameter of a signature with its type."""
    found: dict[str, str] = {}
    try:
        parts = json.loads(signature) if signature else {}
        for part, columns in parts.items():
            for place, one in enumerate(json.loads(columns) if isinstance(columns, str) else columns or ()):
                kind = json.dumps(one.get("tensor-spec")) if "tensor-spec" in one else str(one.get("type"))
                found[f"{part} {one.get('name', place)}"] = kind + ("" if one.get("required", True) else ", optional")
    except (ValueError, AttributeError, TypeError):
        return {"signature": signature}
    return found
