"""What counts as a trace of autotrack in a pickle."""

from __future__ import annotations

import pickle

from autotrack.exceptions import AutotrackException
from autotrack.hooks import Options
from autotrack.testing.traces import names_us


def test_a_module_of_ours_is_a_trace_and_a_path_is_none() -> None:
    """Whatever the checkout is called."""
    assert names_us(pickle.dumps(Options))
    assert names_us(pickle.dumps({"error": AutotrackException("x")}))
    assert not names_us(pickle.dumps("/home/me/autotrack/tests/toy.py"))
    assert not names_us(pickle.dumps([dict, "x"]))
