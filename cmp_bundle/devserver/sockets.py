"""The sockets of the dev server: phones, pages that want to be reloaded, and what watches them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from typing import TYPE_CHECKING, Any

from livereload.handlers import LiveReloadHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from cmp_bundle.devserver.hub import GONE, tell
from cmp_bundle.devserver.pbx import Message, sendable
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from cmp_bundle.devserver.hub import Hub
    from cmp_bundle.devserver.pbx import PbxConnection

_SWITCHED = 101

_numbers = itertools.count(1)


class _HubSocket(WebSocketHandler):
    """A socket for pages of this server alone."""

    def initialize(self, hub: Hub) -> None:
        self._hub = hub

    def check_origin(self, origin: str) -> bool:
        return self._hub.guard.allows_origin(origin)

    def open(self, *_args: str, **_more: str) -> None:
        self.set_nodelay(True)


class PhoneSocket(_HubSocket):
    """A phone's socket: what it says goes to the PBX, and what that says comes back."""

    def initialize(self, hub: Hub) -> None:
        super().initialize(hub)
        self._line: PbxConnection | None = None
        self._ready = asyncio.Event()
        self._number = next(_numbers)

    async def prepare(self) -> None:
        """The PBX is connected before the phone is answered: a phone that is, is connected."""
        if not self._hub.guard.allows_origin(self.request.headers.get("Origin")):
            return  # refused by check_origin, with its own words
        offered = self.request.headers.get("Sec-WebSocket-Protocol", "")
        if "sip" not in [p.strip() for p in offered.split(",")]:
            self.send_error(400, reason="Bad Request")  # as Asterisk does
            return
        try:
            self._line = await self._hub.connect(self._deliver, self._ended)
        except CmpBundleError as error:
            self._hub.tell(error)
            self.send_error(502, reason="Bad Gateway")

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return "sip" if "sip" in subprotocols else None

    def open(self, *_args: str, **_more: str) -> None:
        super().open()
        self._hub.log.opened(self._number)
        self._ready.set()

    async def on_message(self, message: Message) -> None:
        self._hub.log.saw(self._number, message, from_phone=True)
        if self._line is not None:
            # The phone's next message is read when the PBX has room for it.
            await self._line.send(message)

    def on_close(self) -> None:
        self._hub.log.closed(self._number)
        self._hang_up()

    def on_finish(self) -> None:
        # Tornado calls an accepted upgrade finished as well.
        if self.get_status() != _SWITCHED:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close(self.close_code, self.close_reason)
            self._line = None

    async def _deliver(self, message: Message) -> None:
        await self._ready.wait()
        self._hub.log.saw(self._number, message, from_phone=False)
        try:
            await self.write_message(message, binary=isinstance(message, bytes))
        except WebSocketClosedError:
            return  # on_close tells the PBX

    def _ended(self, code: int | None, reason: str | None) -> None:
        self._line = None
        if sendable(code) is None:
            self._hub.tell(CmpBundleError("pbx-unreachable", "the PBX closed a phone's connection"))
        self.close(sendable(code) or GONE, reason)

    def write_error(self, status_code: int, **_more: Any) -> None:
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{status_code} {self._reason}\n")


class ReloadSocket(_HubSocket, LiveReloadHandler):
    """livereload's own socket, which its script in the page talks to."""

    def send_message(self, message: dict[str, Any]) -> None:
        """The handshake; livereload's own way logs a traceback where the page has gone."""
        tell(self, json.dumps(message))

    def on_message(self, message: str | bytes) -> None:
        try:
            super().on_message(message)
            command = json.loads(message).get("command")
        except (ValueError, TypeError, AttributeError, KeyError):
            self.close(1007, "not a livereload message")
            return
        # Its script takes what it is told as soon as it has been greeted.
        if command == "hello":
            self._hub.reloads(self)

    def on_close(self) -> None:
        super().on_close()
        self._hub.reloaders.discard(self)


class _Telling(_HubSocket):
    """A page that hears how things are. Whoever is slow to listen hears the latest alone."""

    def initialize(self, hub: Hub) -> None:
        super().initialize(hub)
        self._next: str | None = None
        self._sending: asyncio.Task[None] | None = None

    def on_message(self, message: str | bytes) -> None:
        """Nothing that pages say matters."""

    def push(self, text: str) -> None:
        self._next = text
        if self._sending is None or self._sending.done():
            self._sending = asyncio.ensure_future(self._send())

    async def _send(self) -> None:
        with contextlib.suppress(WebSocketClosedError):
            while self._next is not None:
                text, self._next = self._next, None
                await self.write_message(text)


class EventSocket(_Telling):
    """Tells phones' pages that something is wrong, and which build is shown."""

    def open(self, *_args: str, **_more: str) -> None:
        super().open()
        self._hub.watchers.add(self)
        self.push(self._hub.state)

    def on_close(self) -> None:
        self._hub.watchers.discard(self)


class NewsSocket(_Telling):
    """Tells the developer's page that there is something new to be fetched."""

    def check_origin(self, origin: str) -> bool:
        """Looked at before it came here, with the secret; see developer.py."""
        del origin
        return True

    def open(self, *_args: str, **_more: str) -> None:
        super().open()
        self._hub.readers.add(self)
        self.push("news")

    def on_close(self) -> None:
        self._hub.readers.discard(self)
