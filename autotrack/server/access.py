"""Who may ask: the shared secret, and the names under which a server on this machine may be asked."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import stat
from base64 import b64decode
from binascii import Error
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from autotrack.exceptions import AutotrackException

SHORTEST = 16
"""Characters of a secret."""


def read_secret(file: Path) -> str:
    """The secret that a file holds; raises for a file that others may read, and for a secret that is easily guessed."""
    try:
        with file.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            text = stream.read(8192).decode("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise AutotrackException.invalid(f"the token file {file} cannot be read: {error}") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise AutotrackException.invalid(f"the token file {file} is open to others: chmod 600 {file}")
    if len(text) < SHORTEST or len(text.split()) != 1:
        raise AutotrackException.invalid(
            f"the token file {file} must hold one word of at least {SHORTEST} characters, such as "
            f"`openssl rand -hex 32 > {file}` makes"
        )
    return text


def loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Access:
    """Decides on requests before anything else looks at them. Without ``secret`` nobody is asked for one; ``hosts``
    None means that any Host header will do."""

    def __init__(self, secret: str | None = None, hosts: Sequence[str] | None = None) -> None:
        self._digest = None if secret is None else _digest(secret)
        self._hosts = None if hosts is None else frozenset(host.lower() for host in hosts)

    def host_allowed(self, header: str) -> bool:
        """Whether the server may be asked under this name. Another site can have a name of its own lead here, and its
        pages would then speak to this server from the browsers of those who may."""
        if self._hosts is None:
            return True
        name = _hostname(header)
        return name in self._hosts or loopback(name)

    @staticmethod
    def same_site(origin: str | None, fetch_site: str | None, host: str) -> bool:
        """Whether a change is asked for by a program, or by a page of this very server."""
        if fetch_site is not None and fetch_site not in ("same-origin", "none"):
            return False
        return origin is None or urlsplit(origin).netloc.lower() == host.lower()

    def admitted(self, authorization: str | None) -> bool:
        """Whether a request carries the secret: as a bearer token, or as the password of anybody."""
        if self._digest is None:
            return True
        scheme, _, given = (authorization or "").strip().partition(" ")
        given = given.strip()
        if scheme.lower() == "basic":
            try:
                given = b64decode(given, validate=True).decode("utf-8").partition(":")[2]
            except (Error, UnicodeDecodeError):
                given = ""
        elif scheme.lower() != "bearer":
            given = ""
        # Of equal length whatever is given, so that the time says nothing of the secret.
        return hmac.compare_digest(_digest(given), self._digest)

    @staticmethod
    def user(authorization: str | None) -> str:
        """The name that somebody gives with the secret; whether it is his own nobody knows."""
        scheme, _, given = (authorization or "").strip().partition(" ")
        if scheme.lower() != "basic":
            return ""
        try:
            name = b64decode(given.strip(), validate=True).decode("utf-8").partition(":")[0]
        except (Error, UnicodeDecodeError):
            return ""
        return name[:200] if name.isprintable() else ""


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _hostname(header: str) -> str:
    """The name in a Host header, without the port."""
    text = header.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0]
