"""Real https servers on loopback that answer as a test says, well or badly."""

from __future__ import annotations

import http.server
import socket
import socketserver
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from tests.unit.tls.serving import pump

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Trust:
    """Both ends' TLS, and the authority's certificate as a file."""

    server: ssl.SSLContext
    client: ssl.SSLContext
    authority: Path


@dataclass(frozen=True)
class Answer:
    """One answer; ``cut`` ends the connection after so many bytes of the body."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    chunked: bool = False
    length: bool = True


#: Ends the connection without a word, and never answers at all.
DROP = Answer(status=0)
HANG = Answer(status=-1)


class HttpsServer:
    """Gives ``answers[path]`` one after the other, the last one for ever.

    Paths that are not in ``answers`` are files of ``folder``, if there is one.
    """

    def __init__(self, trust: Trust) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.folder: Path | None = None
        self.asked: list[str] = []
        self._stopping = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self, self._stopping))
        self._server.context = trust.server
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str) -> str:
        return f"https://127.0.0.1:{self.port}{path}"

    def give(self, path: str, *answers: Answer) -> str:
        """The address where ``answers`` are to be had."""
        self.answers[path] = list(answers)
        return self.url(path)

    def next_answer(self, path: str) -> Answer:
        self.asked.append(path)
        path = path.partition("?")[0]
        waiting = self.answers.get(path)
        if waiting:
            return waiting[0] if len(waiting) == 1 else waiting.pop(0)
        if self.folder is not None and (self.folder / path[1:]).is_file():
            return Answer((self.folder / path[1:]).read_bytes())
        return Answer(b"not here", 404)


class _Server(socketserver.ThreadingTCPServer):
    # Threads are waited for when the server closes, so that no socket outlives its test.
    daemon_threads = False
    context: ssl.SSLContext

    def get_request(self) -> tuple[socket.socket, Any]:
        plain, address = super().get_request()
        # The handshake belongs into the request's own thread.
        secure = self.context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        return secure, address

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that do not trust us, or have heard enough, hang up; that is no news."""


def _handler(
    server: HttpsServer, stopping: threading.Event
) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            answer = server.next_answer(self.path)
            if answer.status == HANG.status:
                stopping.wait(10)
            if answer.status <= 0:
                return
            self.protocol_version = "HTTP/1.1"
            self.send_response_only(answer.status)
            self.send_header("Connection", "close")
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.chunked:
                self.send_header("Transfer-Encoding", "chunked")
            elif answer.length and "Content-Length" not in answer.headers:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            body = answer.body
            if answer.chunked:
                body = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
            self.wfile.write(body[: answer.cut])
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    return Handler


class ConnectProxy:
    """A proxy that knows CONNECT only; ``asked`` are the places it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                line = self.rfile.readline().decode()
                while self.rfile.readline().strip():
                    pass
                place = line.split()[1]
                outer.asked.append(place)
                host, _, port = place.rpartition(":")
                with socket.create_connection((host, int(port)), timeout=10) as there:
                    self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
                    back = threading.Thread(target=pump, args=(there, self.connection))
                    back.start()
                    pump(self.connection, there)
                    back.join()

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = False

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"
