"""The verbs for a run's files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autotrack import content
from autotrack.client.base import Base
from autotrack.entities import FileInfo
from autotrack.event import ArtifactStored, Tags
from autotrack.exceptions import AutotrackException
from autotrack.store import artifacts


class Files(Base):
    """Artifacts: adding, listing, fetching."""

    def log_artifact(self, run_id: str, local_path: str | Path, artifact_path: str | None = None) -> None:
        """Keep a copy of a file, or of a directory with all below it, under ``artifact_path``."""
        source = Path(local_path)
        # As MLflow has it: a directory keeps its own name, unlike with log_artifacts.
        below = "/".join(filter(None, (artifact_path, source.name))) if source.is_dir() else artifact_path
        self._put_all(run_id, artifacts.files_of(source, below))

    def log_artifacts(self, run_id: str, local_dir: str | Path, artifact_path: str | None = None) -> None:
        """Keep a copy of all files below a directory."""
        if not Path(local_dir).is_dir():
            raise AutotrackException.missing(f"there is no directory {local_dir}")
        self._put_all(run_id, artifacts.files_of(Path(local_dir), artifact_path))

    def log_text(self, run_id: str, text: str, artifact_file: str) -> None:
        """Keep a text as a file."""
        self._put(run_id, artifact_file, text.encode("utf-8", "surrogatepass"))

    def log_dict(self, run_id: str, dictionary: Any, artifact_file: str) -> None:
        """Keep a dictionary or list as a YAML file if the name ends so, else as JSON."""
        self.log_text(run_id, content.document(dictionary, artifact_file), artifact_file)

    def log_figure(
        self, run_id: str, figure: Any, artifact_file: str, *, save_kwargs: Mapping[str, Any] | None = None
    ) -> None:
        """Keep a matplotlib or plotly figure in the format that the name ends in."""
        self._put(run_id, artifact_file, content.figure_bytes(figure, artifact_file, save_kwargs))

    def log_image(
        self, run_id: str, image: Any, artifact_file: str | None = None, key: str | None = None,
        step: int | None = None, timestamp: int | None = None, synchronous: bool | None = None,  # noqa: ARG002 - MLflow's signature
    ) -> None:  # fmt: skip
        """Keep an image, as PIL or numpy holds it, in the format that the name ends in; or with ``key`` as one of a
        series by step."""
        if (artifact_file is None) == (key is None):
            raise AutotrackException.invalid("an image needs a name: give artifact_file or key, and not both")
        path = artifact_file or content.image_path(str(key), step, timestamp)
        self._put(run_id, path, content.image_bytes(image, path))
        if artifact_file is None:
            self._change(run_id, Tags({"mlflow.loggedImages": "True"}))

    def log_stream(self, run_id: str, stream: Any, artifact_file: str) -> None:
        """Keep what a binary stream still holds as a file."""
        self._put(run_id, artifact_file, stream.read())

    def log_table(self, run_id: str, data: Any, artifact_file: str) -> None:
        """Keep rows as a JSON file, after those that the file holds already."""
        place = artifacts.inside(self._root(run_id), artifact_file)
        before = place.read_text("utf-8") if place.exists() else None
        self.log_text(run_id, content.table(data, before), artifact_file)

    def list_artifacts(self, run_id: str, path: str | None = None) -> list[FileInfo]:
        """What lies directly in a directory of the run's files, by default the outermost."""
        self.get_run(run_id)
        return artifacts.listed(self._root(run_id), path)

    def download_artifacts(self, run_id: str, path: str = "", dst_path: str | None = None) -> str:
        """Where a file or directory of the run lies; with ``dst_path``, where a copy below that directory lies."""
        self.get_run(run_id)
        return artifacts.fetched(self._root(run_id), path, dst_path)

    def _root(self, run_id: str) -> Path:
        directory = self.store.directory
        if directory is None:
            raise AutotrackException(
                f"the files of run {run_id} are not in {self.store.context.name} and cannot be reached from here; "
                "use the server that has them",
                "NOT_IMPLEMENTED",
            )
        return directory / "runs" / run_id / "artifacts"

    def _put(self, run_id: str, path: str, data: bytes) -> None:
        self._active(run_id)
        self._change(run_id, ArtifactStored(path, self._stored(run_id, path, data)))

    def _put_all(self, run_id: str, files: list[tuple[Path, str]]) -> None:
        self._active(run_id)
        self._change(run_id, *(ArtifactStored(path, self._stored(run_id, path, file)) for file, path in files))

    def _stored(self, run_id: str, path: str, data: bytes | Path) -> int:
        try:
            return artifacts.put(self._root(run_id), path, data)
        except OSError as error:
            raise AutotrackException(f"{path!r} cannot be kept: {error}") from error
