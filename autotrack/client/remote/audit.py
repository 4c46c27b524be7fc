"""The verbs for the registry's log of a server, for what follows from it, and for where a version comes from."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from autotrack.client.answers import PROMOTION, VERDICT
from autotrack.client.judging import policies_text
from autotrack.client.lineage import Lineage
from autotrack.client.promotion import Promotion
from autotrack.client.remote.registry import RemoteRegistry, moving
from autotrack.entities import ModelVersion, RegistryChange
from autotrack.exceptions import AutotrackException
from autotrack.store.registry.chain import Verdict
from autotrack.store.registry.changes import VersionCreated
from autotrack.store.registry.policy import parse
from autotrack.store.registry.rules import ANY, Expected
from autotrack.wire.messages import REGISTRY_CHANGE
from autotrack.wire.roots import root


class RemoteAudit(RemoteRegistry, Lineage):
    """Promotions, approvals and history, which autotrack's servers have, and lineage, which follows from the answers of
    any."""

    def promote_model_version(
        self, name: str, version: int | str, to: str, *, reason: str = "", policies: str | Path | None = None,
        keep_others: bool = False, only_check: bool = False, expected: Expected = ANY,
    ) -> Promotion:  # fmt: skip
        """Put a version into a stage, or with ``@`` in front have an alias lead to it, if it meets the policies: those
        of the file, by default of this project's, and those that the server has."""
        written, file = policies_text(policies)
        parse(written, str(file))  # what is wrong with it is told before anybody is asked
        message = {
            "name": name, "version": str(version), "to": to, "reason": reason, "policies": written,
            "origin": None if file is None else str(file), "keep_others": keep_others, "only_check": only_check,
            **moving(expected),
        }  # fmt: skip
        return PROMOTION.read(self._own("POST", "model-versions/promote", message)["promotion"])

    def rollback_model_version(self, name: str, to: str, *, reason: str = "", expected: Expected = ANY) -> Promotion:
        """Put the version back that was in a stage, or that an alias led to, before the present one."""
        message = {"name": name, "to": to, "reason": reason, **moving(expected)}
        return PROMOTION.read(self._own("POST", "model-versions/rollback", message)["promotion"])

    def approve_model_version(self, name: str, version: int | str, *, to: str = "", reason: str = "") -> RegistryChange:
        """Say in one's own name that a version may go to a stage or alias, or anywhere."""
        message = {"name": name, "version": str(version), "to": to, "reason": reason}
        return REGISTRY_CHANGE.read(self._own("POST", "model-versions/approve", message)["change"])

    def get_model_history(self, name: str) -> list[RegistryChange]:
        """All that was ever done to what has or had a name, in order."""
        found = self._own("GET", "registry/history", {"name": name})
        return [REGISTRY_CHANGE.read(one) for one in found.get("changes", ())]

    def verify_registry(self, head: str | None = None) -> Verdict:
        """Have the server read the registry's whole log again."""
        return VERDICT.read(self._own("GET", "registry/verify", {"head": head or None})["verdict"])

    def _created(self, version: ModelVersion) -> VersionCreated:
        made: dict[str, Any] = {}
        with suppress(AutotrackException):  # a server that keeps no log
            for one in self.get_model_history(version.name):
                if (one.kind, one.version) == (VersionCreated.kind, version.version):
                    made = {"metrics": one.metrics}
        return VersionCreated(version.name, int(version.version), **made)

    def _file(self, version: ModelVersion, name: str) -> str:
        place = self.get_model_version_download_uri(version.name, version.version)
        with tempfile.TemporaryDirectory(prefix="autotrack-") as directory, suppress(AutotrackException):
            target = Path(directory, name)
            root(place, self._connection).fetch(name, target)
            return target.read_text("utf-8", "replace")
        return ""
