"""The PBX behind /ws: a real one, reached through a proxy, or the practice PBX in here."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError, WebSocketError, websocket_connect

from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tornado.websocket import WebSocketClientConnection

    from cmp_bundle.practice.pbx import PracticePbx

#: Seconds that a PBX may take to accept a connection.
PATIENCE = 15.0

#: The largest message that passes, in bytes. SIP with many pictures comes to some 20,000.
LARGEST = 10 * 1024 * 1024

#: Close codes that may be received but never sent (RFC 6455, 7.4.1).
_NEVER_SENT = {1005, 1006, 1015}

Message = str | bytes


class Line(Protocol):
    """One phone's connection to the PBX."""

    async def send(self, message: Message) -> None:
        """Returns when the PBX has room for more."""

    def close(self, code: int | None, reason: str | None) -> None: ...


class Pbx(Protocol):
    """Where phones are connected to."""

    @property
    def name(self) -> str:
        """What people call it: its URL, or words."""

    async def connect(
        self,
        deliver: Callable[[Message], Awaitable[None]],
        ended: Callable[[int | None, str | None], None],
    ) -> Line:
        """Open a line. Raises CmpBundleError with a sentence that the phone's user can read.

        ``deliver`` is awaited with each message from the PBX, ``ended`` called once when it has
        closed the line, with its code and reason.
        """


@dataclass(frozen=True)
class RealPbx:
    """A PBX at a ``wss://`` or ``ws://`` URL."""

    name: str
    context: ssl.SSLContext | None

    async def connect(
        self,
        deliver: Callable[[Message], Awaitable[None]],
        ended: Callable[[int | None, str | None], None],
    ) -> Line:
        request = HTTPRequest(
            self.name,
            connect_timeout=PATIENCE,
            request_timeout=PATIENCE,
            ssl_options=self.context,
        )
        try:
            connection = await websocket_connect(
                request, subprotocols=["sip"], max_message_size=LARGEST
            )
        except (OSError, HTTPClientError, WebSocketError, StreamClosedError) as error:
            raise CmpBundleError(
                f"the PBX at {self.name} cannot be reached: {_why(error)}", hint=_what_to_do(error)
            ) from error
        if connection.selected_subprotocol != "sip":
            connection.close()
            raise CmpBundleError(
                f"{self.name} speaks no SIP over WebSocket",
                hint="the URL of an Asterisk ends in /ws, and wants res_http_websocket.so and"
                " res_pjsip_transport_websocket.so",
            )
        return _RealLine(connection, deliver, ended)


class _RealLine:
    def __init__(
        self,
        connection: WebSocketClientConnection,
        deliver: Callable[[Message], Awaitable[None]],
        ended: Callable[[int | None, str | None], None],
    ) -> None:
        self._connection = connection
        self._reading = asyncio.ensure_future(self._read(deliver, ended))

    async def _read(
        self,
        deliver: Callable[[Message], Awaitable[None]],
        ended: Callable[[int | None, str | None], None],
    ) -> None:
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

    async def connect(
        self,
        deliver: Callable[[Message], Awaitable[None]],
        ended: Callable[[int | None, str | None], None],
    ) -> Line:
        return _InnerLine(self.pbx, deliver, ended)


class _InnerLine:
    def __init__(
        self,
        pbx: PracticePbx,
        deliver: Callable[[Message], Awaitable[None]],
        ended: Callable[[int | None, str | None], None],
    ) -> None:
        self._said: asyncio.Queue[str] = asyncio.Queue()
        self._connection = pbx.connect(self._said.put_nowait, ended)
        self._delivering = asyncio.ensure_future(self._deliver(deliver))

    async def _deliver(self, deliver: Callable[[Message], Awaitable[None]]) -> None:
        while True:
            await deliver(await self._said.get())

    async def send(self, message: Message) -> None:
        self._connection.receive(message)

    def close(self, code: int | None, reason: str | None) -> None:
        del code, reason
        self._delivering.cancel()
        self._connection.closed()


def sendable(code: int | None) -> int | None:
    """A close code that may be sent on, for one that was received."""
    return None if code is None or code in _NEVER_SENT else code


def tls(ca: str, *, insecure: bool) -> ssl.SSLContext:
    """How the PBX's certificate is looked at. Raises CmpBundleError for a ``ca`` that is none."""
    try:
        context = ssl.create_default_context(cafile=ca or None)
    except OSError as error:
        why = "holds no certificate in PEM"
        if not isinstance(error, ssl.SSLError):
            why = f"cannot be read: {(error.strerror or str(error)).lower()}"
        raise CmpBundleError(
            why,
            file=ca,
            hint="--pbx-ca names the certificate of the authority that signed the PBX's",
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
        return f"it answers with {error.code} {error.message}"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()


def _what_to_do(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "name its authority with --pbx-ca FILE, or take it as it is with --pbx-insecure"
    return "is it running, is its web server on, and does the URL end in /ws?"
