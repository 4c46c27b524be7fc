"""Pages of an ordered answer.

A page goes on after the values of the last row of the page before, not after a number of rows: what is added in
between shifts nothing.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, and_, or_

from autotrack.exceptions import AutotrackException
from autotrack.store import ready
from autotrack.store.search.sql import Boolean
from autotrack.store.search.statements import MOST, TIERS, SortKey, Statement

LARGEST = 50_000
"""Rows of the largest page."""


@dataclass(frozen=True, slots=True)
class Page:
    """The keys of the rows of one page, in order, and the token of the next one if there is one."""

    keys: list[Any]
    token: str | None
    beside: Sequence[Any] = ()
    """Of each row what was asked for beside its key, if anything was."""
    took: int = 1
    """How many statements."""


def page(
    connection: Connection,
    statements: Iterable[Statement],
    *,
    limit: int,
    token: str | None,
    asked: Sequence[Any],
    values: Mapping[str, Any] | None = None,
) -> Page:
    """One page of the rows that statements find with some values; ``asked`` is what the token is valid for."""
    if not 0 < limit <= LARGEST:
        raise AutotrackException.invalid(f"max_results is {limit!r}; it must be from 1 to {LARGEST}")
    mark = _fingerprint(asked)
    last = _read(token, mark) if token else None
    rows: list[Any] = []
    keys = took = 0
    for one in statements:
        query, keys = one.query, len(one.keys)
        if last is not None and len(last) != keys:
            raise _no_token(token)
        if last is not None and one.tier is not None and last[0] != one.tier:
            if last[0] in TIERS[one.tier + 1 :]:
                continue
        elif last is not None:
            query = query.where(_after(one.keys, last))
        took += 1
        given = {**(values or {}), MOST: limit + 1 - len(rows)}
        if one.often and last is None:
            rows += ready.rows(connection, query, given)
        else:
            rows += connection.execute(query, given).all()
        if len(rows) > limit:
            break
    following = _write(mark, list(rows[limit - 1][1 : keys + 1])) if len(rows) > limit else None
    del rows[limit:]
    beside = [row[keys + 1] for row in rows if len(row) > keys + 1]
    return Page([row[0] for row in rows], following, beside, took)


def _after(keys: Sequence[SortKey], values: Sequence[Any]) -> Boolean:
    found: list[Boolean] = []
    equal: list[Boolean] = []
    for key, value in zip(keys, values, strict=True):
        found.append(and_(*equal, key.after(value)))
        equal.append(key.equal(value))
    return or_(*found)


def _fingerprint(asked: Sequence[Any]) -> str:
    return sha256(json.dumps(asked, default=str).encode()).hexdigest()[:12]


def _write(mark: str, values: list[Any]) -> str:
    return urlsafe_b64encode(json.dumps([mark, values]).encode()).decode("ascii")


def _no_token(token: str | None) -> AutotrackException:
    return AutotrackException.invalid(f"{str(token)[:40]!r} is no page token; pass the one of the page before")


def _read(token: str, mark: str) -> list[Any]:
    try:
        found, values = json.loads(urlsafe_b64decode(token.encode("ascii")))
    except ValueError:
        raise _no_token(token) from None
    if found != mark:
        raise AutotrackException.invalid(
            "the page token belongs to another search; pass it with the filter, the order and the experiments "
            "of the page that gave it"
        )
    if not isinstance(values, list):
        raise _no_token(token)
    return values
