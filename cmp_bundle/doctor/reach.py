"""How far one gets to an address, one step after the other, as a browser would: name, port, TLS, page,
WebSocket. Each step has a limit, and the server's word is taken for no more than it is.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass, replace
from http.client import HTTPException
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from cmp_bundle.checks.live import HttpAnswer, get
from cmp_bundle.checks.websocket import Handshake, ask, unchecked
from cmp_bundle.doctor.trust import distrust
from cmp_bundle.doctor.way import Part
from cmp_bundle.hostname import in_ascii

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

#: Seconds for a name, a connection, a handshake.
_PATIENCE: Final = 10.0
#: Bytes of a page that are read: its beginning.
_PAGE: Final = 1 << 12
#: Certificates of a chain that are looked at, and bytes of each: more is none for a browser either.
_MOST_CERTIFICATES: Final = 10


@dataclass(frozen=True)
class Tls:
    """``chain`` is what the server sent, DER, its own first. ``distrust`` is OpenSSL's word against it with
    this machine's authorities, empty where there is none; ``code`` its number (X509_V_ERR_…).
    """

    version: str
    cipher: str
    chain: tuple[bytes, ...]
    distrust: str = ""
    code: int = 0


@dataclass(frozen=True)
class Reached:
    """``base`` is ``https://host:port``, ``path`` that of the WebSocket, ``page`` that of the phone.

    ``addresses`` are those of the name. ``tls``, ``answer`` (to the page) and ``websocket`` are there as far
    as one came; ``stopped`` is the part where it ended, and ``trouble`` says how.
    """

    base: str
    path: str
    page: str
    addresses: tuple[str, ...] = ()
    connected: str = ""
    tls: Tls | None = None
    answer: HttpAnswer | None = None
    websocket: Handshake | None = None
    stopped: Part | None = None
    trouble: str = ""

    @property
    def host(self) -> str:
        return urlsplit(self.base).hostname or ""

    @property
    def port(self) -> int:
        parts = urlsplit(self.base)
        return parts.port or (443 if parts.scheme == "https" else 80)


def reach(base: str, path: str, page: str, authorities: Sequence[bytes] = ()) -> Reached:
    """Go to ``base`` as far as possible. ``authorities`` are certificates (PEM) that are trusted beside
    this machine's.
    """
    here = Reached(base, path, page)
    try:
        here = replace(here, addresses=_addresses(here.host, here.port))
    except OSError as error:
        return replace(here, stopped=Part.NAME, trouble=f"name: {_words(error)}")
    refused: list[str] = []
    for address in here.addresses:
        try:
            connection = _connect(address, here.port)
        except OSError as error:
            refused.append(f"{address}: {_words(error)}")
            continue
        here = replace(here, connected=address)
        break
    else:
        return replace(here, stopped=Part.NAME, trouble=f"port: {'; '.join(refused)}")
    with connection:
        if here.base.startswith("https:"):
            try:
                here = replace(here, tls=_handshake(connection, here, authorities))
            except (OSError, ValueError) as error:
                return replace(here, stopped=Part.TLS, trouble=_words(error))
    trouble = ""
    with suppress(OSError, HTTPException):
        here = replace(here, answer=get(base, page, _PAGE))
    found = ask(base, path)
    if not found.open:
        trouble = str(found)
    stopped = None if found.open else Part.WEB_SERVER if found.status is None else Part.WEBSOCKET
    return replace(here, websocket=found, stopped=stopped, trouble=trouble)


def _addresses(host: str, port: int) -> tuple[str, ...]:
    """Those that the name has, each once. Raises OSError."""
    try:
        name = in_ascii(host) or host
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise OSError(f"{host} is no host name") from None
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def _connect(address: str, port: int) -> socket.socket:
    return socket.create_connection((address, port), _PATIENCE)


def _handshake(connection: socket.socket, here: Reached, authorities: Sequence[bytes]) -> Tls:
    """Ends it with the goodbye of TLS, or Asterisk writes an error into its log. Raises OSError and
    ValueError.
    """
    name = in_ascii(here.host) or here.host
    connection.settimeout(_PATIENCE)
    with unchecked().wrap_socket(connection, server_hostname=name) as secure:
        chain = _chain(secure)
        found = Tls(secure.version() or "", (secure.cipher() or ("",))[0], chain)
        with suppress(OSError, ValueError):
            secure.unwrap()
    word, code = distrust(chain, name, authorities)
    return replace(found, distrust=word, code=code)


def _chain(secure: ssl.SSLSocket) -> tuple[bytes, ...]:
    """Python has a public way to it since 3.13; where it has none, the server's own alone."""
    inner = getattr(secure, "_sslobj", None)
    asked = getattr(inner, "get_unverified_chain", None)
    own = secure.getpeercert(binary_form=True)
    if asked is None:
        return (own,) if own else ()
    sent = [one.public_bytes(2) for one in asked() or ()]  # 2: DER
    return tuple(sent[:_MOST_CERTIFICATES])


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {_PATIENCE:.0f} s"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
