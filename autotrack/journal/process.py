"""Who writes, and whether a writer is still alive."""

from __future__ import annotations

import os

from autotrack.event import Process

_RANKS = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "JSM_NAMESPACE_RANK")

_this: Process | None = None


def this_process() -> Process:
    """The facts of the calling process; a forked child gets its own."""
    global _this
    if _this is None or _this.pid != os.getpid():
        _this = Process(
            host=_host(),
            boot=_line("/proc/sys/kernel/random/boot_id"),
            pidns=_link("/proc/self/ns/pid"),
            pid=os.getpid(),
            start=_start(os.getpid()) or 0,
            rank=rank(),
        )
    return _this


def rank() -> int:
    """This process's place among the workers of a distributed training; 0 where there are none."""
    for name in _RANKS:
        value = os.environ.get(name, "")
        if value.isdecimal():
            return int(value)
    return 0


def alive(process: Process | None) -> bool | None:
    """True or False where it can be proved from here, else ``None``.

    Proof needs the same host, boot and pid namespace; there a pid whose start time differs is somebody else's.
    """
    if process is None or not process.boot or not process.pidns or not process.start:
        return None
    here = this_process()
    if (process.host, process.boot, process.pidns) != (here.host, here.boot, here.pidns):
        # The same machine booted since: nothing of the earlier boot lives.
        return False if process.host == here.host and here.boot and process.boot != here.boot else None
    start = _start(process.pid)
    if start is None and _hidden(process.pid):
        return None
    return start == process.start


def _hidden(pid: int) -> bool:
    """Whether a process is there that ``/proc`` does not show, as another user's may be."""
    if os.path.exists(f"/proc/{pid}"):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _host() -> str:
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")


def _line(path: str) -> str:
    try:
        with open(path) as file:
            return file.readline().strip()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _start(pid: int) -> int | None:
    """Start time in clock ticks since boot, field 22 of ``/proc/PID/stat``; a zombie counts as gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])
