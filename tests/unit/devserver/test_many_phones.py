"""Two hundred phones at once through the proxy: scripted SIP, no media, and a PBX that restarts."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ssl
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from cmp_bundle.devserver.pbx import RealPbx
from tests.scripted_phone import SIP, Phone, header
from tests.testbed.server import free_ports
from tests.unit.devserver.running import Running, building, serving, tls

PHONES = 200


def answer(request: str, status: str, *more: str) -> str:
    kept = (f"{n}: {header(request, n)}" for n in ("Via", "From", "To", "Call-ID", "CSeq"))
    return "\r\n".join([f"SIP/2.0 {status}", *kept, *more, "Content-Length: 0", "", ""])


class Pbx:
    """Registers everybody who answers its challenge, rings and answers every call."""

    def __init__(self, context: ssl.SSLContext, port: int) -> None:
        self._context = context
        self.port = port
        self.phones = 0
        self._server: Server | None = None

    async def start(self) -> None:
        self._server = await serve(
            self._phone, "127.0.0.1", self.port, ssl=self._context, subprotocols=[SIP]
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop(self) -> None:
        """As a PBX restarts: every phone's connection is closed with 1001."""
        assert self._server
        self._server.close()
        await self._server.wait_closed()

    async def _phone(self, phone: ServerConnection) -> None:
        self.phones += 1
        try:
            async for message in phone:
                text = message if isinstance(message, str) else message.decode()
                for response in self._answers(text):
                    await phone.send(response)
        except ConnectionClosed:
            pass
        finally:
            self.phones -= 1

    def _answers(self, request: str) -> Iterator[str]:
        method = request.partition(" ")[0]
        if method == "ACK":
            return
        if method in ("REGISTER", "INVITE") and "Authorization: " not in request:
            yield answer(
                request, "401 Unauthorized", 'WWW-Authenticate: Digest realm="x", nonce="1"'
            )
            return
        if method == "INVITE":
            yield answer(request, "100 Trying")
            yield answer(request, "180 Ringing")
        yield answer(request, "200 OK", "Contact: <sip:pbx@127.0.0.1>;expires=600")


@pytest.mark.slow
def test_two_hundred_phones(folder: Path) -> None:
    [port] = free_ports(1)  # it comes back to the same one
    server, client = tls()
    pbx = RealPbx(f"wss://localhost:{port}/ws", client)
    with serving(building(folder), pbx=pbx, context=server) as running:
        try:
            asyncio.run(_everybody(running, Pbx(server, port)))
        finally:
            tracemalloc.stop()
        assert running.call(lambda: running.server.hub.log.phones) == ()
        assert not [line for line in running.terminal.lines if "Traceback" in line]


async def _everybody(running: Running, pbx: Pbx) -> None:
    context = ssl._create_unverified_context()
    # Server, PBX and phones share a processor here, and a handshake must be done in good time.
    few = asyncio.Semaphore(10)

    async def connected(
        stack: contextlib.AsyncExitStack, number: int
    ) -> tuple[Phone, ClientConnection]:
        async with few:
            line = await stack.enter_async_context(
                connect(
                    f"wss://localhost:{running.port}/ws",
                    ssl=context,
                    origin=Origin(running.url),
                    subprotocols=[SIP],
                    open_timeout=60,
                )
            )
        phone = Phone(f"phone{number}", "secret", line)
        await phone.register()
        return phone, line

    await pbx.start()
    try:
        async with contextlib.AsyncExitStack() as stack:
            phones = await asyncio.gather(*(connected(stack, n) for n in range(PHONES)))
            assert pbx.phones == PHONES
            logged = running.call(lambda: running.server.hub.log.phones)
            assert [p.state for p in logged] == ["registered"] * PHONES
            tracemalloc.start()
            await _calls(phones)  # from here on the log is full
            before = _memory()
            for _ in range(3):
                await _calls(phones)
            assert _memory() - before < 2_000_000, "memory grows with calls"
            await pbx.stop()
            await asyncio.gather(*(line.wait_closed() for _, line in phones))
            assert {line.close_code for _, line in phones} == {1001}
        await pbx.start()
        async with contextlib.AsyncExitStack() as stack:
            await _calls(await asyncio.gather(*(connected(stack, n) for n in range(PHONES))))
    finally:
        await pbx.stop()


async def _calls(phones: list[tuple[Phone, ClientConnection]]) -> None:
    """One call of each, all at once."""
    await asyncio.gather(*(phone.call() for phone, _ in phones))


def _memory() -> int:
    """Bytes of Python's objects of this process: the dev server's and the test's own."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
