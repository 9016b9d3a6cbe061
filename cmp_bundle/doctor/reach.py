"""How far one gets to an address, one step after the other, as a browser would: name, port, TLS, page,
WebSocket. Each step has a limit, and the server's word is taken for no more than it is.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass, replace
from http.client import HTTPException
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

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
#: Seconds for a connection to each further address of a name, and how many of them are tried.
_OTHERS: Final = 3.0
_MOST_ADDRESSES: Final = 8
#: Certificates of a chain that are looked at, and bytes of each: more is none for a browser either.
_MOST_CERTIFICATES: Final = 10


#: What getaddrinfo says where a name has no address, and not just nobody could be asked.
_NO_SUCH_NAME: Final = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))


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
class Failed:
    """An address that no connection came about to, and why: ``refused`` where that was told at once."""

    address: str
    trouble: str
    refused: bool

    def __str__(self) -> str:
        return f"{self.address}: {self.trouble}"


@dataclass(frozen=True)
class Reached:
    """``base`` is ``https://host:port``, ``path`` that of the WebSocket, ``page`` that of the phone.

    ``addresses`` are those of the name, ``failed`` those among them that could not be connected to;
    ``no_such_name`` is whether the name has none for sure. ``tls``, ``answer`` (to the page), ``landing``
    (where its redirect leads on the same server) and ``websocket`` are there as far as one came;
    ``stopped`` is the part where it ended, and ``trouble`` says how. ``page_trouble`` is why there is no
    ``answer``, or no ``landing``.
    """

    base: str
    path: str
    page: str
    addresses: tuple[str, ...] = ()
    failed: tuple[Failed, ...] = ()
    no_such_name: bool = False
    connected: str = ""
    tls: Tls | None = None
    answer: HttpAnswer | None = None
    landing: HttpAnswer | None = None
    page_trouble: str = ""
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
        none = getattr(error, "errno", None) in _NO_SUCH_NAME
        trouble = f"name: {_words(error)}"
        return replace(here, stopped=Part.NAME, trouble=trouble, no_such_name=none)
    here, connection = _any_of(here)
    if connection is None:
        trouble = f"port: {'; '.join(map(str, here.failed))}"
        return replace(here, stopped=Part.NAME, trouble=trouble)
    with connection:
        if here.base.startswith("https:"):
            try:
                here = replace(here, tls=_handshake(connection, here, authorities))
            except (OSError, ValueError) as error:
                return replace(here, stopped=Part.TLS, trouble=_words(error))
    trouble = ""
    try:
        here = replace(here, answer=get(base, page, _PAGE))
        here = replace(here, landing=_landing(here))
    except (OSError, HTTPException, ValueError) as error:
        here = replace(here, page_trouble=_words(error))
    found = ask(base, path)
    if not found.open:
        trouble = str(found)
    stopped = None if found.open else Part.WEB_SERVER if found.status is None else Part.WEBSOCKET
    return replace(here, websocket=found, stopped=stopped, trouble=trouble)


def _any_of(here: Reached) -> tuple[Reached, socket.socket | None]:
    """Connect to each address of the name: a browser takes any that answers, but not each has all.

    The connection is that to the first of them, None where there is none.
    """
    failed: list[Failed] = []
    first: socket.socket | None = None
    for address in here.addresses[:_MOST_ADDRESSES]:
        try:
            connection = _connect(address, here.port, _OTHERS if first or failed else _PATIENCE)
        except OSError as error:
            failed.append(Failed(address, _words(error), isinstance(error, ConnectionRefusedError)))
            continue
        if first is None:
            here, first = replace(here, connected=address), connection
        else:
            _leave(connection, here)
    return replace(here, failed=tuple(failed)), first


def _leave(connection: socket.socket, here: Reached) -> None:
    """A connection that nothing is asked over, with the goodbye of TLS."""
    with connection, suppress(OSError, ValueError):
        if here.base.startswith("https:"):
            connection.settimeout(_OTHERS)
            with unchecked().wrap_socket(connection, server_hostname=here.host) as secure:
                secure.unwrap()


def _landing(here: Reached) -> HttpAnswer | None:
    """What is where the page's redirect leads; None where there is none, or on another server."""
    location = here.answer.location if here.answer else None
    if not location:
        return None
    there = urlsplit(urljoin(f"{here.base}{here.page}", location))
    if f"{there.scheme}://{there.netloc}" != here.base:
        return None
    return get(here.base, f"{there.path}?{there.query}" if there.query else there.path, _PAGE)


def _addresses(host: str, port: int) -> tuple[str, ...]:
    """Those that the name has, each once. Raises OSError."""
    try:
        name = in_ascii(host) or host
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise OSError(f"{host} is no host name") from None
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def _connect(address: str, port: int, patience: float) -> socket.socket:
    return socket.create_connection((address, port), patience)


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
