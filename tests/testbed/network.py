"""A network of this process's own, and of all that it starts: nobody else's port is met in it.

It is there as long as anything in it runs, so a run that is killed leaves none behind. It takes
root; whoever is not allowed stays in the machine's own.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

#: Of <linux/sched.h>; Python has it, and what takes it, since 3.12.
_CLONE_NEWNET = 0x40000000

#: A loopback, and what browsers need for a call beside it: an address, here one that is for
#: examples alone, and a way that begins there. It leads nowhere, and who tries it is told at once.
#: Not all kernels have the kind "dummy", which would be simpler.
_FURNISHING = (
    "link set lo up",
    "link add here type veth peer name there",
    "link set there up",
    "link set here up",
    "address add 192.0.2.1/24 dev here",
    "route add default dev here",
    "ntable change name arp_cache dev here mcast_probes 1 retrans 20",
)


@dataclass
class _Network:
    """Where this process is. ``machine`` is a descriptor of the network that it has left."""

    machine: int | None = None
    why_not: str | None = "no network of its own: nobody asked for one"


_NETWORK = _Network()


def why_not() -> str | None:
    """Why this process has no network of its own; None where it has."""
    return _NETWORK.why_not


def enter() -> None:
    """Leave the machine's own network, with this thread and what it starts from now on."""
    machine = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _call("unshare", _CLONE_NEWNET)
        try:
            for line in _FURNISHING:
                subprocess.run(["ip", *line.split()], check=True, capture_output=True)
        except BaseException:
            _call("setns", machine, _CLONE_NEWNET)
            raise
    except (OSError, subprocess.CalledProcessError) as error:
        os.close(machine)
        _NETWORK.why_not = f"no network of its own (takes root, iproute2 and veth): {error}"
        return
    _NETWORK.machine, _NETWORK.why_not = machine, None


@contextlib.contextmanager
def outside() -> Iterator[None]:
    """The machine's own network for this thread and what it starts, as for a package registry."""
    if _NETWORK.machine is None:
        yield
        return
    inside = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    _call("setns", _NETWORK.machine, _CLONE_NEWNET)
    try:
        yield
    finally:
        _call("setns", inside, _CLONE_NEWNET)
        os.close(inside)


def _call(name: str, *arguments: int) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), name)
