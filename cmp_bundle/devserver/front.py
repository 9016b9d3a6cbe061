"""The phone's port: every request is looked at here, and goes to Asterisk's rules or to a tool.

Tornado's own routing would normalise paths and refuse methods before Asterisk's rules had seen
them; so requests are taken as they come off the wire.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, cast

from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import StreamClosedError

from cmp_bundle.asterisk.web import HttpRequest, HttpResponse, is_socket, respond

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from tornado.http1connection import HTTP1Connection
    from tornado.httputil import HTTPConnection
    from tornado.web import Application

    from cmp_bundle.asterisk.web import StaticFiles, WebServer
    from cmp_bundle.devserver.guard import Guard

#: Paths of the dev server's own, which Asterisk does not have. The phone's page may be a
#: stranger's, and any user of this machine can ask: they tell when to reload, and nothing else.
TOOLS = ("/__cmp/", "/livereload")


@dataclass(eq=False)
class Front(HTTPServerConnectionDelegate):
    """``rules`` gives the web server's configuration as it is now.

    Whoever has not taken an answer after ``sending`` seconds gets no more of it.
    """

    guard: Guard
    rules: Callable[[], WebServer]
    tree: StaticFiles
    tools: Application
    phones: Application
    sending: float
    no_cache: bool

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        return _PhoneRequest(self, server_conn, request_conn)

    def on_close(self, server_conn: object) -> None:
        self.tools.on_close(server_conn)
        self.phones.on_close(server_conn)


class HandedOn(HTTPMessageDelegate):
    """Goes on to ``_next``, once the headers have decided what that is."""

    _next: HTTPMessageDelegate | None = None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._next.data_received(chunk) if self._next is not None else None

    def finish(self) -> None:
        if self._next is not None:
            self._next.finish()

    def on_connection_close(self) -> None:
        if self._next is not None:
            self._next.on_connection_close()


@dataclass(eq=False)
class _PhoneRequest(HandedOn):
    """Decides with the headers; then it answers itself, or hands everything on."""

    front: Front
    server_conn: object
    connection: HTTPConnection
    answer: HttpResponse | None = None
    head: bool = False

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        if not isinstance(start_line, RequestStartLine):  # the other kind is for clients
            raise TypeError(start_line)
        self.head = start_line.method.upper() == "HEAD"
        request = HttpRequest(
            start_line.method,
            start_line.path.encode("latin-1", "replace"),
            {name.lower(): value for name, value in headers.get_all()},
        )
        front = self.front
        if not front.guard.allows_host(headers.get("Host")):
            return self._last(UNKNOWN_HOST)
        if "Service-Worker" in headers:
            return self._last(_NO_WORKERS)
        path = start_line.path.partition("?")[0]
        rules = front.rules()
        if is_socket(request, rules):
            self._next = front.phones.start_request(self.server_conn, self.connection)
        elif path.startswith(TOOLS):
            self._next = front.tools.start_request(self.server_conn, self.connection)
        if self._next is not None:
            return self._next.headers_received(start_line, headers)
        answer = respond(request, rules, front.tree)
        if answer.close:
            return self._last(answer)
        self.answer = answer
        return None

    def finish(self) -> None:
        super().finish()
        if self.answer is not None:
            self._send(self.answer)

    def _send(self, answer: HttpResponse) -> None:
        line = ResponseStartLine("HTTP/1.1", answer.status, answer.title)
        headers = _headers(answer, no_cache=self.front.no_cache)
        taken = self.connection.write_headers(line, headers, _body(answer, head=self.head))
        stream = cast("HTTP1Connection", self.connection).stream
        patience = asyncio.get_running_loop().call_later(self.front.sending, stream.close)
        taken.add_done_callback(lambda _: patience.cancel())
        self.connection.finish()

    def _last(self, answer: HttpResponse) -> Awaitable[None]:
        no_cache = self.front.no_cache
        return last_answer(self.connection, answer, head=self.head, no_cache=no_cache)


async def last_answer(
    connection: HTTPConnection, answer: HttpResponse, *, head: bool = False, no_cache: bool = False
) -> None:
    """Answer, and let nothing else pass on this connection; whatever follows is not read."""
    stream = cast("HTTP1Connection", connection).detach()
    lines = [f"HTTP/1.1 {answer.status} {answer.title}"]
    lines += [f"{name}: {value}" for name, value in _headers(answer, no_cache=no_cache).get_all()]
    start = "\r\n".join([*lines, "", ""]).encode("latin-1")
    with contextlib.suppress(StreamClosedError):
        await stream.write(start + _body(answer, head=head))
    stream.close()


def _headers(answer: HttpResponse, *, no_cache: bool) -> HTTPHeaders:
    headers = HTTPHeaders({"Server": "cmp-bundle", "Date": formatdate(usegmt=True)})
    for name, value in answer.headers:
        headers.add(name, value)
    if no_cache:
        headers["Cache-Control"] = "no-store"
    if answer.close:
        headers["Connection"] = "close"
    headers["Content-Length"] = str(len(answer.body))
    return headers


def _body(answer: HttpResponse, *, head: bool) -> bytes:
    return b"" if head or answer.status == 304 else answer.body  # noqa: PLR2004


def refusal(
    status: int, title: str, text: str, headers: Iterable[tuple[str, str]] = ()
) -> HttpResponse:
    """An answer after which the connection is closed."""
    headers = (("Content-type", "text/plain"), *headers)
    return HttpResponse(status, title, headers, f"{text}\n".encode(), close=True)


UNKNOWN_HOST = refusal(
    421, "Misdirected Request", "This server does not have the host name of this request."
)

#: Asterisk would serve it. But a worker that a stranger's phone leaves in a browser would see every
#: phone that is tried on this port afterwards, with its links.
_NO_WORKERS = refusal(
    403, "Forbidden", "cmp-bundle serve refuses to serve service workers; Asterisk serves them."
)
