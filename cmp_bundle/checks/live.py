"""The look at the live server: is what was deployed what a browser gets?"""

from __future__ import annotations

import enum
import http.client
import socket
import threading
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cmp_bundle.checks.websocket import ask, connected, unchecked

if TYPE_CHECKING:
    from cmp_bundle.checks.expected import Expected

#: Seconds that a reload may take until the server answers by it. A busy one takes its time.
PATIENCE = 10.0
#: Seconds for one answer.
TIMEOUT = 10.0


#: Bytes of an answer where nobody knows how many there have to be.
_MOST = 1 << 24


@dataclass(frozen=True)
class HttpAnswer:
    """``server`` is what it calls itself; a proxy mostly puts its own name there."""

    status: int
    location: str | None
    body: bytes
    server: str = ""


class Asked(enum.Enum):
    """What the server was asked for; nothing where it was not reached."""

    REDIRECT = enum.auto()
    FILE = enum.auto()
    SOCKET = enum.auto()
    NOTHING = enum.auto()


@dataclass(frozen=True)
class Unserved:
    """The first thing that is not as expected: ``text`` is a clause, ``path`` what was asked for."""

    text: str
    asked: Asked
    path: str = ""

    def __str__(self) -> str:
        return self.text


def served(base: str, expected: Expected) -> Unserved | None:
    """Wait until the server at ``base`` answers as ``expected``; what it answers instead."""
    deadline = time.monotonic() + PATIENCE
    while (found := problem(base, expected)) is not None and time.monotonic() <= deadline:
        time.sleep(0.1)
    return found


def get(
    base: str, path: str, most: int = _MOST, *, address: str = "", patience: float | None = None
) -> HttpAnswer:
    """One request, over a connection of its own. Raises OSError, http.client.HTTPException.

    Of the body it gives ``most`` bytes. All of it takes ``patience`` seconds at the longest, TIMEOUT
    without one, however little comes at a time. ``address`` as in ``websocket.connected``.

    The certificate is not looked at: this is the server that we have just configured, often
    under another name than its certificate's, and what it sends is compared byte for byte.
    """
    parts = urlsplit(base)
    patience = TIMEOUT if patience is None else patience
    deadline = time.monotonic() + patience
    answer: HttpAnswer | None = None
    try:
        with (
            connected(base, patience, address) as connection,
            closing(_asker(parts.scheme, parts.hostname or "", parts.port)) as asker,
        ):
            asker.sock = connection
            # A time for each piece alone would not end with a server that sends one now and then.
            end = threading.Timer(deadline - time.monotonic(), _hang_up, (connection,))
            end.daemon = True
            end.start()
            try:
                asker.request("GET", path, headers={"Connection": "close"})
                with closing(asker.getresponse()) as response:
                    answer = HttpAnswer(
                        response.status,
                        response.getheader("Location"),
                        response.read(most),
                        response.getheader("Server", ""),
                    )
            finally:
                end.cancel()
    except UnicodeError as error:
        # Resolving a name that the DNS cannot hold.
        raise OSError(f"{parts.hostname} is no host name") from error
    except (OSError, http.client.HTTPException):
        if time.monotonic() < deadline:
            raise
        answer = None  # what we hung up on looks as if the server had
    if answer is None or time.monotonic() > deadline:
        raise TimeoutError(f"it gave no answer within {patience:.2g} s")
    return answer


def _asker(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    """What writes a request to ``host``; it does not connect."""
    if scheme == "http":
        return http.client.HTTPConnection(host, port or 80)
    return http.client.HTTPSConnection(host, port or 443, context=unchecked())


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        # Of the socket below TLS: what waits for it is told, and nothing is said to the server.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def problem(base: str, expected: Expected) -> Unserved | None:
    """The first thing that is not as expected; None where all is well."""
    try:
        answer = get(base, expected.redirect)
        if expected.page is None:
            gone = answer.status != http.client.FOUND
            text = f"{base}{expected.redirect} still leads to {answer.location}"
            return None if gone else Unserved(text, Asked.REDIRECT)
        if (answer.status, answer.location) != (http.client.FOUND, expected.page):
            text = f"{base}{expected.redirect} {_instead(answer, expected.page)}"
            return Unserved(text, Asked.REDIRECT)
        for path, data in expected.files.items():
            answer = get(base, path, len(data) + 1)
            if answer.status != http.client.OK:
                return Unserved(f"{base}{path} answers with {answer.status}", Asked.FILE, path)
            if answer.body != data:
                text = f"{base}{path} is not the file that was deployed"
                return Unserved(text, Asked.FILE, path)
        phones = ask(base, expected.socket)
        if not phones.open:
            return Unserved(f"{phones.url}, where phones connect to, {phones}", Asked.SOCKET)
    except (OSError, http.client.HTTPException) as error:
        if expected.page is None:
            return None  # the listener itself was ours
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Unserved(f"{base} cannot be reached ({reason})", Asked.NOTHING)
    return None


def _instead(answer: HttpAnswer, page: str) -> str:
    """What a redirect does that does not lead to ``page``."""
    if answer.location is None:
        return f"answers with {answer.status} instead of leading to {page}"
    if answer.location.partition("?")[0] == page.partition("?")[0]:
        return f"still leads to {answer.location} instead of {page}"
    return f"leads to {answer.location} instead"
