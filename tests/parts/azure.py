"""Azurite, Microsoft's emulator of Azure's storage, where somebody has installed it: there is no wheel of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import shutil
import signal
import urllib.request
from email.utils import formatdate

from parts.kept import Kept, free_port, plain_environment

PROGRAM = "azurite-blob"
"""What ``npm install azurite`` brings."""
_ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Those of every Azurite, as its documentation has them."""
_CONTAINER, _VERSION = "tests", "2021-08-06"


class Azure:
    """An emulator at the loopback that lives no longer than this process. ``environment`` is what its clients need."""

    def __init__(self) -> None:
        self._kept = Kept("autotrack-azure")
        self._made = 0
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        self.environment = {
            "AZURE_STORAGE_USE_EMULATOR": "true",
            "AZURITE_BLOB_STORAGE_URL": self.endpoint,
            "AZURE_STORAGE_ACCOUNT_NAME": _ACCOUNT,
            "AZURE_STORAGE_ACCOUNT_KEY": _KEY,
        }
        program = shutil.which(PROGRAM)
        assert program is not None
        self._kept.start(
            [program, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", self._kept.directory / "data",
             "--silent", "--skipApiVersionCheck", "--disableTelemetry"],
            signal.SIGKILL, plain_environment(),
        )  # fmt: skip
        if not self._kept.wait_until(self._answers):
            raise OSError(f"Azurite did not start:\n{self._kept.log()[-2000:]}")

    def bucket(self) -> str:
        """The address of an empty place for objects."""
        self._made += 1
        return f"az://{_CONTAINER}/{os.getpid()}-{self._made}"

    def close(self) -> None:
        """Stop it and remove its files."""
        self._kept.close()

    def _answers(self) -> bool:
        """Whether the container could be made, which takes a signature of the account's."""
        headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": _VERSION}
        lines = ["PUT", *[""] * 11, *(f"{name}:{value}" for name, value in headers.items())]
        text = "\n".join([*lines, f"/{_ACCOUNT}/{_ACCOUNT}/{_CONTAINER}", "restype:container"])
        signature = base64.b64encode(hmac.new(base64.b64decode(_KEY), text.encode(), hashlib.sha256).digest()).decode()
        headers["Authorization"] = f"SharedKey {_ACCOUNT}:{signature}"
        url = f"{self.endpoint}/{_ACCOUNT}/{_CONTAINER}?restype=container"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, None, headers, method="PUT"), timeout=5):
                return True
        except OSError:
            return False
