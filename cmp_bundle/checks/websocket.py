"""The one question that tells whether phones get in: an upgrade to WebSocket, sub-protocol sip."""

from __future__ import annotations

import base64
import re
import secrets
import socket
import ssl
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cmp_bundle.asterisk.control import NOT_BOUND
from cmp_bundle.findings import finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cmp_bundle.asterisk.control import Control
    from cmp_bundle.findings import Finding

#: Seconds for one answer, all of it.
TIMEOUT = 10.0
#: Seconds for the server to say goodbye.
_GOODBYE = 2.0
#: An answer's head is longer than this nowhere.
_MOST = 1 << 16

#: Close, 1000: a client's frames are masked, here with a mask of zeros.
_CLOSE = bytes.fromhex("88820000000003e8")

_WORDS: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: "answers 400: it has no SIP for phones; is"
    " res_pjsip_transport_websocket.so loaded?",
    HTTPStatus.NOT_FOUND: "answers 404: it has no WebSocket; is res_http_websocket.so loaded?",
    HTTPStatus.FORBIDDEN: "answers 403: http.conf restricts who may ask for it",
}


@dataclass(frozen=True)
class Handshake:
    """What came back from ``base`` and ``path``.

    ``status`` is None where there was no HTTP at all, and ``trouble`` says why. ``subprotocol`` is
    the one agreed upon, ``certificate`` (DER) what the server showed.
    """

    base: str
    path: str
    status: int | None = None
    subprotocol: str | None = None
    certificate: bytes | None = None
    trouble: str = ""

    @property
    def url(self) -> str:
        return f"{self.base}{self.path}"

    @property
    def open(self) -> bool:
        """Whether phones get through to something that speaks SIP."""
        return self.status == HTTPStatus.SWITCHING_PROTOCOLS and self.subprotocol == "sip"

    def __str__(self) -> str:
        """What that means, to be put behind the address."""
        if self.open:
            return "lets phones in"
        if self.status is None:
            return self.trouble
        return _WORDS.get(self.status, f"answers {self.status}, and lets no phone in")


def base_url(listener: str, scheme: str = "https") -> str:
    """The address at which this machine reaches ``listener``, an ``address:port`` of Asterisk's.

    What listens everywhere listens on the loopback. On [::] that is the IPv4 one as well, the only
    one where IPv6 is switched off.
    """
    host, _, port = listener.rpartition(":")
    if host == "[::]" and not _has_ipv6():
        host = "127.0.0.1"
    host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]", "": "127.0.0.1"}.get(host, host)  # noqa: S104
    return f"{scheme}://{host}:{port}"


def reached(control: Control) -> str | None:
    """The address at which the running Asterisk's HTTPS is reached; None where it has none."""
    listener = control.listener()
    return None if listener is None or listener == NOT_BOUND else base_url(listener)


def reached_plain(control: Control) -> str | None:
    """The same of its plain HTTP, for a proxy on this machine."""
    listener = control.plain_listener()
    return None if listener is None else base_url(listener, "http")


def ask(base: str, path: str, *, address: str = "", patience: float | None = None) -> Handshake:
    """One upgrade, ended at once, over a connection that is closed when this returns.

    ``address`` and ``patience`` as in ``connected``. The certificate is not looked at: it is often for
    another name than the one asked for here.
    """
    patience = TIMEOUT if patience is None else patience
    deadline = time.monotonic() + patience
    certificate = None
    try:
        with connected(base, patience, address) as connection:
            if isinstance(connection, ssl.SSLSocket):
                certificate = connection.getpeercert(binary_form=True)
            _wait_until(connection, deadline)
            connection.sendall(_request(urlsplit(base).netloc, path))
            head = _head(connection, deadline)
            status, subprotocol = _read(head)
            if status == HTTPStatus.SWITCHING_PROTOCOLS:
                connection.sendall(_CLOSE)
            _leave(connection)
    except (OSError, ValueError) as error:
        trouble = _trouble(error, certificate, patience)
        return Handshake(base, path, certificate=certificate, trouble=trouble)
    if status is None:
        return Handshake(base, path, certificate=certificate, trouble=_no_answer(head))
    return Handshake(base, path, status, subprotocol, certificate)


def own_address(host: str) -> str | None:
    """Where a WebSocket to ``host`` comes from: on this machine, from an address that no other has.

    When one ends, Asterisk before 18.17 and 20.2 forgets the phones of all others from the same
    address (ASTERISK-30369; seen on 16.28). Those behind a proxy on this machine are among them.
    """
    # Elsewhere than on Linux, 127.0.0.1 is the only one.
    if sys.platform != "linux" or not re.fullmatch(r"127(?:\.\d{1,3}){3}", host):
        return None
    return f"127.{secrets.randbelow(254) + 1}.{secrets.randbelow(256)}.{secrets.randbelow(254) + 1}"


@contextmanager
def connected(base: str, patience: float, address: str = "") -> Iterator[socket.socket]:
    """A connection to ``base``, with TLS where that is https. Raises OSError and ValueError.

    ``patience`` are the seconds that connecting and the handshake may take. ``address`` is where to
    connect to; without one the host is looked up, which nothing limits.
    """
    parts = urlsplit(base)
    host, plain = parts.hostname or "", parts.scheme == "http"
    deadline = time.monotonic() + patience
    here = own_address(address or host)
    with socket.create_connection(
        (address or host, parts.port or (80 if plain else 443)), patience, here and (here, 0)
    ) as found:
        if plain:
            yield found
            return
        context = unchecked()
        # What Asterisk serves is its own affair; whether it answers is what is asked.
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        _wait_until(found, deadline)
        with context.wrap_socket(found, server_hostname=host) as secure:
            yield secure


def unchecked() -> ssl.SSLContext:
    """For a server whose certificate is not looked at. None is loaded to compare it with, which
    would take longer than all that is asked.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def again(before: Handshake, patience: float = TIMEOUT) -> Handshake:
    """The same question, until the answer is as good as ``before`` or ``patience`` is at its end."""
    deadline = time.monotonic() + patience
    while True:
        answer = ask(before.base, before.path)
        if worse(before, answer) is None or time.monotonic() > deadline:
            return answer
        time.sleep(0.1)


def worse(before: Handshake, after: Handshake) -> str | None:
    """A sentence where ``after`` is worse news than ``before``; None where it is not."""
    if _rank(after) >= _rank(before):
        return None
    was = "let phones in" if before.open else f"answered {before.status}"
    return f"{after.url} {was} before, and now {after}"


def without_pjsip(control: Control) -> Finding | None:
    """Why no phone could register although /ws lets it in; None where nothing stands against it."""
    return missing(lambda module: _runs(control, f"{module}.so"))


def missing(runs: Callable[[str], bool]) -> Finding | None:
    """The module that phones lack, where ``runs`` tells of a name without .so whether it is at work.

    chan_sip takes the sub-protocol like any other, and then PJSIP has none: Debian's 16 as it
    comes. The answer to an upgrade is the same (seen).
    """
    if runs("res_pjsip_transport_websocket"):
        return None
    if not runs("res_http_websocket"):
        return finding(
            "W101",
            "res_http_websocket.so is not loaded, so there is no WebSocket for phones",
            hint=_loaded("res_http_websocket"),
            seen="module show like res_http_websocket: not Running",
        )
    if runs("chan_sip"):
        return finding(
            "W103",
            "chan_sip has the WebSocket for itself, so no phone of PJSIP can register",
            hint="write websocket_enabled = no into [general] of sip.conf; or, if no phone needs chan_sip,"
            " noload = chan_sip.so into [modules] of modules.conf. Then start Asterisk anew: asterisk -rx"
            " 'core restart gracefully'",
            seen="module show like chan_sip: Running; like res_pjsip_transport_websocket: not Running",
        )
    module = "res_pjsip_transport_websocket"
    if not runs("res_pjsip"):
        module = "res_pjsip"
    return finding(
        "W102",
        f"{module}.so is not loaded, so no phone can register",
        hint=_loaded(module),
        seen=f"module show like {module}: not Running",
    )


def _loaded(module: str) -> str:
    return (
        f"take noload = {module}.so out of modules.conf, or write load = {module}.so into its [modules],"
        " and start Asterisk anew: asterisk -rx 'core restart gracefully'; if it stays so, Asterisk's log"
        " says why"
    )


def _runs(control: Control, module: str) -> bool:
    reply = control.ask(f"module show like {module}") or ""
    row = re.search(rf"^{re.escape(module)}\b.*\bRunning\b", reply, re.MULTILINE)
    return row is not None and "Not Running" not in row[0]


def _rank(answer: Handshake) -> int:
    if answer.open:
        return 3
    if answer.status is None:
        return 0
    # With 400 there is a WebSocket, if not for SIP.
    return 2 if answer.status == HTTPStatus.BAD_REQUEST else 1


def _request(host: str, path: str) -> bytes:
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(secrets.token_bytes(16)).decode()}",
        "Sec-WebSocket-Protocol: sip",
    )
    return "\r\n".join((*lines, "", "")).encode()


def _head(secure: socket.socket, deadline: float) -> bytes:
    """All up to the empty line, or to the end. Raises OSError where that takes too long."""
    head = bytearray()
    while len(head) < _MOST:
        _wait_until(secure, deadline)
        piece = secure.recv(4096)
        head += piece
        # Of many small pieces, each is looked at once.
        if not piece or b"\r\n\r\n" in head[-len(piece) - 3 :]:
            break
    return bytes(head)


def _read(head: bytes) -> tuple[int | None, str | None]:
    found = re.match(rb"HTTP/1\.[01] ([1-5]\d\d)\b", head)
    chosen = re.search(rb"\r\nSec-WebSocket-Protocol:[ \t]*([^\r\n]*)", head, re.IGNORECASE)
    return (
        int(found[1]) if found else None,
        chosen[1].decode(errors="replace").strip() if chosen else None,
    )


def _leave(secure: socket.socket) -> None:
    """With the goodbyes of WebSocket and TLS, or Asterisk writes an error into its log."""
    deadline = time.monotonic() + _GOODBYE
    with suppress(OSError, ValueError):
        while time.monotonic() < deadline:
            _wait_until(secure, deadline)
            if not secure.recv(4096):
                break
        if isinstance(secure, ssl.SSLSocket):
            _wait_until(secure, deadline)
            secure.unwrap()


def _wait_until(connection: socket.socket, deadline: float) -> None:
    """Raises TimeoutError where that is over: of what comes all the time, no piece takes long."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)


def _trouble(error: OSError | ValueError, certificate: bytes | None, patience: float) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(error, TimeoutError):
        return f"gave no answer within {patience:.2g} s"
    if certificate is None and isinstance(error, ssl.SSLError | ConnectionResetError):
        return (
            "takes connections and ends them at once: Asterisk has no certificate that it can use,"
            " so HTTPS is dead"
        )
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"cannot be reached ({reason})"


def _no_answer(head: bytes) -> str:
    if head:
        return "answers with something that is no HTTP"
    return "closes connections without an answer: its sessionlimit may be reached"


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as tried:
            tried.bind(("::1", 0))
    except OSError:
        return False
    return True
