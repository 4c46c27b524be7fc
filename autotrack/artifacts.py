"""MLflow's names for the files of runs: fetching, listing and reading them.

A place among them is ``runs:/<run_id>/<path>``, or what ``get_artifact_uri`` answers with.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from autotrack.client import Client
from autotrack.entities import FileInfo
from autotrack.exceptions import AutotrackException
from autotrack.settings import local_directory

__all__ = ["download_artifacts", "list_artifacts", "load_dict", "load_image", "load_text"]


def download_artifacts(
    artifact_uri: str | None = None,
    run_id: str | None = None,
    artifact_path: str | None = None,
    dst_path: str | None = None,
    tracking_uri: str | None = None,
    registry_uri: str | None = None,  # noqa: ARG001 - MLflow's name
) -> str:
    """Where a file or directory lies, named by URI or by run and path; with ``dst_path``, where a copy below that
    directory lies. A store of this machine is not copied unless a copy is asked for."""
    client = Client(tracking_uri)
    run_id, path = _place(client, artifact_uri, run_id, artifact_path)
    return client.download_artifacts(run_id, path, dst_path)


def list_artifacts(
    artifact_uri: str | None = None,
    run_id: str | None = None,
    artifact_path: str | None = None,
    tracking_uri: str | None = None,
) -> list[FileInfo]:
    """What lies directly in a directory, named by URI or by run and path."""
    client = Client(tracking_uri)
    run_id, path = _place(client, artifact_uri, run_id, artifact_path)
    return client.list_artifacts(run_id, path or None)


def load_text(artifact_uri: str) -> str:
    """The text of a file."""
    return Path(download_artifacts(artifact_uri)).read_text("utf-8")


def load_dict(artifact_uri: str) -> Any:
    """The content of a JSON file."""
    return json.loads(load_text(artifact_uri))


def load_image(artifact_uri: str) -> Any:
    """An image file, as PIL holds it."""
    import PIL.Image  # heavy, and only there if the program deals in images

    return PIL.Image.open(download_artifacts(artifact_uri))


def _place(client: Client, uri: str | None, run_id: str | None, path: str | None) -> tuple[str, str]:
    if (uri is None) == (run_id is None):
        raise AutotrackException.invalid("name what is meant by artifact_uri, or by run_id and artifact_path")
    if uri is None:
        return str(run_id), path or ""
    if path is not None:
        raise AutotrackException.invalid("artifact_path goes with run_id; an artifact_uri names the file itself")
    text = str(uri)
    if text.startswith("runs:/"):
        run_id, _, path = text.removeprefix("runs:/").strip("/").partition("/")
        return run_id, path
    directory, root = local_directory(text), client.store.directory
    parts: tuple[str, ...] = ()
    if directory is not None and root is not None and directory.is_relative_to(root):
        parts = directory.relative_to(root).parts
    if len(parts) < 3 or (parts[0], parts[2]) != ("runs", "artifacts"):
        raise AutotrackException.invalid(
            f"{text} does not lie among the files of a run of {client.tracking_uri}; write runs:/<run_id>/<path>"
        )
    return parts[1], "/".join(parts[3:])
