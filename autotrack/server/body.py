"""Bodies of requests, never larger than they may be: not on the wire, and not when they are unpacked."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect, Request

from autotrack.exceptions import AutotrackException

MOST_BYTES = 32 * 1024 * 1024
"""Of a JSON request: the longest profile of a data set that MLflow keeps, with all that JSON adds to it."""
PATIENCE = 60.0
"""Seconds that a JSON request may take to arrive."""


class TooLarge(Exception):
    """A body has more bytes than it may."""


async def whole(request: Request, most: int = MOST_BYTES) -> bytes:
    """The body, unpacked. Raises :class:`TooLarge`, and for an encoding that is not known or is broken."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > most:
        raise TooLarge
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise TooLarge
    except TimeoutError:
        raise AutotrackException("the request did not arrive in time", "DEADLINE_EXCEEDED") from None
    except ClientDisconnect:
        raise AutotrackException("the request was not sent to its end", "CANCELLED") from None
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity" or not body:
        return bytes(body)
    if encoding != "gzip":
        raise AutotrackException.invalid(f"the content encoding {encoding[:40]!r} is not known; send gzip or none")
    return unpacked(bytes(body), most)


def unpacked(packed: bytes, most: int) -> bytes:
    """What gzip has packed; never more than ``most`` bytes are made of it."""
    found = bytearray()
    rest = packed
    try:
        while rest:
            stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
            found += stream.decompress(rest, most + 1 - len(found))
            if len(found) > most:
                raise TooLarge
            if not stream.eof:
                raise AutotrackException.invalid("the body of the request is cut off: its gzip stream has no end")
            rest = stream.unused_data
    except zlib.error:
        raise AutotrackException.invalid("the body of the request says gzip and is none") from None
    return bytes(found)


async def streamed(request: Request) -> AsyncIterator[bytes]:
    """The body of a file as it arrives; it fails where the client is gone before its end."""
    try:
        async for chunk in request.stream():
            if chunk:
                yield chunk
    except ClientDisconnect:
        raise AutotrackException("the file was not sent to its end", "CANCELLED") from None
