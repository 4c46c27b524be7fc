"""The client's verbs with the files of runs and models at hand, for questions that are answered out of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from anyio import from_thread

from autotrack.entities import FileInfo, ModelVersion
from autotrack.exceptions import AutotrackException
from autotrack.server import places
from autotrack.server.artifacts import own_path
from autotrack.server.copies import copy
from autotrack.server.service import Service, Verbs


class Reading(Verbs):
    """Verbs whose files come from where the server keeps them. Copies of them lie in a directory that ends with the
    question. For functions that answer a route in a thread of the server's."""

    service: Service
    scratch: Path

    def list_artifacts(self, run_id: str, path: str | None = None) -> list[FileInfo]:
        """What lies directly in a directory of the run's files, by default the outermost."""
        found = from_thread.run(self.service.objects.list, self._key(run_id, path or ""))
        return [FileInfo(f"{path}/{one.name}" if path else one.name, one.is_dir, one.size) for one in found]

    def download_artifacts(self, run_id: str, path: str = "", dst_path: str | None = None) -> str:
        """Where a copy of a file or directory of the run lies."""
        return str(self._copied(self._key(run_id, path), dst_path))

    def _file(self, version: ModelVersion, name: str) -> str:
        """See :class:`~autotrack.client.lineage.Lineage`."""
        try:
            place = own_path(self.get_model_version_download_uri(version.name, version.version), name)
            return self._copied(places.key(place)).read_text("utf-8", "replace")
        except AutotrackException:
            return ""

    def _key(self, run_id: str, path: str) -> str:
        return places.artifact(own_path(str(self.service.run(run_id).info.artifact_uri), path))

    def _copied(self, key: str, below: str | None = None) -> Path:
        target = Path(below or mkdtemp(dir=self.scratch), key.rpartition("/")[2])
        from_thread.run(copy, self.service.objects, key, target)
        return target


@contextmanager
def reading(service: Service) -> Iterator[Reading]:
    """The verbs for one question."""
    with TemporaryDirectory(prefix="autotrack-") as scratch:
        client = Reading.on(service.store)
        client.service, client.scratch = service, Path(scratch)
        yield client
