"""For the tests of integrations, of sinks, and of programs that are recorded.

- :func:`recording` keeps in memory what is recorded, and :func:`recorded` reads a store's files, each as
  :class:`RecordedRun`;
- :class:`IntegrationContract` and :class:`SinkContract` are what every integration and every sink passes: derive a
  test class from one, say what is to be tested, and let pytest collect it;
- :func:`reset` puts autotrack into the state of a program that has just started.
"""

from __future__ import annotations

import sys
from pathlib import Path

if "pytest" in sys.modules:  # its failures then show the values, as in a test of one's own
    names = (f"{__name__}.{file.stem}" for file in Path(__file__).parent.glob("[a-z]*.py"))
    sys.modules["pytest"].register_assert_rewrite(*names)

from autotrack.testing.integration import IntegrationContract
from autotrack.testing.program import finish, fresh, reset, said
from autotrack.testing.recorded import RecordedPoint, RecordedRun, Recording, recorded, recording
from autotrack.testing.sink import SinkContract

__all__ = [
    "IntegrationContract",
    "RecordedPoint",
    "RecordedRun",
    "Recording",
    "SinkContract",
    "finish",
    "fresh",
    "recorded",
    "recording",
    "reset",
    "said",
]
