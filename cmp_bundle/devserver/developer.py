"""The developer's port: whoever knows the secret in its address, and nobody's page but its own.

It is a port of its own because the phone's page may be a stranger's. What shares an origin with it
reads all of that origin: by fetching it, in a frame, in a window that it opens. Cookies would not
help: those of one port are sent to all.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tornado.httputil import HTTPMessageDelegate, HTTPServerConnectionDelegate, RequestStartLine

from cmp_bundle.devserver.front import UNKNOWN_HOST, HandedOn, last_answer, refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tornado.httputil import HTTPConnection, HTTPHeaders, ResponseStartLine
    from tornado.web import Application

    from cmp_bundle.devserver.guard import Guard

#: What every answer tells a browser: to keep nothing, to tell nobody where it was, and to let no
#: other page have it as a picture, in a frame, or as a window that it opened.
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    # A process of its own, where a browser would put all ports of a host into one.
    "Origin-Agent-Cluster": "?1",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}


@dataclass(frozen=True)
class Developer:
    """Who may see the developer's page: ``secret`` is the first part of every path."""

    guard: Guard
    secret: str = field(repr=False)

    def admits(self, method: str, path: str, headers: HTTPHeaders) -> str | None:
        """The path behind the secret; None for whoever may not have it, whatever the reason."""
        first, slash, rest = path.removeprefix("/").partition("/")
        matches = hmac.compare_digest(first.encode("utf-8", "replace"), self.secret.encode())
        if not (matches and slash) or method not in ("GET", "HEAD"):
            return None
        # A page may be visited from anywhere, say from a terminal in a browser; it cuts the ties to
        # whoever opened it. All else is for itself alone. Programs say nothing of all this.
        site = headers.get("Sec-Fetch-Site", "none")
        visit = headers.get("Sec-Fetch-Dest") == "document" and not rest
        if site not in ("none", "same-origin") and not visit:
            return None
        if not self.guard.allows_origin(headers.get("Origin")) or "Service-Worker" in headers:
            return None
        return f"/{rest}"


@dataclass(eq=False)
class DeveloperFront(HTTPServerConnectionDelegate):
    """Hands what ``developer`` admits to ``pages``, which never see the secret: nor do logs."""

    developer: Developer
    pages: Application

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        return _DeveloperRequest(self, server_conn, request_conn)

    def on_close(self, server_conn: object) -> None:
        self.pages.on_close(server_conn)


@dataclass(eq=False)
class _DeveloperRequest(HandedOn):
    front: DeveloperFront
    server_conn: object
    connection: HTTPConnection

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        if not isinstance(start_line, RequestStartLine):  # the other kind is for clients
            raise TypeError(start_line)
        developer = self.front.developer
        if not developer.guard.allows_host(headers.get("Host")):
            return last_answer(self.connection, UNKNOWN_HOST)
        path = developer.admits(start_line.method, start_line.path, headers)
        if path is None:
            return last_answer(self.connection, _NOTHING)
        self._next = self.front.pages.start_request(self.server_conn, self.connection)
        return self._next.headers_received(start_line._replace(path=path), headers)


_NOTHING = refusal(
    404,
    "Not Found",
    "Nothing is here. cmp-bundle serve prints the address of the developer's page at its start.",
    HEADERS.items(),
)
