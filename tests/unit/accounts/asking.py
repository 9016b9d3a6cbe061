"""Servers that speak the beginning of a database's protocol, and ask for more than is good.

What they are sent they keep; what was encrypted for a key of theirs they decrypt.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

SALT = b"12345678abcdefghijkl"
PATIENCE = 30

_KEY = rsa.generate_private_key(65537, 2048)
_PUBLIC = _KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
_OK = b"\0\0\0\2\0\0\0"


@dataclass
class Heard:
    """Everything that whoever connected said, after TLS where there was any."""

    port: int
    packets: list[bytes] = field(default_factory=list)

    @property
    def everything(self) -> bytes:
        return b"\n".join(self.packets)


class Line:
    """A connection, which may become one over TLS."""

    def __init__(self, plain: socket.socket) -> None:
        plain.settimeout(PATIENCE)
        self._socket = plain

    def encrypt(self, tls: ssl.SSLContext) -> None:
        self._socket = tls.wrap_socket(self._socket, server_side=True)

    def say(self, data: bytes) -> None:
        self._socket.sendall(data)

    def hear(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self._socket.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def close(self) -> None:
        self._socket.close()


@contextmanager
def serving(talk: Callable[[Line, Heard], None], place: Path | None = None) -> Iterator[Heard]:
    """Have ``talk`` with everybody who connects: to a free port, or to the socket at ``place``."""
    family, address = (socket.AF_UNIX, str(place)) if place else (socket.AF_INET, ("127.0.0.1", 0))
    with socket.socket(family) as listening:
        listening.bind(address)
        listening.listen()
        heard = Heard(0 if place else listening.getsockname()[1])

        def run() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                line = Line(connection)
                # Whoever thinks better of it goes away in the middle.
                with closing(line), suppress(OSError, EOFError):
                    talk(line, heard)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield heard
        finally:
            # A close alone does not wake up who accepts.
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


@dataclass(frozen=True)
class Mysql:
    """A server with ``way`` to be authenticated, at the beginning or as a switch to it.

    Where the way is none it lets everybody in, and then asks for ``file``.
    """

    way: str = ""
    initial: bool = False
    tls: ssl.SSLContext | None = None
    file: str = ""

    def __call__(self, line: Line, heard: Heard) -> None:
        # Not LOCAL_FILES: a server that is after a file asks for it all the same.
        able = 0x000FA68D | 0x00080000 | (0x800 if self.tls else 0)
        name = self.way if self.initial else "mysql_native_password"
        greeting = b"\x0a8.0.36\0" + struct.pack("<I", 1) + SALT[:8] + b"\0"
        greeting += struct.pack("<HBHHB", able & 0xFFFF, 45, 2, able >> 16, len(SALT) + 1)
        self._send(line, 0, greeting + bytes(10) + SALT[8:] + b"\0" + name.encode() + b"\0")
        number, answer = self._hear(line, heard)
        if self.tls and len(answer) == 32:
            line.encrypt(self.tls)
            number, answer = self._hear(line, heard)
        if self.way and not self.initial:
            asked = b"\xfe" + self.way.encode() + b"\0"
            asked += b"\4Password: " if self.way == "dialog" else SALT + b"\0"
            self._send(line, number + 1, asked)
            number, answer = self._hear(line, heard)
        if self.way == "caching_sha2_password":
            self._send(line, number + 1, b"\1\4")  # the whole authentication
            number, answer = self._hear(line, heard)
        if answer[-1:] in (b"\1", b"\2") or answer.endswith(b"\1asterisk\0sha256_password\0"):
            self._send(line, number + 1, b"\1" + _PUBLIC)
            number, answer = self._hear(line, heard)
        self._decrypt(answer, heard)
        self._send(line, number + 1, _OK)
        while True:
            number, answer = self._hear(line, heard)
            # pymysql takes no such answer to what it sets up by itself.
            late = self.file and not answer.startswith((b"\3SET NAMES", b"\3SET AUTOCOMMIT"))
            self._send(line, number + 1, b"\xfb" + self.file.encode() if late else _OK)

    def _decrypt(self, answer: bytes, heard: Heard) -> None:
        oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
        with suppress(ValueError):
            mixed = _KEY.decrypt(answer, oaep)
            heard.packets.append(bytes(b ^ SALT[n % 20] for n, b in enumerate(mixed)))

    def _send(self, line: Line, number: int, payload: bytes) -> None:
        line.say(struct.pack("<I", len(payload))[:3] + bytes([number % 256]) + payload)

    def _hear(self, line: Line, heard: Heard) -> tuple[int, bytes]:
        head = line.hear(4)
        payload = line.hear(int.from_bytes(head[:3], "little"))
        heard.packets.append(payload)
        return head[3], payload


@dataclass(frozen=True)
class Postgresql:
    """A server that asks for the password itself."""

    tls: ssl.SSLContext | None = None

    def __call__(self, line: Line, heard: Heard) -> None:
        while (wanted := self._hear(line, heard)[:4]) in (
            b"\x04\xd2\x16\x2f",
            b"\x04\xd2\x16\x30",
        ):
            if wanted.endswith(b"\x2f") and self.tls:
                line.say(b"S")
                line.encrypt(self.tls)
            else:
                line.say(b"N")
        line.say(b"R" + struct.pack("!II", 8, 3))
        line.hear(1)
        self._hear(line, heard)
        line.say(b"E" + struct.pack("!I", 4 + 25) + b"SFATAL\0C28P01\0Mthat is all\0\0"[:25])

    def _hear(self, line: Line, heard: Heard) -> bytes:
        payload = line.hear(struct.unpack("!I", line.hear(4))[0] - 4)
        heard.packets.append(payload)
        return payload
