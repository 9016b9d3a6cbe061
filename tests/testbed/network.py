"""A network of this process's own, and of all that it starts: nobody else's port is met in it.

It is there as long as anything in it runs, so a run that is killed leaves none behind. It takes
root; whoever is not allowed stays in the machine's own.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: Of <linux/sched.h>, <linux/sockios.h> and <linux/if.h>. Python has the first since 3.12.
_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1

#: One for examples, which nobody has: browsers call from no loopback unless they are told to.
_ADDRESS = "192.0.2.1/24"


@dataclass
class _Here:
    """Where this process is. ``machine`` is a descriptor of the network that it has left."""

    machine: int | None = None
    why_not: str | None = "nobody has asked for one"


_HERE = _Here()


def why_not() -> str | None:
    """Why this process has no network of its own; None where it has."""
    return _HERE.why_not


def enter() -> None:
    """Leave the machine's own network, with this thread and what it starts from now on."""
    machine = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _call("unshare", _CLONE_NEWNET)
    except OSError as error:
        os.close(machine)
        _HERE.why_not = f"no network of its own: {error}"
        return
    _HERE.machine, _HERE.why_not = machine, None
    with socket.socket() as any_socket:
        flags = struct.pack("16sh14x", b"lo", _IFF_UP)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, flags)
    if shutil.which("ip"):
        # Not all kernels have the simpler "dummy".
        _ip("link", "add", "here", "type", "veth", "peer", "name", "there")
        _ip("address", "add", _ADDRESS, "dev", "here")
        for end in ("here", "there"):
            _ip("link", "set", end, "up")


def only_loopback() -> bool:
    """Whether there is no other address to call from."""
    return {name for _, name in socket.if_nameindex()} == {"lo"}


@contextlib.contextmanager
def outside() -> Iterator[None]:
    """The machine's own network for this thread and what it starts, as for a package registry."""
    if _HERE.machine is None:
        yield
        return
    with Path("/proc/thread-self/ns/net").open() as own:
        _call("setns", _HERE.machine, _CLONE_NEWNET)
        try:
            yield
        finally:
            _call("setns", own.fileno(), _CLONE_NEWNET)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=False, stderr=subprocess.DEVNULL)


def _call(name: str, *arguments: int) -> None:
    # Python has both since 3.12.
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), name)
