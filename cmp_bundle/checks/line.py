"""A phone's line: a WebSocket to a PBX, and SIP over it, with an end to everything."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.iostream import StreamClosedError, UnsatisfiableReadError
from tornado.netutil import OverrideResolver, Resolver
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, WebSocketError

from cmp_bundle.practice.grammar import MalformedError
from cmp_bundle.practice.message import UnreadableError, parse

if TYPE_CHECKING:
    import ssl

    from cmp_bundle.practice.message import SipRequest, SipResponse

#: Bytes of an answer that is no WebSocket.
_LARGEST_REFUSAL = 64 * 1024
#: Bytes of a message. Asterisk takes no frame of more than 65,535.
_LARGEST = 256 * 1024
#: Messages that are not SIP, after which it is not listened any longer.
_MOST_UNREADABLE = 100
#: Seconds for the server to take a message.
_TAKING = 5.0
#: Seconds for the server to say goodbye.
_GOODBYE = 2.0

#: Pings within a second: who sends more leaves no time for anything else, since each is answered.
_MOST_PINGS = 200

#: What an attempt to connect may raise.
FAILURES = (
    OSError,
    HTTPClientError,
    WebSocketError,
    StreamClosedError,
    UnsatisfiableReadError,
)


class LineError(Exception):
    """The line is of no use (any more). The text is a clause about the server."""


class _Connection(WebSocketClientConnection):
    """One that ends where the server does nothing but ping."""

    _pings = 0
    _since = 0.0

    def on_ping(self, data: bytes) -> None:
        now = time.monotonic()
        if now - self._since > 1.0:
            self._since, self._pings = now, 0
        self._pings += 1
        stream = self.protocol.stream if self.protocol else None
        if self._pings > _MOST_PINGS and stream is not None:
            stream.close()
        super().on_ping(data)


async def connected(
    url: str,
    context: ssl.SSLContext | None,
    patience: float,
    *,
    largest: int = _LARGEST,
    ping: float | None = None,
    source: str | None = None,
    address: str = "",
) -> WebSocketClientConnection:
    """A WebSocket of sub-protocol sip, if the server agrees: ask its ``selected_subprotocol``.

    ``patience`` is in seconds, as is ``ping``, the time after which a silent server is asked for a
    sign of life. ``largest`` is the longest message in bytes, ``source`` the address of this end,
    ``address`` that of the other, where its name need not be looked up. Raises one of FAILURES.
    """
    request = HTTPRequest(
        url,
        connect_timeout=patience,
        request_timeout=patience,
        ssl_options=context,
        network_interface=source,
    )
    connection = _Connection(
        request,
        subprotocols=["sip"],
        max_message_size=largest,
        ping_interval=ping,
        resolver=OverrideResolver(Resolver(), {urlsplit(url).hostname: address})
        if address
        else None,
    )
    # websocket_connect has no way to say that no more than words are read of a refusal.
    connection.max_body_size = _LARGEST_REFUSAL
    try:
        # Its own patience ends with a handshake that it takes for one, and then finds wrong.
        await asyncio.wait_for(connection.connect_future, patience + 1)
    except BaseException:
        # It may have come to be one in the very moment in which nobody waited any longer.
        stream = connection.protocol.stream if connection.protocol else None
        if stream is not None:
            stream.close()
        connection.protocol = None
        raise
    return connection


class Line:
    """An open line. What cannot be read as SIP is passed over."""

    def __init__(self, connection: WebSocketClientConnection) -> None:
        self._connection = connection
        self._unreadable = 0
        self._ended = False

    @classmethod
    async def open(
        cls,
        url: str,
        context: ssl.SSLContext,
        patience: float,
        source: str | None,
        address: str = "",
    ) -> Line:
        """As ``connected``. Raises LineError."""
        try:
            connection = await connected(url, context, patience, source=source, address=address)
        except FAILURES:
            raise LineError("does not take the connection") from None
        made = cls(connection)
        if connection.selected_subprotocol != "sip":
            await made.close()
            raise LineError("offers no SIP over its WebSocket")
        return made

    async def send(self, message: SipRequest | SipResponse) -> None:
        """Returns when there is room for more. Raises LineError."""
        try:
            async with asyncio.timeout(_TAKING):
                await self._connection.write_message(str(message))
        except TimeoutError:
            raise LineError("takes no messages any more") from None
        except (WebSocketClosedError, StreamClosedError):
            raise LineError(_CLOSED) from None

    async def receive(self) -> SipRequest | SipResponse:
        """The next message. Raises LineError."""
        while True:
            data = await self._connection.read_message()
            if data is None:
                self._ended = True
                raise LineError(_CLOSED)
            with suppress(UnreadableError, MalformedError):
                message = parse(data)
                message.check()
                # What check() leaves to whoever needs it of an answer.
                _ = message.contacts, message.cseq
                return message
            self._unreadable += 1
            if self._unreadable > _MOST_UNREADABLE:
                raise LineError("sends messages that are not SIP")

    async def close(self) -> None:
        """With the goodbyes of both sides, or without where the server has none."""
        protocol = self._connection.protocol
        self._connection.close(1000)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(_GOODBYE):
                    while not self._ended:
                        self._ended = await self._connection.read_message() is None
        finally:
            # Tornado would do it after five seconds, if anybody were still there.
            if protocol is not None and protocol.stream is not None:
                protocol.stream.close()


_CLOSED = "closed the connection"
