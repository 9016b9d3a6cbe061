"""A phone that registers and then says nothing more: as in a tab that is frozen."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from cmp_bundle.checks.line import Line
from cmp_bundle.checks.sip_client import SipClient
from cmp_bundle.checks.websocket import own_address, unchecked
from tests.serving import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp_bundle.accounts.model import Account

#: Seconds for anything that it waits for.
_PATIENCE = 20.0


def hold(url: str, account: Account) -> Callable[[], None]:
    """Register ``account`` at ``url`` (``wss://…/ws``); the function that is returned ends it."""
    loop = asyncio.new_event_loop()
    bound, over = threading.Event(), asyncio.Event()

    async def live() -> None:
        line = await Line.open(url, unchecked(), _PATIENCE, own_address("127.0.0.1"))
        try:
            async with SipClient(line, account, "127.0.0.1").bound() as answered:
                assert answered.response.success, answered.response
                bound.set()
                await over.wait()
        finally:
            await line.close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(live()), daemon=True)
    thread.start()
    until(lambda: bound.is_set() or not thread.is_alive(), _PATIENCE)
    assert bound.is_set()

    def end() -> None:
        loop.call_soon_threadsafe(over.set)
        thread.join(_PATIENCE)
        assert not thread.is_alive()
        loop.close()

    return end
