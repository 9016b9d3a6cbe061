"""A DNS server of the tests' own network, at the address that this machine asks."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

#: A and AAAA, and the versions of IP that they are for.
_TYPES = {1: 4, 28: 6}


def _server() -> str:
    found = re.search(r"^nameserver\s+(\S+)", Path("/etc/resolv.conf").read_text(), re.MULTILINE)
    return found[1] if found else "127.0.0.1"


@contextlib.contextmanager
def addresses(*more: str) -> Iterator[None]:
    """Give this machine ``more`` of them."""
    added = []
    for one in more:
        words = ["ip", "address", "add", f"{one}/{128 if ':' in one else 32}", "dev", "lo"]
        if ":" in one:
            words.append("nodad")
        if subprocess.run(words, check=False, capture_output=True).returncode == 0:
            added.append(one)
    try:
        yield
    finally:
        for one in added:
            size = 128 if ":" in one else 32
            subprocess.run(["ip", "address", "del", f"{one}/{size}", "dev", "lo"], check=True)


@contextlib.contextmanager
def names(known: Mapping[str, Sequence[str]]) -> Iterator[None]:
    """Answer for ``known``; no other name exists."""
    where = _server()
    family = socket.AF_INET6 if ":" in where else socket.AF_INET
    with addresses(where), socket.socket(family, socket.SOCK_DGRAM) as asked:
        asked.bind((where, 53))
        thread = threading.Thread(target=_answer, args=(asked, known), daemon=True)
        thread.start()
        try:
            yield
        finally:
            asked.sendto(b"", (where, 53))
            thread.join()


def _answer(asked: socket.socket, known: Mapping[str, Sequence[str]]) -> None:
    with contextlib.suppress(OSError):
        while True:
            query, who = asked.recvfrom(4096)
            if not query:
                return
            asked.sendto(_reply(query, known), who)


def _reply(query: bytes, known: Mapping[str, Sequence[str]]) -> bytes:
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode())
        at += 1 + query[at]
    (kind,) = struct.unpack(">H", query[at + 1 : at + 3])
    question = query[12 : at + 5]
    found = known.get(".".join(labels).lower())
    wanted = [
        ipaddress.ip_address(one).packed
        for one in found or ()
        if ipaddress.ip_address(one).version == _TYPES.get(kind)
    ]
    flags = 0x8180 if found else 0x8183
    head = query[:2] + struct.pack(">5H", flags, 1, len(wanted), 0, 0)
    rows = (struct.pack(">HHHIH", 0xC00C, kind, 1, 60, len(one)) + one for one in wanted)
    return head + question + b"".join(rows)
