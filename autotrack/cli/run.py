"""``autotrack run``: a program as ``python`` would run it, recorded without a change to its code.

The process of the command *becomes* the program: it replaces itself (``execve``) with the interpreter and the
program's own command line. Nothing of ours is on the program's stack, and nothing stands between the program
and whoever started it, so argv, ``__main__``, pickling, ``multiprocessing``, tracebacks, exit codes, signals,
the terminal and job control are not imitated but the real ones. (A supervising parent would have to forward
signals, and one that was sent to the whole process group or container would then arrive twice.)

Recording is switched on by the environment: a directory with a ``sitecustomize`` (``cli/startup``) stands
first on ``PYTHONPATH``, so that every Python process below, whoever starts it, calls ``autotrack.autolog()``
before its first line. What a parent would have been good for, the exit code, comes from ``cli/exitcode.py``.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

from autotrack._startup import environment
from autotrack.exceptions import AutotrackException

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE = "autotrack run [--resume auto|RUN] SCRIPT [ARGS...], or autotrack run -m MODULE [ARGS...]"
RESUME = "--resume"
_PLAIN = "bBdiOPqsuvx"
_VALUED = "WX"
_BLIND = "EIS"  # the interpreter would ignore PYTHONPATH or leave out sitecustomize
_ABOUT_US = "EIPSs"  # on the first line of an installed `autotrack` these say where autotrack itself is found


class RefusedError(Exception):
    """The command line cannot be carried out; the text says what to do instead."""


def start(words: Sequence[str]) -> int:
    """Replace this process with the program that ``words`` name.

    Returns only when it cannot: the exit code 2, after one line on stderr and before anything was changed.
    """
    resumed, words = _resumed(words)
    try:
        options, program = split(words)
        check(program)
        if resumed is not None:
            from autotrack.cli.resume import goes_on  # asks the store, which few programs need to be started

            goes_on(resumed, program)
        become([*own_options(), *options, *program])
    except (RefusedError, AutotrackException) as refused:
        sys.stderr.write(f"autotrack: {refused}\n")
    except OSError as error:
        sys.stderr.write(f"autotrack: {sys.executable or 'the interpreter'} cannot be started: {error}\n")
    return 2


def _resumed(words: Sequence[str]) -> tuple[str | None, Sequence[str]]:
    """Which run is to be gone on with, if any, and the words that follow."""
    first, *rest = words or [""]
    if first == RESUME and rest:
        return rest[0], rest[1:]
    if first.startswith(f"{RESUME}="):
        return first.partition("=")[2], rest
    return None, words


def check(program: Sequence[str]) -> None:
    """Refuse what the interpreter could not even open. Whether a module exists is left to the interpreter."""
    if not program:
        raise RefusedError(f"no program was named: {USAGE}")
    if program[0] not in ("-", "-m") and not os.access(program[0], os.R_OK):
        why = "cannot be read" if os.path.exists(program[0]) else "no such file"  # noqa: PTH110
        raise RefusedError(f"{program[0]}: {why}; name a Python program, or a module with -m")


def become(command: Sequence[str]) -> NoReturn:
    """Go on as the interpreter with this command line; buffers are flushed first."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(  # noqa: S606 - to start the program that the user names is the purpose
        sys.executable, [sys.executable, *command], environment(dict(os.environ))
    )


def own_options() -> list[str]:
    """The options that this very interpreter was given, as ``-O`` in ``python -O -m autotrack run``."""
    options, program = split(sys.orig_argv[1:], refuse=False)
    if program[:1] == ["-m"]:
        return split(options)[0]
    kept: list[str] = []
    for word in options:
        if kept and kept[-1] in ("-W", "-X"):
            kept.append(word)
        elif letters := "".join(c for c in word[1:] if c not in _ABOUT_US or word[1] in _VALUED):
            kept.append(f"-{letters}")
    return kept


def split(words: Sequence[str], *, refuse: bool = True) -> tuple[list[str], list[str]]:
    """Read a command line as ``python`` does: ``(its own options as they were given, the program and its arguments)``.

    The program is a path first, or ``-m`` and a module.
    """
    options: list[str] = []
    rest = list(words)
    while rest and rest[0] != "-" and rest[0].startswith("-"):
        word = rest.pop(0)
        for place, letter in enumerate(word[1:], start=1):
            value = word[place + 1 :]
            if letter in _VALUED or letter == "m":
                if not value and not rest:
                    raise RefusedError(f"-{letter} lacks its value: {USAGE}")
                if letter == "m":
                    before = [word[:place]] if place > 1 else []
                    return options + before, ["-m", value or rest.pop(0), *rest]
                options += [word] if value else [word, rest.pop(0)]
                break
            if refuse and letter in _BLIND:
                raise RefusedError(f"-{letter} would keep recording switched off; leave it out")
            if letter not in _PLAIN + _BLIND:
                if refuse:
                    raise RefusedError(f"{word} is no option here: {USAGE}")
                return options, [word, *rest]
        else:
            options.append(word)
    return options, rest
