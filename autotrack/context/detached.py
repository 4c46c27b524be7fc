"""Starting a process that this program never notices.

A program may wait for whichever child ends next, or have a handler for the signal that tells it of one, and a child of
ours would be none that it knows. So the helper is nobody's child: its parent has ended before :func:`start` returns.
That parent, in turn, is a child of a kind that ``wait`` does not see and that sends no signal (Linux: one whose signal
at exit is none, ``clone(2)``); it shares this process's memory for the millisecond that it lives, as a child of
``vfork`` does, and runs nothing but the C library's ``system``. Where there is no such thing, nothing is started.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

_ROOT = str(Path(__file__).parents[2])
_VM, _VFORK = 0x100, 0x4000
"""``CLONE_VM`` and ``CLONE_VFORK`` of linux/sched.h."""
_ANY = 0x40000000
"""``__WALL``: wait for such a child too."""
_SUBREAPER = 37
"""``PR_GET_CHILD_SUBREAPER`` of linux/prctl.h."""
_STACK = 256 << 10
_ALL = 0x1FBF
"""``LC_ALL_MASK`` of locale.h."""
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
    here. The interpreter is isolated: neither site-packages nor ``PYTHON*`` have a part in it.
    """
    if not possible():
        return False
    import ctypes  # the way to clone(2); a program without runs does not come by here

    library = ctypes.CDLL(None, use_errno=True)
    reaper = ctypes.c_int()
    if library.prctl(_SUBREAPER, ctypes.byref(reaper), 0, 0, 0) != 0 or reaper.value:
        return False
    library.newlocale.restype = ctypes.c_void_p
    if not _has_directory() or (not _is_terse() and library.newlocale(_ALL, b"", None) is None):
        return False  # the shell would complain, before it can be told where to
    here = f"/proc/{os.getpid()}/fd"
    python = " ".join(_quoted(word) for word in (sys.executable, "-I", "-S", "-c", code, *words))
    # The pipes are opened by name, so that none of the program's own children can inherit them meanwhile.
    command = f"exec >/dev/null 2>&1; exec 3<{here}/{questions} 4>>{here}/{answers}; {python} <&3 >&4 3<&- 4>&- &"
    stack = ctypes.create_string_buffer(_STACK)
    top = (ctypes.addressof(stack) + _STACK) & ~63
    library.clone.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p]
    # Not a signal may be handled while the memory is shared: the program's handlers are in it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        pid = library.clone(ctypes.cast(library.system, ctypes.c_void_p), top, _VM | _VFORK, os.fsencode(command))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    if pid <= 0:
        return False
    with contextlib.suppress(OSError):  # somebody who waits for all kinds may have been quicker
        os.waitpid(pid, _ANY)
    return True


def _has_directory() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 - it is only asked whether there is one
    except OSError:
        return False
    return True


def _is_terse() -> bool:
    """Whether the shell says nothing of a locale that the machine does not have."""
    return os.path.basename(os.path.realpath("/bin/sh")) in ("dash", "busybox")  # noqa: PTH119 - a text is wanted


def _interpreter() -> bool:
    """Whether this is Python's own program, rather than another one that has Python in it."""
    return os.path.basename(sys.executable or "").startswith(("python", "pypy"))  # noqa: PTH119 - a text is at hand


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"
