"""A phone that vanishes in a call, as a process of its own: it is simply gone, as a killed browser is."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys

from cmp_bundle.accounts.model import Account
from cmp_bundle.checks.line import Line
from cmp_bundle.checks.offer import offer
from cmp_bundle.checks.sip_client import SipClient
from cmp_bundle.checks.websocket import unchecked


async def vanish(url: str, user: str, password: str, extension: str) -> None:
    line = await Line.open(url, unchecked(), 10, None)
    client = SipClient(line, Account(user, password=password), "127.0.0.1")
    fingerprint = secrets.token_bytes(32).hex(":").upper()
    description = offer(1, secrets.token_hex(4), secrets.token_hex(12), fingerprint)
    async with client.bound(), client.call(extension, description) as called:
        os._exit(0 if called.response.success else 1)


if __name__ == "__main__":
    asyncio.run(vanish(*sys.argv[1:5]))
