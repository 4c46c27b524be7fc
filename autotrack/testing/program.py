"""A program as it is when it has just started: this one, put back there, or a fresh one beside it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from autotrack import _loader, current, guard, hooks, settings
from autotrack.call import inside
from autotrack.sinks import open as sinks


def reset() -> None:
    """Put autotrack into the state of a program that has just started: nothing patched, set, open or remembered.

    Runs that are open are ended. What a program loaded stays loaded.
    """
    integrations = list(hooks.known.values())
    _loader.disable()
    for integration in integrations:
        integration.options = integration.options_class()
        integration.why_not, integration.others = "", frozenset()
        integration._checked = False  # pyright: ignore[reportPrivateUsage]  # a test starts afresh
        for hook in integration.hooks:
            hook.fired = 0
    finish()
    current.reset()
    inside.set(None)
    sinks.forget()
    settings.forget()
    guard.forget()


def finish(error: BaseException | None = None) -> None:
    """Do what is done when a program ends, of this exception if one is given: what is still being recorded is
    recorded to its end."""
    current.close_all(error)


@contextmanager
def said() -> Iterator[list[str]]:
    """What autotrack says meanwhile on its logger, and so to the user; not passed on."""
    lines: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    logger, listener = logging.getLogger("autotrack"), Listener()
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(listener)
    try:
        yield lines
    finally:
        logger.removeHandler(listener)
        logger.propagate = propagate


@contextmanager
def environment(**values: str | None) -> Iterator[None]:
    """Environment variables for a while; ``None`` removes one."""
    before = {name: os.environ.get(name) for name in values}
    try:
        _set(values)
        yield
    finally:
        _set(before)


def fresh(program: str, *arguments: str, directory: Path, environ: Mapping[str, str] | None = None) -> str:
    """Run a program in an interpreter of its own that finds the same modules; returns what it printed.

    A program that fails is an ``AssertionError`` with what it wrote to stderr.
    """
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    done = subprocess.run(  # noqa: S603 - the interpreter that runs this, on a program of the caller
        [sys.executable, "-c", program, *arguments],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": path, **(environ or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def _set(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
