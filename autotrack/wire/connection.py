"""One thread's connection to a server: requests in MLflow's protocol, and what goes wrong with them, told apart."""

from __future__ import annotations

import gzip
import io
import json
import logging
import math
import re
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urljoin

import requests
import urllib3
from requests.auth import AuthBase, HTTPBasicAuth

from autotrack.exceptions import AutotrackException
from autotrack.wire.address import CHANCE, Address, credentials

T = TypeVar("T")

API = "/api/2.0/mlflow"
ARTIFACTS = "/api/2.0/mlflow-artifacts"

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
FILE_SECONDS = 300.0
"""How long a connection, an answer, and the next piece of a file may take."""
ABSENT_SECONDS = 5.0
"""How long a question waits for a server where nobody listens, as while it is started anew."""

THREADS = "autotrack-"
"""How the names of threads begin that work beside the program."""

_COMPRESS_BYTES = 2048
_PIECE_BYTES = 1 << 20
_MOST_REDIRECTS = 5
_NOT_PACKED = {400, 411, 415}
"""What somebody on the way answers who does not take a compressed body."""
_TRANSIENT = {408, 429, 500, 502, 503, 504}
_STORES_CODE = re.compile(rb"<Code>(\w{1,80})</Code>")
"""How S3 and Azure name an error."""
_OF_STATUS = {400: "BAD_REQUEST", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "ENDPOINT_NOT_FOUND"}


class Unavailable(AutotrackException):
    """The server could not be asked now: the same request may succeed later."""

    def __init__(self, message: str, *, after: float | None = None, refused: bool = False) -> None:
        super().__init__(message, "TEMPORARILY_UNAVAILABLE")
        self.after = after
        """Seconds that the server asks to wait."""
        self.refused = refused
        """Whether nobody took the request, so that it cannot have had an effect."""


class Refused(AutotrackException):
    """The server has answered that it will not; ``status`` is HTTP's."""

    def __init__(self, message: str, error_code: str, status: int, *, told: bool = False) -> None:
        super().__init__(message, error_code)
        self.status = status
        self.told = told
        """Whether the server itself has said so, rather than somebody on the way."""

    @property
    def about_it(self) -> bool:
        """Whether it is the thing asked about that is the reason, and not the server: others may be asked about."""
        return self.told and self.status in (400, 404, 409, 422) and self.error_code != "ENDPOINT_NOT_FOUND"

    @property
    def wrong(self) -> bool:
        """Whether it is the content that is refused, rather than who asks, or where."""
        return self.status == 413 or (self.told and self.status in (400, 409, 422))


def _speaks(record: logging.LogRecord) -> bool:
    # A program that logs everything is not to find our requests among its own lines.
    return not (record.threadName or "").startswith(THREADS)


logging.getLogger("urllib3.connectionpool").addFilter(_speaks)


class _Bearer(AuthBase):
    # Given in every case: without one, requests takes what ~/.netrc has for the host.
    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Connection:
    """A kept-alive connection. For one thread."""

    def __init__(self, to: Address, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self.address = to
        self.answer_seconds = answer_seconds
        self.compress = False
        """Whether the server takes compressed bodies."""
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": "autotrack", "X-Autotrack": "1"})
        self._show()

    def _show(self) -> None:
        """Have credentials as the environment says at this moment."""
        shown = credentials(self.address)
        self._session.headers.update(shown.headers)
        self._session.cert = shown.certificate
        # Given with each request: a bundle of the environment would go before what a session has.
        self._verify = None if shown.verify is True else shown.verify
        if shown.verify is False:
            warnings.filterwarnings("ignore", "Unverified HTTPS request", module="urllib3")  # as was asked for
        user = None if shown.user is None else HTTPBasicAuth(shown.user.encode(), shown.password.encode())
        self._session.auth = user or _Bearer(shown.token)

    def call(
        self, method: str, path: str, message: Mapping[str, Any] | None = None, *, seconds: float | None = None
    ) -> dict[str, Any]:
        """The server's answer to a message; raises :class:`Unavailable` or :class:`Refused`. Tried once.

        ``path`` follows ``/api/2.0/mlflow/``, unless it begins with a slash.
        """
        url = self.address.uri + (path if path.startswith("/") else f"{API}/{path}")
        given: dict[str, Any] = {}
        if method == "GET":
            given["params"] = message
        else:
            body = json.dumps(message or {}, separators=(",", ":")).encode()
            given["headers"] = {"Content-Type": "application/json"}
            given["data"] = body
            if self.compress and len(body) > _COMPRESS_BYTES:
                packed = {"headers": {**given["headers"], "Content-Encoding": "gzip"}}
                answer = self._request(method, url, seconds, data=gzip.compress(body, compresslevel=1), **packed)
                if answer.status_code not in _NOT_PACKED:
                    return self._read(answer)
                # Whether it is the content or how it is packed, the content alone tells.
                answer = self._request(method, url, seconds, **given)
                self.compress = answer.status_code in _NOT_PACKED
                return self._read(answer)
        return self._read(self._request(method, url, seconds, **given))

    def _request(self, method: str, url: str, seconds: float | None, **given: Any) -> requests.Response:
        connect, most = self._timeout(seconds)
        with self._told():
            begun = time.monotonic()
            answer = self._session.request(
                method, url, timeout=(connect, most), allow_redirects=False, verify=self._verify, stream=True, **given
            )
            return _whole(answer, begun + most)

    def _read(self, answer: requests.Response) -> dict[str, Any]:
        self._check(answer)
        try:
            found = answer.json() if answer.content else {}
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Refused(f"{self.address.uri} does not answer as a tracking server does", "ENDPOINT_NOT_FOUND", 404)
        return found

    def put(self, url: str, data: Slice, headers: Mapping[str, str] | None = None) -> requests.Response:
        """Send a stretch of a file; ``url`` may be another host's, which is shown no credentials of ours."""
        own = self._own(url)
        given = {"Content-Type": "application/octet-stream", **(headers or {})}
        with self._told(url):
            # Without a length, an empty one would be sent in chunks, which object stores refuse.
            answer = (self._session if own else _stranger()).put(
                url, data=data if len(data) else b"", headers=given, timeout=(CONNECT_SECONDS, FILE_SECONDS),
                allow_redirects=False, verify=self._verify if own else None,
            )  # fmt: skip
        self._check(answer, None if own else url)
        return answer

    def elsewhere(self, method: str, url: str, body: bytes = b"") -> requests.Response:
        """The answer of another host, as of an object store, to a small request that its URL alone gives a right to."""
        with self._told(url):
            answer = _stranger().request(
                method, url, data=body, timeout=self._timeout(None), headers={"Content-Type": "application/xml"},
                allow_redirects=False,
            )  # fmt: skip
        self._check(answer, url)
        return answer

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[Iterator[bytes]]:
        """The pieces of a file; where the server sends its clients elsewhere, as into its bucket, from there."""
        with self._told(url):
            answer = self._opened(url, headers or {})
        with answer:
            self._check(answer, None if self._own(answer.url) else answer.url)
            with self._told(url):
                yield answer.iter_content(_PIECE_BYTES)

    def _opened(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        left = _MOST_REDIRECTS
        while True:
            own = self._own(url)
            answer = (self._session if own else _stranger()).get(
                url, headers=dict(headers), timeout=(CONNECT_SECONDS, FILE_SECONDS), stream=True,
                verify=self._verify if own else None, allow_redirects=False,
            )  # fmt: skip
            if not answer.is_redirect or left == 0:
                return answer
            # Not followed by the library, which would show the headers of our own there too.
            url = urljoin(url, answer.headers["Location"])
            answer.close()
            left -= 1

    def close(self) -> None:
        """Let the connection go."""
        self._session.close()

    def _check(self, answer: requests.Response, other: str | None = None) -> None:
        if answer.status_code == 401 and other is None:
            self._show()  # next time: the program may have been given others since
        _check(answer, self.address.uri if other is None else _plain(other))

    def _own(self, url: str) -> bool:
        return url.startswith(self.address.uri + "/")

    def _timeout(self, seconds: float | None) -> tuple[float, float]:
        most = self.answer_seconds if seconds is None else max(seconds, 0.05)
        return min(CONNECT_SECONDS, most), most

    @contextmanager
    def _told(self, url: str | None = None) -> Iterator[None]:
        where = self.address.uri if url is None or self._own(url) else _plain(url)
        try:
            yield
        except requests.exceptions.SSLError as error:
            raise Unavailable(f"{where} is not trusted: {_reason(error)}", refused=True) from error
        except requests.exceptions.ConnectTimeout as error:
            raise Unavailable(f"{where} does not answer", refused=True) from error
        except (requests.exceptions.Timeout, urllib3.exceptions.ReadTimeoutError) as error:
            raise Unavailable(f"{where} does not answer in time") from error
        except requests.exceptions.ConnectionError as error:
            refused = "NewConnectionError" in repr(error) or "NameResolutionError" in repr(error)
            raise Unavailable(f"{where} cannot be reached: {_reason(error)}", refused=refused) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise Unavailable(f"{where} cannot be asked: {_reason(error)}") from error


def patiently(
    ask: Callable[[float], T], seconds: float, *, again: bool = True, clock: Callable[[], float] = time.monotonic
) -> T:
    """The answer to a question, asked again with growing pauses while the server is unavailable, for ``seconds`` in
    all, or a few where nobody listens. ``ask`` is given the seconds that are left. Without ``again`` only what nobody
    took is sent once more."""
    begun = clock()
    end, pause = begun + seconds, 0.1
    while True:
        try:
            return ask(max(end - clock(), 0.05))
        except Unavailable as error:
            wait = error.after if error.after is not None else pause * CHANCE.uniform(0.5, 1.5)
            last = min(end, begun + ABSENT_SECONDS) if error.refused else end
            if not (again or error.refused or error.after is not None) or clock() + wait >= last:
                raise
            time.sleep(wait)
            pause = min(2 * pause, 2.0)


def file_path(path: str) -> str:
    """A file's path as it stands in a URL."""
    return quote(path, safe="/")


class Slice:
    """A stretch of a file as the body of a request: of known length, read in pieces while it is sent."""

    def __init__(self, file: Path, start: int, end: int) -> None:
        self._file, self._start, self._end = file, start, end

    def __len__(self) -> int:
        return self._end - self._start

    def __iter__(self) -> Iterator[bytes]:
        at = self._start
        with self._file.open("rb") as opened:
            opened.seek(at)
            while at < self._end and (piece := opened.read(min(_PIECE_BYTES, self._end - at))):
                at += len(piece)
                yield piece


def _stranger() -> requests.Session:
    """A session that carries nothing of ours, for the object store that a server sends us to."""
    session = requests.Session()
    session.auth = _Bearer(None)
    return session


def _whole(answer: requests.Response, end: float) -> requests.Response:
    """An answer with its body, which is here by then or is given up: what the library's timeouts end is silence, and
    one byte now and then is none."""
    raw, body = answer.raw, io.BytesIO()
    while piece := raw.read1(_PIECE_BYTES, decode_content=False):
        body.write(piece)
        if time.monotonic() > end:
            answer.close()
            raise requests.exceptions.ReadTimeout("the answer takes too long")
    raw.drain_conn()
    raw.release_conn()
    body.seek(0)
    answer.raw = urllib3.HTTPResponse(body, headers=raw.headers, preload_content=False)
    return answer


def _plain(url: str) -> str:
    """A URL without its query, which may be a right to write."""
    return url.partition("?")[0]


def _check(answer: requests.Response, where: str) -> None:
    status = answer.status_code
    if 200 <= status < 300:
        return
    code, message, by_server = _OF_STATUS.get(status, "INTERNAL_ERROR"), "", False
    said, kind = f"{where} answers {status}", answer.headers.get("Content-Type", "")
    if "application/json" in kind:
        try:
            told = answer.json()
            by_server = "error_code" in told
            code, message = str(told.get("error_code") or code), str(told.get("message") or "")
        except (ValueError, AttributeError):
            message = ""
    elif "xml" in kind and (found := _STORES_CODE.search(answer.content[:2000])):
        code = found[1].decode()
        said += f": {code}"
    if status in _TRANSIENT:
        raise Unavailable(said + (f": {message[:300]}" if message else ""), after=_seconds(answer, status))
    if 300 <= status < 400:
        raise Refused(
            f"{where} sends elsewhere, to {answer.headers.get('Location', '?')}; name that as the tracking URI",
            "ENDPOINT_NOT_FOUND", status,
        )  # fmt: skip
    raise Refused(message or said, code, status, told=by_server)


def _seconds(answer: requests.Response, status: int) -> float | None:
    """What ``Retry-After`` asks for, which may be seconds or a date."""
    told = answer.headers.get("Retry-After")
    if told is None or status not in (429, 503):
        return None
    try:
        seconds = float(told)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(told).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), 300.0)


def _reason(error: BaseException) -> str:
    """The innermost cause in few words, without the URL that requests repeats."""
    cause: Any = error.args[0] if error.args else error
    cause = getattr(cause, "reason", cause)
    while cause is not None and isinstance(getattr(cause, "args", None), tuple) and len(cause.args) > 1:
        last = cause.args[-1]
        if not isinstance(last, BaseException):
            break
        cause = last
    told = " ".join(str(cause).rpartition(": ")[2].split())[:200]
    return "".join(c if c.isprintable() else "?" for c in told)
