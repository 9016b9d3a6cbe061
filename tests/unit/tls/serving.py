"""TLS with a certificate of ours: in memory for many handshakes, on a socket for real ones."""

from __future__ import annotations

import contextlib
import http.server
import re
import socket
import socketserver
import ssl
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

PAGE = b"<!doctype html><title>here</title>"


def serving_context(pem: Path) -> ssl.SSLContext:
    """A server's, with key and certificate in one file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def believing(ca: bytes | None) -> ssl.SSLContext:
    """A client's that believes this authority and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    if ca is not None:
        context.load_verify_locations(cadata=ca.decode())
    return context


def handshake(pem: bytes, ca: bytes | None, name: str) -> None:
    """A whole handshake in memory, by a client that asks for ``name``. Raises ssl.SSLError."""
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(pem)
        file.flush()
        server_context = serving_context(Path(file.name))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = believing(ca).wrap_bio(to_client, to_server, server_hostname=name)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    waiting = [client, server]
    while waiting:
        for side in list(waiting):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(side)


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    context: ssl.SSLContext

    def finish_request(self, request: object, client_address: object) -> None:
        # In the request's own thread: a client that turns away in the middle holds up nobody.
        with self.context.wrap_socket(request, server_side=True) as secure:  # type: ignore[arg-type]
            super().finish_request(secure, client_address)

    def handle_error(self, *_: object) -> None:
        pass  # clients that do not believe the certificate are what it is for


@contextlib.contextmanager
def serving(pem: Path) -> Iterator[int]:
    """A page over HTTPS on loopback; the port."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.context = serving_context(pem)
    with _running(server) as port:
        yield port


@contextlib.contextmanager
def _running(server: socketserver.TCPServer) -> Iterator[int]:
    """``server`` in a thread; its port."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Tunnel(socketserver.StreamRequestHandler):
    """A proxy to which every name and address is this machine."""

    def handle(self) -> None:
        found = re.match(rb"CONNECT \S+:(\d+) ", self.rfile.readline())
        while self.rfile.readline().strip():
            pass
        try:
            port = int(found[1]) if found else 0
            there = socket.create_connection(("127.0.0.1", port))
        except OSError:
            self.wfile.write(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
            return
        with there:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=pump, args=(there, self.connection))
            back.start()
            pump(self.connection, there)
            back.join()


def pump(source: socket.socket, sink: socket.socket) -> None:
    """All that comes from ``source``, to its end."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


class _Tunnels(socketserver.ThreadingTCPServer):
    daemon_threads = True
    # A browser may leave a connection open to the end.
    block_on_close = False


@contextlib.contextmanager
def tunnel() -> Iterator[int]:
    """A proxy for browsers that shows them servers here under any name and address; its port.

    What they ask of the Internet by themselves meets a port of this machine, or nobody.
    """
    server = _Tunnels(("127.0.0.1", 0), _Tunnel)
    with _running(server) as port:
        yield port
