"""Parts of uploads that nobody will complete are removed."""

from __future__ import annotations

import asyncio
import logging
import random

from autotrack.exceptions import AutotrackException
from autotrack.store.objects import Objects

_LOG = logging.getLogger("autotrack.server")
ABANDONED = 7 * 24 * 3600
"""Seconds without a new part after which an upload counts as abandoned."""
BETWEEN = 6 * 3600
"""Seconds between two looks, and up to half as many more, as servers of one store look on their own."""


async def sweep_forever(objects: Objects) -> None:
    """Look at once, and again every few hours, until cancelled."""
    while True:
        try:
            swept = await objects.sweep(ABANDONED)
            if swept:
                _LOG.info("abandoned uploads removed", extra={"uploads": swept})
        except AutotrackException as error:  # the store does not answer; the next look may find it
            _LOG.warning("abandoned uploads could not be looked for: %s", error)
        await asyncio.sleep(BETWEEN * random.uniform(1, 1.5))  # noqa: S311 - no secret
