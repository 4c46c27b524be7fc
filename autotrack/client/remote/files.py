"""The verbs for a run's files on a server."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from autotrack import content
from autotrack.client.remote.questions import RemoteQuestions
from autotrack.entities import FileInfo
from autotrack.exceptions import AutotrackException
from autotrack.files import relative
from autotrack.settings import current
from autotrack.wire.connection import Refused, patiently
from autotrack.wire.roots import Root, listed_by_run, root


class RemoteFiles(RemoteQuestions):
    """Artifacts: adding, listing, fetching."""

    def log_table(self, run_id: str, data: Any, artifact_file: str) -> None:
        """Keep rows as a JSON file, after those that the file holds already."""
        before: str | None
        try:
            before = Path(self.download_artifacts(run_id, artifact_file)).read_text("utf-8")
        except AutotrackException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            before = None
        self._put(run_id, artifact_file, content.table(data, before).encode())

    def list_artifacts(self, run_id: str, path: str | None = None) -> list[FileInfo]:
        """What lies directly in a directory of the run's files, by default the outermost."""
        inside = relative(path) if path else ""

        def ask(known: str) -> list[FileInfo]:
            self._flush(current().query_timeout, run_id, files=True)
            return patiently(lambda _: listed_by_run(self._connection, known, inside), current().query_timeout)

        return self._on_run(run_id, ask)

    def download_artifacts(self, run_id: str, path: str = "", dst_path: str | None = None) -> str:
        """Fetch a file or directory of the run, to below ``dst_path`` or to a temporary directory; where it lies."""
        inside = relative(path) if path else ""
        self._flush(current().query_timeout, run_id, files=True)
        run = self.get_run(run_id)
        to = Path(dst_path or tempfile.mkdtemp(prefix="autotrack-")).absolute()
        return str(self._fetch(root(run.info.artifact_uri or "", self._connection), inside, to))

    def download_root(self, uri: str, to: Path) -> Path:
        """Fetch all that lies at an artifact root to a directory."""
        return self._fetch(root(uri, self._connection), "", to)

    def _fetch(self, place: Root, path: str, to: Path) -> Path:
        seconds = current().query_timeout
        inside = patiently(lambda _: place.list(path), seconds)
        if path and not inside:
            target = to / path
            try:
                patiently(lambda _: place.fetch(path, target), seconds)
            except Refused as error:
                if error.status not in (400, 404):
                    raise
                raise AutotrackException.missing(
                    f"there is no file {path!r}; list_artifacts() names those that there are"
                ) from None
            return target
        for one in inside:
            if Path(one.path).is_absolute() or ".." in Path(one.path).parts:
                raise AutotrackException.invalid(f"{self.tracking_uri} lists a file that leads elsewhere: {one.path!r}")
            if one.is_dir:
                self._fetch(place, one.path, to)
            else:
                patiently(lambda _, name=one.path: place.fetch(name, to / name), seconds)  # type: ignore[misc]
        return to / path if path else to

    def _put(self, run_id: str, path: str, data: bytes) -> None:
        inside = relative(path)
        handle, name = tempfile.mkstemp(prefix="autotrack-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            self._put_all(run_id, [(Path(name), inside)])
        finally:
            Path(name).unlink(missing_ok=True)

    def _put_all(self, run_id: str, files: list[tuple[Path, str]]) -> None:
        run = self.get_run(run_id)
        place = root(run.info.artifact_uri or "", self._connection)
        for file, path in files:
            inside = relative(path)
            patiently(lambda _, at=inside, source=file: place.put(at, source), current().query_timeout)  # type: ignore[misc]
