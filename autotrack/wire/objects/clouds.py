"""An object store as this machine's environment names it: S3, Google Cloud Storage or Azure."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from obstore.store import from_url

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "MLFLOW_S3_ENDPOINT_URL"),
    "gs": ("GOOGLE_BASE_URL",),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT", "AZURITE_BLOB_STORAGE_URL"),
}
"""The variables that name another address than the provider's own; the first one that is set counts."""


def opened(url: str, *, retries: int, retry_seconds: float) -> Any:
    """The store below a URL, with credentials and region from the environment, under the names that the provider's own
    tools read; raises what the library raises. Nothing is asked yet."""
    kind = "s3" if url.startswith("s3") else "gs" if url.startswith("gs") else "az"
    endpoint = next(filter(None, map(os.environ.get, _ENDPOINTS[kind])), "")
    client: ClientConfig = {
        "connect_timeout": "10s",
        "read_timeout": "60s",  # of silence, so that a large file may take its time
        "timeout": "1day",
        "allow_http": endpoint.startswith("http:"),
    }
    retry: RetryConfig = {"max_retries": retries, "retry_timeout": timedelta(seconds=retry_seconds)}
    given: dict[str, Any] = {"endpoint": endpoint} if endpoint and kind == "s3" else {}
    if wasb := re.fullmatch(r"wasbs?://([^@/]+)@([^./]+)[^/]*/?(.*)", url):
        url, given["account_name"] = f"az://{wasb[1]}/{wasb[3]}", wasb[2]
    make: Any = from_url  # a variant for each kind of bucket, and which one it is stands in a text
    return make(url, client_options=client, retry_config=retry, **given)


def signed(store: Any, url: str) -> str | None:
    """A URL that the library has signed, unless the store would refuse it: for Azure the library signs a path as it
    stands in the URL, and Azure the one that it means."""
    escaped = "%" in url.partition("?")[0]
    return None if escaped and type(store).__name__ == "AzureStore" else url
