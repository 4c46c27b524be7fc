"""A server that is spoken to as Google Cloud Storage is."""

from __future__ import annotations

import json

from parts.s3 import S3


class Google(S3):
    """The server of the S3 tests, which asks nobody here who they are.

    Google's XML API, which obstore speaks, is S3's in all that is used of it; so this shows that the requests are right
    and what becomes of the answers, and nothing of Google's credentials or signatures. ``environment`` is what its
    clients need.
    """

    identity = ()
    scheme = "gs"

    def _told(self) -> dict[str, str]:
        account = {"disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
        file = self._kept.directory / "account.json"
        file.write_text(json.dumps({**account, "gcs_base_url": self.endpoint}))
        return {"GOOGLE_SERVICE_ACCOUNT": str(file), "GOOGLE_BASE_URL": self.endpoint}
