"""Work of ours in the midst of a program."""

from __future__ import annotations

import random
import threading
import warnings

import numpy as np
import pytest
import torch

from autotrack.hooks import aside


def test_random_streams_go_on_as_if_nothing_had_been_drawn() -> None:
    """What is drawn aside from the global generators is put back."""
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    with aside():
        random.random()
        np.random.rand()
        torch.rand(1)
    assert (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()) == before


def test_torch_is_not_asked_for_its_state_among_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """To ask would hang if another thread asks at the same moment and garbage is collected meanwhile."""
    asked: list[bool] = []
    monkeypatch.setattr(torch, "get_rng_state", lambda: asked.append(True))
    leave = threading.Event()
    thread = threading.Thread(target=leave.wait)
    thread.start()
    with aside():
        pass
    leave.set()
    thread.join()
    assert asked == []


def test_a_warning_that_was_shown_is_not_shown_again() -> None:
    """Also if what is done aside uses `catch_warnings`, and warns of the same at the same place."""

    def warn() -> None:
        warnings.warn("once here", RuntimeWarning, stacklevel=1)

    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("default")
        warn()
        with aside():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
            warn()
        warn()
        assert len(shown) == 1
        with aside():
            pass
        warnings.simplefilter("always")  # what the program itself does counts as ever
        warn()
    assert len(shown) == 2
