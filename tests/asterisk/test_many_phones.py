"""Two hundred phones through ``serve --pbx`` to a real Asterisk, which stops under them twice."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from cmp_bundle.devserver.pbx import PATIENCE
from tests.scripted_phone import SIP, Phone
from tests.serving import Serve, serve
from tests.testbed import config
from tests.testbed.server import Asterisk

pytestmark = pytest.mark.asterisk

ACCOUNTS = {f"phone{number}": f"secret{number}" for number in range(200)}

#: Asterisk takes 100 web sessions at once unless it is told otherwise, and each phone holds one.
SESSIONS = "sessionlimit=500\n"


@pytest.fixture
def crowded(pbx: Asterisk) -> Asterisk:
    """Room for everybody: accounts, web sessions, and ports for as many calls."""
    start = pbx.ports.rtp[0]
    (pbx.etc / "pjsip.conf").write_text(config.pjsip_conf(ACCOUNTS))
    (pbx.etc / "rtp.conf").write_text(f"[general]\nrtpstart={start}\nrtpend={start + 1999}\n")
    with (pbx.etc / "http.conf").open("a") as conf:
        conf.write(SESSIONS)
    pbx.stop()
    pbx.start()
    return pbx


def test_two_hundred_phones(crowded: Asterisk, tmp_path: Path) -> None:
    arguments = ["--source", "builtin", "--pbx", f"wss://localhost:{crowded.ports.https}/ws",
                 "--pbx-ca", str(crowded.etc / "keys/asterisk.pem")]  # fmt: skip
    with serve(tmp_path, *arguments) as running:
        asyncio.run(_everybody(running, crowded))


async def _everybody(running: Serve, pbx: Asterisk) -> None:
    await _until_it_ends(running, pbx, lambda: _stop_in_order(pbx))
    await asyncio.to_thread(pbx.start)
    await _until_it_ends(running, pbx, pbx.stop)  # killed
    await asyncio.to_thread(pbx.start)
    await _until_it_ends(running, pbx, None)


async def _until_it_ends(running: Serve, pbx: Asterisk, end: Callable[[], None] | None) -> None:
    """Everybody comes, registers and calls; then ``end`` ends the PBX under them."""
    async with contextlib.AsyncExitStack() as stack:
        context = ssl._create_unverified_context()
        few = asyncio.Semaphore(10)

        async def phone(name: str, password: str) -> tuple[Phone, ClientConnection]:
            async with few:
                line = await stack.enter_async_context(
                    connect(
                        f"wss://localhost:{running.port}/ws",
                        ssl=context,
                        origin=Origin(running.base),
                        subprotocols=[SIP],
                        open_timeout=PATIENCE * 4,
                    )
                )
            made = Phone(name, password, line)
            await made.register()
            return made, line

        phones = await asyncio.gather(*(phone(*account) for account in ACCOUNTS.items()))
        contacts = await asyncio.to_thread(pbx.rx, "pjsip show contacts")
        assert {name for name in ACCOUNTS if f" {name}/sip:" in contacts} == set(ACCOUNTS)
        await asyncio.gather(*(made.call() for made, _ in phones))
        if end:
            await asyncio.to_thread(end)
            await asyncio.gather(*(line.wait_closed() for _, line in phones))
            assert {line.close_code for _, line in phones} == {1001}


def _stop_in_order(pbx: Asterisk) -> None:
    assert pbx.process
    pbx.rx("core stop now")
    pbx.process.wait()
    pbx.process = None
