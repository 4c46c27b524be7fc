"""What the tests of the registry share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from autotrack.exceptions import AutotrackException

BUCKET = "s3://models/one"
"""A source that nobody looks into."""


def code_of(action: Callable[[], object]) -> str | None:
    """The error code of what goes wrong, ``None`` if nothing does."""
    try:
        action()
    except AutotrackException as error:
        return error.error_code
    return None


def refused(code: str = "INVALID_PARAMETER_VALUE", says: str | None = None) -> pytest.RaisesExc[AutotrackException]:
    """The block raises, with this code and one line that says what to do."""
    return pytest.raises(AutotrackException, match=says, check=lambda e: e.error_code == code and "\n" not in e.message)
