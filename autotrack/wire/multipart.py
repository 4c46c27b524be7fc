"""A file in parts in S3's own protocol, and in Azure's: each request goes to a URL that is signed when it is sent."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Callable
from html import unescape
from typing import Any, TypeAlias
from urllib.parse import quote
from xml.sax.saxutils import escape

from autotrack.wire.connection import Connection, Refused, Slice

Sign: TypeAlias = Callable[[str, str], str]
"""From a method and a query to the object's URL with that query, by which anybody may ask for a while."""

_UPLOAD_ID = re.compile(r"<UploadId>([^<]+)</UploadId>")
_PART = re.compile(r"<Part>(.*?)</Part>", re.DOTALL)
_NUMBER = re.compile(r"<PartNumber>(\d+)</PartNumber>")
_ETAG = re.compile(r"<ETag>([^<]+)</ETag>")
_NEXT = re.compile(r"<NextPartNumberMarker>(\d+)</NextPartNumberMarker>")
_TRUNCATED = "<IsTruncated>true</IsTruncated>"
_BLOCK = re.compile(r"<Name>([^<]+)</Name>")
_ERROR = re.compile(r"<Error>.*?<Code>(\w+)</Code>", re.DOTALL)
_HEADER = '<?xml version="1.0" encoding="utf-8"?>'


class S3Upload:
    """A multipart upload of S3, and of stores that speak its protocol."""

    def __init__(self, connection: Connection, sign: Sign) -> None:
        self._connection, self._sign = connection, sign

    def begin(self, count: int) -> dict[str, Any] | None:  # noqa: ARG002 - S3 does not want to know
        """See :class:`~autotrack.wire.parts.Upload`. Who may not begin one may still put an object."""
        try:
            found = _UPLOAD_ID.search(self._ask("POST", "uploads="))
        except Refused:
            return None
        return {"upload": unescape(found[1])} if found else None

    def arrived(self, begun: dict[str, Any]) -> list[dict[str, Any]]:
        """See :class:`~autotrack.wire.parts.Upload`."""
        done: list[dict[str, Any]] = []
        after = "0"
        while True:
            listed = self._ask("GET", f"{self._query(begun)}&part-number-marker={after}")
            for part in _PART.findall(listed):
                number, etag = _NUMBER.search(part), _ETAG.search(part)
                if number and etag:
                    done.append({"part_number": int(number[1]), "etag": unescape(etag[1]).strip('"')})
            more = _NEXT.search(listed)
            if more is None or more[1] == after or _TRUNCATED not in listed:
                return done
            after = more[1]

    def part(self, begun: dict[str, Any], number: int, data: Slice) -> dict[str, Any]:
        """See :class:`~autotrack.wire.parts.Upload`."""
        answer = self._connection.put(self._sign("PUT", f"partNumber={number}&{self._query(begun)}"), data)
        return {"part_number": number, "etag": answer.headers.get("ETag", "").strip('"')}

    def complete(self, begun: dict[str, Any], done: list[dict[str, Any]]) -> None:
        """See :class:`~autotrack.wire.parts.Upload`."""
        parts = "".join(
            f'<Part><PartNumber>{one["part_number"]}</PartNumber><ETag>"{escape(one["etag"])}"</ETag></Part>'
            for one in done
        )
        body = f"{_HEADER}<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>"
        # S3 begins to answer before it is done, with the status of success, and may end with an error.
        if failed := _ERROR.search(self._ask("POST", self._query(begun), body)):
            raise Refused(f"the parts were not put together: {failed[1]}", failed[1], 400)

    def abort(self, begun: dict[str, Any]) -> None:
        """See :class:`~autotrack.wire.parts.Upload`."""
        self._ask("DELETE", self._query(begun))

    def forgotten(self, error: Refused) -> bool:
        """See :class:`~autotrack.wire.parts.Upload`."""
        return error.error_code in ("NoSuchUpload", "InvalidPart", "InvalidPartOrder", "EntityTooSmall")

    def _query(self, begun: dict[str, Any]) -> str:
        return f"uploadId={quote(begun['upload'], safe='')}"

    def _ask(self, method: str, query: str, body: str = "") -> str:
        return self._connection.elsewhere(method, self._sign(method, query), body.encode()).text


class AzureUpload:
    """A block blob of Azure. Its blocks have names of our choice, and go within a week if nobody commits them."""

    def __init__(self, connection: Connection, sign: Sign) -> None:
        self._connection, self._sign = connection, sign

    def begin(self, count: int) -> dict[str, Any] | None:  # noqa: ARG002 - there is nothing to ask for
        """See :class:`~autotrack.wire.parts.Upload`."""
        return {"upload": os.urandom(8).hex()}

    def arrived(self, begun: dict[str, Any]) -> list[dict[str, Any]]:
        """See :class:`~autotrack.wire.parts.Upload`."""
        url = self._sign("GET", "comp=blocklist&blocklisttype=uncommitted")
        try:
            there = set(_BLOCK.findall(self._connection.elsewhere("GET", url).text))
        except Refused as error:
            if error.status != 404:
                raise
            there = set()
        return [{"part_number": number} for number in range(1, len(there) + 1) if _block(begun, number) in there]

    def part(self, begun: dict[str, Any], number: int, data: Slice) -> dict[str, Any]:
        """See :class:`~autotrack.wire.parts.Upload`."""
        self._connection.put(self._sign("PUT", f"comp=block&blockid={quote(_block(begun, number), safe='')}"), data)
        return {"part_number": number}

    def complete(self, begun: dict[str, Any], done: list[dict[str, Any]]) -> None:
        """See :class:`~autotrack.wire.parts.Upload`."""
        blocks = "".join(f"<Uncommitted>{_block(begun, one['part_number'])}</Uncommitted>" for one in done)
        body = f"{_HEADER}<BlockList>{blocks}</BlockList>"
        self._connection.elsewhere("PUT", self._sign("PUT", "comp=blocklist"), body.encode())

    def abort(self, begun: dict[str, Any]) -> None:
        """See :class:`~autotrack.wire.parts.Upload`; there is no request for it."""

    def forgotten(self, error: Refused) -> bool:
        """See :class:`~autotrack.wire.parts.Upload`."""
        return error.error_code in ("InvalidBlockList", "InvalidBlockId", "InvalidBlobOrBlock")


def _block(begun: dict[str, Any], number: int) -> str:
    return b64encode(f"{begun['upload']}{number:05}".encode()).decode()
