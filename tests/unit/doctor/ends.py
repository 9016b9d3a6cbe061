"""Servers that a test scripts, one thread for each connection, on ports that the kernel gives."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.unit.devserver.test_hostile_pbx import accept

#: What a server does with a connection until it returns, or the test is over.
Act = Callable[[socket.socket, threading.Event], None]

#: Seconds between two bytes of somebody who takes his time.
SLOWLY = 0.05


@contextlib.contextmanager
def end(act: Act, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server at the port that is given, with TLS if there is a ``context``."""
    over = threading.Event()
    threads: list[threading.Thread] = []
    open_ones: list[socket.socket] = []

    def serve(plain: socket.socket) -> None:
        with plain, contextlib.suppress(OSError):
            if context is None:
                act(plain, over)
                return
            with context.wrap_socket(plain, server_side=True) as secure:
                act(secure, over)

    def listen() -> None:
        with contextlib.suppress(OSError):
            while True:
                plain, _ = listener.accept()
                open_ones.append(plain)
                threads.append(threading.Thread(target=serve, args=(plain,)))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        waiting = threading.Thread(target=listen)
        waiting.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            waiting.join()
            for plain in open_ones:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(plain, socket.SHUT_RDWR)
            for thread in threads:
                thread.join()


@contextlib.contextmanager
def full() -> Iterator[int]:
    """A port whose queue is full: to whoever comes, its packets are dropped."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as listener,
        contextlib.ExitStack() as all_,
    ):
        for _ in range(4):
            waiting = all_.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def silent(_: socket.socket, over: threading.Event) -> None:
    over.wait(60)


def hangs_up(_: socket.socket, over: threading.Event) -> None:
    del over


def after_a_request(act: Act) -> Act:
    def acting(line: socket.socket, over: threading.Event) -> None:
        line.recv(4096)
        act(line, over)

    return acting


def says(data: bytes) -> Act:
    def act(line: socket.socket, over: threading.Event) -> None:
        del over
        line.sendall(data)

    return act


def drips(data: bytes, once: bytes = b"") -> Act:
    """Says ``once``, and then ``data`` byte by byte, again and again."""

    def act(line: socket.socket, over: threading.Event) -> None:
        line.sendall(once)
        place = 0
        while not over.wait(SLOWLY):
            line.sendall(data[place : place + 1])
            place = (place + 1) % len(data)

    return act


def pours(data: bytes, once: bytes = b"") -> Act:
    """The same, as fast as it is taken."""

    def act(line: socket.socket, over: threading.Event) -> None:
        line.sendall(once)
        while not over.is_set():
            line.sendall(data)

    return act


def opens(act: Act) -> Act:
    """A WebSocket for whoever asks for one, and a page for everybody else; then ``act``."""

    def acting(line: socket.socket, over: threading.Event) -> None:
        asked = line.recv(4096).decode()
        if "websocket" not in asked.lower():
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage")
            return
        accept(line, asked)  # type: ignore[arg-type]
        act(line, over)

    return acting


@cache
def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def chain(folder: Path, number: int, padding: int = 0) -> Path:
    """``number`` certificates that have nothing to do with each other but the name, with their key, each
    ``padding`` bytes longer than it has to be.
    """
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    begin = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(_key().public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=30))
    )
    if padding:
        odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"x" * padding)
        made = made.add_extension(odd, critical=False)
    pem = made.sign(_key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    key = _key().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "chain.pem"
    path.write_bytes(key + pem * number)
    return path


def showing(path: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(path)
    return made
