"""The PBX behind /ws: a real one, reached through a proxy, or the practice PBX in here."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tornado.httpclient import HTTPClientError
from tornado.websocket import WebSocketClosedError

from cmp_bundle.checks.line import FAILURES, connected
from cmp_bundle.devserver.readable import readable
from cmp_bundle.errors import CmpBundleError, reason

if TYPE_CHECKING:
    from tornado.websocket import WebSocketClientConnection

    from cmp_bundle.practice.pbx import PracticePbx

#: Seconds that a PBX may take to accept a connection.
PATIENCE = 15.0

#: The largest message that passes, in bytes. SIP with many pictures comes to some 20,000, and
#: Asterisk takes no frame of more than 65,535.
LARGEST = 1024 * 1024

#: Seconds after which a PBX that says nothing is asked for a sign of life.
PING = 30.0

#: Messages of the practice PBX that wait for a phone. More it will not read any more.
MOST_WAITING = 1000

#: Close codes that may be received but never sent (RFC 6455, 7.4.1).
_NEVER_SENT = {1005, 1006, 1015}

#: What a phone is told that its PBX has no patience with any more (RFC 6455, 7.4.1).
_OVERFLOWING = 1008

#: Characters of a PBX's own words that are shown.
_WORDS = 200

Message = str | bytes

#: Awaited with each message from the PBX.
Deliver = Callable[[Message], Awaitable[None]]

#: Called once when the PBX has closed the line, with the close code and the reason.
Ended = Callable[[int | None, str | None], None]


class PbxConnection(Protocol):
    """One phone's connection to the PBX."""

    async def send(self, message: Message) -> None:
        """Returns when the PBX has room for more."""

    def close(self, code: int | None, reason: str | None) -> None: ...

    @property
    def done(self) -> asyncio.Future[None]:
        """Done when nothing is left of it."""


class Pbx(Protocol):
    """Where phones are connected to."""

    @property
    def name(self) -> str:
        """What people call it: its URL, or words."""

    async def connect(self, deliver: Deliver, ended: Ended) -> PbxConnection:
        """Open a line. Raises CmpBundleError with a sentence that the phone's user can read."""


@dataclass(frozen=True)
class RealPbx:
    """A PBX at a ``wss://`` or ``ws://`` URL."""

    name: str
    context: ssl.SSLContext | None

    async def connect(self, deliver: Deliver, ended: Ended) -> PbxConnection:
        try:
            connection = await connected(
                self.name, self.context, PATIENCE, largest=LARGEST, ping=PING
            )
        except FAILURES as error:
            raise CmpBundleError(
                "pbx-unreachable",
                f"the PBX at {self.name} cannot be reached: {_why(error)}",
                hint=_what_to_do(error),
            ) from error
        if connection.selected_subprotocol != "sip":
            connection.close()
            raise CmpBundleError(
                "pbx-unreachable",
                f"{self.name} does not offer SIP over WebSocket",
                hint="the URL of an Asterisk ends in /ws; it must have loaded res_http_websocket.so"
                " and res_pjsip_transport_websocket.so",
            )
        return _RealLine(connection, deliver, ended)


class _RealLine:
    def __init__(
        self, connection: WebSocketClientConnection, deliver: Deliver, ended: Ended
    ) -> None:
        self._connection = connection
        self.done = asyncio.ensure_future(self._read(deliver, ended))

    async def _read(self, deliver: Deliver, ended: Ended) -> None:
        # The next message is read when the phone has taken this one: a slow phone slows its PBX.
        while (message := await self._connection.read_message()) is not None:
            await deliver(message)
        self._connection.close()
        ended(sendable(self._connection.close_code), self._connection.close_reason)

    async def send(self, message: Message) -> None:
        try:
            await self._connection.write_message(message, binary=isinstance(message, bytes))
        except WebSocketClosedError:
            return  # `ended` tells

    def close(self, code: int | None, reason: str | None) -> None:
        self._connection.close(sendable(code), reason)


@dataclass(frozen=True)
class InnerPbx:
    """The practice PBX."""

    pbx: PracticePbx
    name: str = "the practice PBX"

    async def connect(self, deliver: Deliver, ended: Ended) -> PbxConnection:
        return _InnerLine(self.pbx, deliver, ended)


class _InnerLine:
    def __init__(self, pbx: PracticePbx, deliver: Deliver, ended: Ended) -> None:
        self._waiting: asyncio.Queue[str] = asyncio.Queue()
        self._overflowing = False
        self._ended = ended
        self._connection = pbx.connect(self._say, ended)
        self.done = asyncio.ensure_future(self._deliver(deliver))

    def _say(self, message: str) -> None:
        if self._waiting.qsize() < MOST_WAITING:
            self._waiting.put_nowait(message)
        elif not self._overflowing:
            # A phone that asks on and on, and reads nothing. Not now: this is called by the PBX.
            self._overflowing = True
            asyncio.get_running_loop().call_soon(self._give_up)

    def _give_up(self) -> None:
        self.close(None, None)
        self._ended(_OVERFLOWING, "too many messages wait for this phone")

    async def _deliver(self, deliver: Deliver) -> None:
        while True:
            await deliver(await self._waiting.get())

    async def send(self, message: Message) -> None:
        self._connection.receive(message)

    def close(self, code: int | None, reason: str | None) -> None:
        del code, reason
        self.done.cancel()
        self._connection.closed()


def sendable(code: int | None) -> int | None:
    """A close code that may be sent on, for one that was received."""
    return None if code is None or code in _NEVER_SENT else code


def tls(ca: str, *, insecure: bool) -> ssl.SSLContext:
    """How the PBX's certificate is looked at. Raises CmpBundleError for a ``ca`` that is none."""
    try:
        context = ssl.create_default_context(cafile=ca or None)
    except OSError as error:
        why = "contains no PEM certificate"
        if not isinstance(error, ssl.SSLError):
            why = f"cannot be read: {reason(error)}"
        raise CmpBundleError(
            "option-value",
            why,
            file=ca,
            hint="--pbx-ca must name the certificate of the authority that signed the PBX's",
        ) from error
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, HTTPClientError):
        if error.code == 599:  # noqa: PLR2004 - tornado's own, for a connection that failed
            return "it did not answer in time"
        return readable(f"it answers with {error.code} {error.message}", _WORDS)
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return readable(text.lower(), _WORDS)


def _what_to_do(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "trust its authority with --pbx-ca FILE, or any certificate with --pbx-insecure"
    return "check that it runs, that its web server is enabled, and that the URL ends in /ws"
