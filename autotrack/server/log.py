"""The server's log: a JSON object a line, each with the id of the request it is about."""

from __future__ import annotations

import json
import logging
import sys
import time

NAME = "autotrack.server"
_FIELDS = ("request_id", "method", "route", "status", "ms", "client", "bytes")


class Lines(logging.Formatter):
    """One JSON object a line; nothing that a client sends can begin a line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """See :class:`logging.Formatter`."""
        line = {
            "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        line |= {name: value for name in _FIELDS if (value := getattr(record, name, None)) is not None}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def start(level: str) -> None:
    """Write the server's log to stderr, from this level on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    for name in (NAME, "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
    logging.getLogger(NAME).setLevel(level.upper())
    logging.getLogger("uvicorn.error").setLevel("WARNING")
