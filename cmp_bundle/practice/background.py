"""Work that takes its time, while phones go on talking: kept, never lost, and ended at the end."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Coroutine


class Background:
    """What fails goes to the loop's exception handler: nobody else waits for it."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def go(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._done)

    async def finish(self) -> None:
        """Wait until nothing is left, of what comes meanwhile neither."""
        while self._running:
            with contextlib.suppress(Exception):
                await asyncio.wait(tuple(self._running))

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.result()
