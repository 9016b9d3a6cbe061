"""The TCP sockets of this machine: who listens at a port, and how many are connected there."""

from __future__ import annotations

import re
import socket
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

#: The kernel's numbers of states (include/net/tcp_states.h).
_ESTABLISHED, _HALF_OPEN, _CLOSE_WAIT, _LISTEN = 0x01, 0x03, 0x08, 0x0A

#: More than a hundred thousand sockets are not looked at.
_MOST = 1 << 24


@dataclass(frozen=True)
class Program:
    """A process that listens."""

    name: str
    pid: int

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid})"


@dataclass(frozen=True)
class Connections:
    """At a port: ``open`` are connected, ``left`` were left by the other side and not yet closed by
    this one (CLOSE-WAIT), ``half_open`` are not yet connected.
    """

    open: int = 0
    left: int = 0
    half_open: int = 0


@dataclass(frozen=True)
class Row:
    """A line of /proc/net/tcp."""

    port: int
    state: int
    inode: int


def rows(text: str) -> Iterator[Row]:
    for line in text.splitlines():
        found = re.match(
            r"\s*\d+: [0-9A-F]+:([0-9A-F]{4}) \S+ ([0-9A-F]{2}) \S+ \S+ \S+ +\d+ +\d+ (\d+)", line
        )
        if found:
            yield Row(int(found[1], 16), int(found[2], 16), int(found[3]))


def connections(found: Collection[Row], ports: Collection[int]) -> dict[int, Connections]:
    def count(port: int, state: int) -> int:
        return sum(row.port == port and row.state == state for row in found)

    return {
        port: Connections(
            count(port, _ESTABLISHED), count(port, _CLOSE_WAIT), count(port, _HALF_OPEN)
        )
        for port in ports
    }


def seen() -> tuple[Row, ...]:
    """All of this machine's, in the network that this process is in; none where nobody tells."""
    found: list[Row] = []
    for name in ("tcp", "tcp6"):
        with suppress(OSError), Path("/proc/thread-self/net", name).open(errors="replace") as file:
            found += rows(file.read(_MOST))
    return tuple(found)


def listeners(found: Collection[Row], ports: Collection[int]) -> Mapping[int, Program]:
    """Whose they are, as far as this user may see that: root alone sees those of others."""
    wanted = {
        f"socket:[{row.inode}]": row.port
        for row in found
        if row.state == _LISTEN and row.port in ports
    }
    programs: dict[int, Program] = {}
    for process in Path("/proc").iterdir() if wanted else ():
        if not process.name.isdigit():
            continue
        with suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                port = wanted.get(_target(descriptor))
                if port is not None and port not in programs:
                    name = (process / "comm").read_text(errors="replace").strip()
                    programs[port] = Program(name, int(process.name))
    return programs


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:
        return ""


def is_own(address: str) -> bool:
    """Whether an address is this machine's: only to those can a socket be bound."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with closing(socket.socket(family, socket.SOCK_STREAM)) as tried:
            tried.bind((address, 0))
    except OSError:
        return False
    return True
