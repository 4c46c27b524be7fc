"""Starting a process that this program never notices.

A program may wait for whichever child ends next, or have a handler for the signal that tells it of one, and a child of
ours would be none that it knows. So the helper is nobody's child: its parent has ended before :func:`start` returns.
That parent, in turn, is a child of a kind that ``wait`` does not see and that sends no signal (Linux: one whose signal
at exit is none, ``clone(2)``). It shares this process's memory for the millisecond that it lives, as a child of
``vfork`` does, and so it may run nothing that leaves something behind there: no Python, no allocation, no lock. It runs
``posix_spawn`` of the C library, which is made for that, and ``_exit``; as ``clone`` takes a function of one argument,
that is ``setcontext``, to contexts that were prepared before (the C library's ``system``, which takes one too, has a
counter of its calls in memory: a thread of the program that calls it at the same time would lose its SIGINT).

Where there is no such thing (another system, a C library without contexts such as musl's, a sandbox that forbids the
call, a process to which orphans return), nothing is started.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_ROOT = str(Path(__file__).parents[2])
_VM, _VFORK = 0x100, 0x4000
"""``CLONE_VM`` and ``CLONE_VFORK`` of linux/sched.h."""
_ANY = 0x40000000
"""``__WALL``: wait for such a child too."""
_SUBREAPER = 37
"""``PR_GET_CHILD_SUBREAPER`` of linux/prctl.h."""
_STACK = 64 << 10
_OPAQUE = 4096
"""More bytes than a ``posix_spawn_file_actions_t`` has, or a ``posix_spawnattr_t``."""
_SETSID = 0x80
"""``POSIX_SPAWN_SETSID`` of spawn.h."""
_inodes: dict[int, int] = {}
"""What the pipes are, by their numbers."""


def possible() -> bool:
    """Whether a helper can be started here unnoticed."""
    # The first process of a container becomes the parent of every orphan, the helper too.
    return sys.platform == "linux" and os.getpid() != 1 and _interpreter()


def connected(code: str) -> tuple[int, int] | None:
    """Run Python code of autotrack's in a process of its own: a pipe to say something to it, and one to hear it."""
    if not possible():
        return None
    out_q, in_q = os.pipe()
    out_a, in_a = os.pipe()
    _inodes.update({fd: os.fstat(fd).st_ino for fd in (out_q, in_q, out_a, in_a)})
    try:
        if start(code, [_ROOT], in_a, out_q):
            return in_q, out_a
    finally:
        close(out_q)
        close(in_a)
    close(in_q)
    close(out_a)
    return None


def is_ours(fd: int) -> bool:
    """Whether a number is still that of the pipe. A program may close all that is open, as one does that becomes a
    daemon, and the number may be a file's of its own since."""
    try:
        facts = os.fstat(fd)
    except OSError:
        return False
    return stat.S_ISFIFO(facts.st_mode) and facts.st_ino == _inodes.get(fd)


def close(fd: int) -> None:
    """Let go of a pipe."""
    if is_ours(fd):
        os.close(fd)


def tell(fd: int, words: bytes) -> bool:
    """Say something to a process that may be gone, without a signal that ends the program, and without waiting."""
    if not is_ours(fd):
        return False
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE})
    try:
        os.set_blocking(fd, False)
        return os.write(fd, words) == len(words)
    except OSError:
        return False
    finally:
        if signal.SIGPIPE not in before:
            signal.sigtimedwait({signal.SIGPIPE}, 0)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start(code: str, words: Sequence[str], answers: int, questions: int) -> bool:
    """Run Python code in a process of its own, with nothing of this one but its environment and two pipes.

    It reads ``questions`` as its standard input and writes ``answers`` as its standard output; both ends remain open
    here. The interpreter is isolated: neither site-packages nor ``PYTHON*`` have a part in it. It begins in a session
    of its own, with all signals held back.
    """
    if not possible():
        return False
    import ctypes  # the way to clone(2); a program without runs does not come by here

    library = ctypes.CDLL(None, use_errno=True)
    reaper = ctypes.c_int()
    if library.prctl(_SUBREAPER, ctypes.byref(reaper), 0, 0, 0) != 0 or reaper.value:
        return False
    if not all(hasattr(library, name) for name in ("clone", "makecontext", "setcontext")):
        return False
    command = [sys.executable, "-I", "-S", "-c", code, *words]
    variables = [name + b"=" + value for name, value in os.environb.items()]
    arguments = (ctypes.c_char_p * (len(command) + 1))(*map(os.fsencode, command), None)
    environment = (ctypes.c_char_p * (len(variables) + 1))(*variables, None)
    # The pipes are opened by name, so that none of the program's own children can inherit them meanwhile.
    here = f"/proc/{os.getpid()}/fd"
    opened = (
        (0, f"{here}/{questions}", os.O_RDONLY),
        (1, f"{here}/{answers}", os.O_WRONLY),
        (2, os.devnull, os.O_RDWR),
    )
    actions, attributes = (ctypes.create_string_buffer(_OPAQUE) for _ in range(2))
    library.posix_spawnattr_init(attributes)
    library.posix_spawnattr_setflags(attributes, ctypes.c_short(_SETSID))
    library.posix_spawn_file_actions_init(actions)
    for fd, name, flags in opened:
        library.posix_spawn_file_actions_addopen(actions, fd, os.fsencode(name), flags, 0)
    if hasattr(library, "posix_spawn_file_actions_addclosefrom_np"):
        library.posix_spawn_file_actions_addclosefrom_np(actions, 3)
    pid, executable = ctypes.c_int(0), ctypes.create_string_buffer(os.fsencode(sys.executable))
    given = (pid, executable, actions, attributes, arguments, environment)
    library.clone.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]
    # Not a signal may be handled while the memory is shared: the program's handlers are in it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        end = _context(library, library._exit, (0,), None)
        begin = _context(library, library.posix_spawn, tuple(map(ctypes.addressof, given)), ctypes.addressof(end[0]))
        stack = ctypes.create_string_buffer(_STACK)
        top = (ctypes.addressof(stack) + _STACK) & ~63
        run = ctypes.cast(library.setcontext, ctypes.c_void_p)
        parent = library.clone(run, top, _VM | _VFORK, ctypes.addressof(begin[0]))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        library.posix_spawn_file_actions_destroy(actions)
    if parent <= 0:
        return False
    with contextlib.suppress(OSError):  # somebody who waits for all kinds may have been quicker
        os.waitpid(parent, _ANY)
    return pid.value > 0


def _context(library: Any, function: Any, words: tuple[int, ...], then: int | None) -> tuple[Any, Any]:
    """A ``ucontext_t`` in which a function is called with these words, and one to go on with afterwards; with the stack
    that it needs. The words are as wide as addresses, which the C library takes on all systems where both fit."""
    import ctypes  # as above

    class Context(ctypes.Structure):
        _fields_ = (
            ("flags", ctypes.c_ulong), ("link", ctypes.c_void_p), ("stack", ctypes.c_void_p),
            ("stack_flags", ctypes.c_int), ("stack_size", ctypes.c_size_t), ("rest", ctypes.c_char * 16384),
        )  # fmt: skip

    context, stack = Context(), ctypes.create_string_buffer(_STACK)
    library.getcontext(ctypes.byref(context))
    context.link, context.stack, context.stack_size = then, ctypes.addressof(stack), _STACK
    called = ctypes.cast(function, ctypes.c_void_p)
    library.makecontext(ctypes.byref(context), called, len(words), *map(ctypes.c_void_p, words))
    return context, stack


def _interpreter() -> bool:
    """Whether this is Python's own program, rather than another one that has Python in it."""
    return os.path.basename(sys.executable or "").startswith(("python", "pypy"))  # noqa: PTH119 - a text is at hand
