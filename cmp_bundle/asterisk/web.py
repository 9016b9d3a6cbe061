"""What Asterisk's web server answers: a request in, a response out, nothing else touched.

After ``handle_uri``, ``static_callback`` and ``ast_http_send`` of main/http.c, and
``ast_websocket_uri_cb`` of res/res_http_websocket.c. The dev server answers by it; a test asks
it and two real Asterisks the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import formatdate
from html import escape
from typing import TYPE_CHECKING, Protocol

from cmp_bundle.asterisk.lines import decoded, encoded
from cmp_bundle.asterisk.static import LONGEST, content_type, refused

if TYPE_CHECKING:
    from collections.abc import Mapping

#: sscanf(3) with "%2x": white space is skipped, a sign and "0x" are taken for part of a number.
_HEX = re.compile(rb"[ \t\n\v\f\r]*([+-]?[0-9a-fA-F]{1,2})")


@dataclass(frozen=True)
class StaticFile:
    """A file behind /static/ and when it was last changed, in seconds since 1970."""

    data: bytes
    mtime: int


class StaticFiles(Protocol):
    """The files behind /static/, symlinks followed."""

    def file(self, path: str) -> StaticFile | None:
        """The regular file at ``path``; None for nothing and for folders."""


@dataclass(frozen=True)
class HttpRequest:
    """``target`` is the path and query as sent. ``headers`` have names in small letters."""

    method: str
    target: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class HttpResponse:
    """``headers`` are in the order sent. Date, Server and Content-Length are the transport's.

    ``close`` says that Asterisk ends the connection behind it.
    """

    status: int
    title: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    close: bool = False


@dataclass(frozen=True)
class WebServer:
    """As much of http.conf as its answers depend on.

    ``redirects`` are pairs of target and destination in the order in which they are tried,
    ``data_dir`` is the length in bytes of the data folder's path, which the cap on paths counts.
    """

    redirects: tuple[tuple[str, str], ...]
    prefix: str = ""
    name: str = "Asterisk"
    static_enabled: bool = True
    data_dir: int = len("/var/lib/asterisk")


def respond(request: HttpRequest, server: WebServer, tree: StaticFiles) -> HttpResponse:
    """The answer to ``request``. Never raises, whatever was sent."""
    path = request.target.partition(b"?")[0]
    for target, destination in server.redirects:
        if path.lower() == target.encode().lower():
            return HttpResponse(
                302, "Moved Temporarily", (*_NEVER_KEPT, ("Location", destination)), b""
            )
    prefix = encoded(server.prefix)
    if path[: len(prefix)].lower() != prefix.lower() or path[len(prefix) :][:1] != b"/":
        return _error(server, 404, "Not Found", _NOT_FOUND)
    handler, _, rest = path[len(prefix) + 1 :].partition(b"/")
    if handler.lower() == b"static" and server.static_enabled:
        return _static(request, _uri_decoded(rest), server, tree)
    if handler.lower() == b"ws" and not rest:
        if request.method.upper() != "GET":
            return _error(server, 501, "Not Implemented", _UNIMPLEMENTED)
        return _error(server, 426, "Upgrade Required", "")
    return _error(server, 404, "Not Found", _NOT_FOUND)


def is_socket(request: HttpRequest, server: WebServer) -> bool:
    """Whether ``request`` asks for a WebSocket where Asterisk has one."""
    path = request.target.partition(b"?")[0]
    wanted = encoded(f"{server.prefix}/ws")
    return (
        path.lower().removesuffix(b"/") == wanted.lower()
        and request.method.upper() == "GET"
        and request.headers.get("upgrade", "").lower() == "websocket"
    )


_NEVER_KEPT = (("Cache-Control", "no-cache, no-store"),)
_NOT_FOUND = "The requested URL was not found on this server."
_UNIMPLEMENTED = "Attempt to use unimplemented / unsupported method"
_DENIED = "You do not have permission to access the requested URL."


def _static(
    request: HttpRequest, path: bytes, server: WebServer, tree: StaticFiles
) -> HttpResponse:
    if request.method.upper() not in ("GET", "HEAD"):
        return _error(server, 501, "Not Implemented", _UNIMPLEMENTED)
    # A char is signed there: what is not ASCII counts as less than a space.
    name = decoded(path)
    length = len(path) + server.data_dir + len("/static-http/") + 5
    if refused(name) or path[0] >= 0x80 or length > LONGEST:  # noqa: PLR2004 - the sign bit
        return _error(server, 403, "Access Denied", _DENIED, close=True)
    file = tree.file(name)
    if file is None:
        return _error(server, 404, "Not Found", _NOT_FOUND)
    if "/private/" in f"/{name}":
        return _error(server, 403, "Access Denied", _DENIED, close=True)
    etag = f'"{file.mtime}"'
    headers = (
        ("Content-type", content_type(name)),
        ("ETag", etag),
        ("Last-Modified", formatdate(file.mtime, usegmt=True)),
    )
    if request.headers.get("if-none-match") == etag:
        return HttpResponse(304, "Not Modified", headers, b"")
    return HttpResponse(200, "OK", headers, file.data)


def _uri_decoded(path: bytes) -> bytes:
    """``ast_uri_decode`` with the legacy flag: + is a space, and a NUL ends the text."""
    out = bytearray()
    at = 0
    while at < len(path):
        number = _HEX.match(path[at + 1 :]) if path[at : at + 1] == b"%" else None
        if path[at : at + 1] == b"+":
            out += b" "
        elif number is not None and at + 2 < len(path):
            out.append(int(number[1], 16) & 0xFF)
            at += 2
        else:
            out += path[at : at + 1]
        at += 1
    return bytes(out).partition(b"\0")[0]


def _error(
    server: WebServer, status: int, title: str, text: str, *, close: bool = False
) -> HttpResponse:
    address = f"<address>{escape(server.name)}</address>\r\n" if server.name else ""
    body = (
        '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\r\n<html><head>\r\n'
        f"<title>{status} {title}</title>\r\n</head><body>\r\n<h1>{title}</h1>\r\n"
        f"<p>{escape(text)}</p>\r\n<hr />\r\n{address}</body></html>\r\n"
    )
    headers = (*_NEVER_KEPT, ("Content-type", "text/html"))
    return HttpResponse(status, title, headers, body.encode(), close)
