"""What kind of file system a directory lies on, and what it can be relied upon for."""

from __future__ import annotations

import os
from pathlib import Path

_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "lustre", "gpfs", "ceph", "glusterfs", "beegfs"}
_STAMPS = {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "tmpfs", "ramfs", "overlay"}


def on_network(directory: Path) -> bool:
    """Whether it is one on which SQLite cannot share memory or trust locks."""
    found = kind(directory)
    return found in _NETWORK or found.startswith("fuse.sshfs")


def stamps_directories(directory: Path) -> bool:
    """Whether a directory that gets a new entry is known to say so by its times: at once, and to every process."""
    return kind(directory) in _STAMPS


def kind(directory: Path) -> str:
    """The name of the file system as Linux has it; empty where it is not to be found out."""
    try:
        with Path("/proc/self/mounts").open("rb") as file:
            mounts = [line.split(b" ")[1:3] for line in file]
    except OSError:
        return ""
    real = os.fsencode(os.path.realpath(directory))
    best, found = b"", b""
    for raw, name in mounts:
        point = raw.replace(b"\\040", b" ").rstrip(b"/")
        if (real == point or real.startswith(point + b"/")) and len(point) >= len(best):
            best, found = point, name
    return found.decode("ascii", "replace")
