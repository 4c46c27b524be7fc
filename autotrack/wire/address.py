"""Which server a tracking URI names, and what this process shows it to be let in.

Credentials are read from the environment whenever a connection is opened, and are kept nowhere else.
"""

from __future__ import annotations

import json
import os
import random
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit, urlunsplit

from autotrack.exceptions import AutotrackException

PREFIX = ("AUTOTRACK_TRACKING_", "MLFLOW_TRACKING_")

CHANCE = random.SystemRandom()
"""Spreads out those who wait for a server; the program's own generator is the program's."""


def is_server(uri: str | None) -> bool:
    """Whether a tracking URI names a server."""
    return uri is not None and uri.startswith(("http://", "https://"))


@dataclass(frozen=True, slots=True)
class Address:
    """A server. ``uri`` has no credentials in it; those that the tracking URI had are kept aside, unprinted."""

    uri: str
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """A text that can be part of a file's name, another one for each server."""
        from hashlib import sha256  # loads OpenSSL; needed once a server, not at import

        host = "".join(c if c.isalnum() or c in ".-" else "-" for c in urlsplit(self.uri).netloc)
        return f"{host[:60]}-{sha256(self.uri.encode()).hexdigest()[:8]}"


def address(uri: str) -> Address:
    """The server that a tracking URI names; raises for one that names none."""
    parts = urlsplit(uri)
    try:
        fits = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        fits = False
    if not fits:
        raise AutotrackException.invalid(f"{parts.scheme}://… names no server; write http(s)://HOST[:PORT][/PATH]")
    plain = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
    user, password = parts.username, parts.password
    return Address(plain, unquote(user) if user else None, unquote(password) if password else None)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is shown to a server. Nothing of it is ever printed."""

    user: str | None = field(default=None, repr=False)
    password: str = field(default="", repr=False)
    token: str | None = field(default=None, repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    certificate: str | tuple[str, str] | None = None
    """The client's own: one file, or certificate and key."""
    verify: bool | str = True
    """Whether the server's certificate is checked, or the file or directory of authorities that it is checked by."""


def credentials(to: Address) -> Credentials:
    """What the environment and the tracking URI say, ``AUTOTRACK_TRACKING_*`` before ``MLFLOW_TRACKING_*``."""
    user = to.user or _first("USERNAME")
    certificate, key = _first("CLIENT_CERT_PATH"), _first("CLIENT_KEY_PATH")
    insecure = (_first("INSECURE_TLS") or "").lower() in ("1", "true", "yes", "on")
    return Credentials(
        user=user,
        password=to.password or ("" if to.user else _first("PASSWORD") or ""),
        token=None if to.user else _first("TOKEN"),
        headers=_headers(os.environ.get("AUTOTRACK_TRACKING_HEADERS", "")),
        certificate=(certificate, key) if certificate and key else certificate,
        verify=not insecure if insecure else _first("SERVER_CERT_PATH") or True,
    )


def _first(name: str) -> str | None:
    return next((value for prefix in PREFIX if (value := os.environ.get(prefix + name))), None)


def _headers(text: str) -> dict[str, str]:
    """Headers as a JSON object, or one ``Name: value`` a line."""
    if text.lstrip().startswith("{"):
        try:
            return {str(name): str(value) for name, value in json.loads(text).items()}
        except ValueError:
            raise AutotrackException.invalid("AUTOTRACK_TRACKING_HEADERS is no JSON object") from None
    pairs = (line.partition(":") for line in text.splitlines() if line.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}
