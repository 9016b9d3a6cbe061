"""How far one gets to an address, one step after the other, as a browser would: name, port, TLS, page,
WebSocket. Each step has a limit, and the server's word is taken for no more than it is.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from http.client import HTTPException
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urljoin, urlsplit

from cmp_bundle.checks.live import HttpAnswer, get
from cmp_bundle.checks.websocket import Handshake, ask, unchecked
from cmp_bundle.doctor.trust import distrust
from cmp_bundle.doctor.way import Part
from cmp_bundle.hostname import in_ascii

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

#: Seconds for all steps together.
PATIENCE = 25.0
#: Seconds for one step at the most: a name, a connection, a handshake, an answer; and at the least.
_STEP = 10.0
_LEAST = 1.0
#: Seconds for a connection to each address of a name that has several, and how many of them are tried.
_ONE_OF_MANY = 3.0
_MOST_ADDRESSES: Final = 8
#: What may stand in an address as it is.
_NOT_ESCAPED: Final = "!#$%&'()*+,/:;=?@[]"
#: Seconds for a server to say goodbye.
_GOODBYE = 2.0
#: Addresses that did not answer that are told of.
_MOST_SHOWN: Final = 4
#: Bytes of a page that are read: its beginning.
_PAGE: Final = 1 << 12
#: Certificates of a chain that are looked at: more is none for a browser either. OpenSSL takes no more
#: than 100 KB of them.
_MOST_CERTIFICATES: Final = 10

#: What OpenSSL says, without where in its source that stands.
_OPENSSL: Final = re.compile(r"^\[[^\]]*\] (.*) \(_ssl\.c:\d+\)$")


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
    ``answer``, or no ``landing``; ``page_named`` is whether somebody said that the page is there, ``path_named`` the
    same of the WebSocket; ``expected`` is where it was looked for first, if it is elsewhere.
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
    page_named: bool = True
    path_named: bool = False
    expected: str = ""
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


class _Clock:
    """What is left of the time for all steps."""

    def __init__(self, patience: float) -> None:
        self._end = time.monotonic() + patience

    def left(self, most: float | None = None) -> float:
        """Seconds for a step; the last ones get a little in any case."""
        return min(most or _STEP, max(_LEAST, self._end - time.monotonic()))


def reach(
    base: str,
    path: str,
    page: str,
    authorities: Sequence[bytes] = (),
) -> Reached:
    """Go to ``base`` as far as possible. ``authorities`` are certificates (PEM) that are trusted beside
    this machine's. An empty ``path`` is that of a server whose prefix shows in where the page leads to.
    """
    clock = _Clock(PATIENCE)
    here = Reached(base, path, page)
    try:
        here = replace(here, addresses=addresses_of(here.host, here.port, clock.left()))
    except OSError as error:
        none = getattr(error, "errno", None) in _NO_SUCH_NAME
        trouble = f"name: {_words(error)}"
        return replace(here, stopped=Part.NAME, trouble=trouble, no_such_name=none)
    here, connection = _any_of(here, _Clock(clock.left()))
    if connection is None:
        return replace(here, stopped=Part.NAME, trouble=f"port: {_joined(here)}")
    with connection:
        if here.base.startswith("https:"):
            seconds = clock.left()
            try:
                here = replace(here, tls=_handshake(connection, here, authorities, seconds))
            except (OSError, ValueError) as error:
                return replace(here, stopped=Part.TLS, trouble=_words(error, seconds))
    trouble = ""
    try:
        here = replace(here, answer=_page(here, page, clock))
        here = replace(here, landing=_landing(here, clock))
    except (OSError, HTTPException, ValueError) as error:
        here = replace(here, page_trouble=_words(error))
    if not path:
        path = _socket_path(here)
        here = replace(here, path=path)
    found = ask(base, path, address=here.connected, patience=clock.left())
    if not found.open:
        trouble = str(found)
    stopped = None if found.open else Part.WEB_SERVER if found.status is None else Part.WEBSOCKET
    return replace(here, websocket=found, stopped=stopped, trouble=trouble)


def _socket_path(here: Reached) -> str:
    """A redirect of Asterisk's leads to ``/PREFIX/static/…``."""
    location = here.answer.location if here.answer else None
    before, found, _ = urlsplit(quote(location or "", _NOT_ESCAPED)).path.partition("/static/")
    return f"{before if found else ''}/ws"


def _any_of(here: Reached, clock: _Clock) -> tuple[Reached, socket.socket | None]:
    """Connect to each address of the name: a browser takes any that answers, but not each has all.

    The connection is that to the first of them, None where there is none.
    """
    failed: list[Failed] = []
    first: socket.socket | None = None
    several = len(here.addresses) > 1
    for address in here.addresses[:_MOST_ADDRESSES]:
        seconds = clock.left(_ONE_OF_MANY if several else None)
        try:
            connection = _connect(address, here.port, seconds)
        except OSError as error:
            refused = isinstance(error, ConnectionRefusedError)
            failed.append(Failed(address, _words(error, seconds), refused))
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
            connection.settimeout(_GOODBYE)
            with unchecked().wrap_socket(connection, server_hostname=here.host) as secure:
                secure.unwrap()


def _page(here: Reached, path: str, clock: _Clock) -> HttpAnswer:
    escaped = quote(path, _NOT_ESCAPED)
    return get(here.base, escaped, _PAGE, address=here.connected, patience=clock.left())


def _landing(here: Reached, clock: _Clock) -> HttpAnswer | None:
    """What is where the page's redirect leads; None where there is none, or on another server."""
    location = here.answer.location if here.answer else None
    if not location:
        return None
    # A header's bytes, as browsers send them back.
    escaped = quote(location, _NOT_ESCAPED, "latin-1")
    there = urlsplit(urljoin(f"{here.base}{here.page}", escaped))
    if f"{there.scheme}://{there.netloc}" != here.base:
        return None
    return _page(here, f"{there.path}?{there.query}" if there.query else there.path, clock)


def addresses_of(host: str, port: int, patience: float) -> tuple[str, ...]:
    """Those that the name has, each once. Raises OSError, also after ``patience`` seconds."""
    try:
        name = in_ascii(host) or host
    except UnicodeError:
        raise OSError(f"{host} is no host name") from None
    said: SimpleQueue[tuple[str, ...] | OSError] = SimpleQueue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except OSError as error:
            said.put(error)
        except UnicodeError:
            said.put(OSError(f"{host} is no host name"))
        else:
            said.put(tuple(dict.fromkeys(str(entry[4][0]) for entry in found)))

    # The resolver has limits of its own, longer than anybody waits; nothing else ends it.
    threading.Thread(target=look_up, daemon=True).start()
    try:
        answer = said.get(timeout=patience)
    except Empty:
        raise OSError(f"no name server answers within {patience:.2g} s") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def _connect(address: str, port: int, seconds: float) -> socket.socket:
    return socket.create_connection((address, port), seconds)


def _handshake(
    connection: socket.socket, here: Reached, authorities: Sequence[bytes], patience: float
) -> Tls:
    """Ends it with the goodbye of TLS, or Asterisk writes an error into its log. Raises OSError and
    ValueError.
    """
    name = in_ascii(here.host) or here.host
    connection.settimeout(patience)
    with unchecked().wrap_socket(connection, server_hostname=name) as secure:
        chain = _chain(secure)
        found = Tls(secure.version() or "", (secure.cipher() or ("",))[0], chain)
        secure.settimeout(_GOODBYE)
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
    sent = asked() or ()
    return tuple(one.public_bytes(2) for one in sent[:_MOST_CERTIFICATES])  # 2: DER


def _words(error: Exception, seconds: float = 0.0) -> str:
    if isinstance(error, TimeoutError) and error.errno is None and seconds:
        return f"no answer within {seconds:.2g} s"
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return _OPENSSL.sub(r"\1", str(said))


def _joined(here: Reached) -> str:
    """What was wrong with the first few addresses."""
    more = len(here.addresses) - _MOST_SHOWN
    shown = "; ".join(map(str, here.failed[:_MOST_SHOWN]))
    return f"{shown}; and {more} more" if more > 0 else shown
