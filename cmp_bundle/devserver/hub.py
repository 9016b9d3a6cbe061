"""What all sockets share: who is connected, what they are told, and who hears of trouble."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from typing import TYPE_CHECKING, Any

from tornado.websocket import WebSocketClosedError

from cmp_bundle.devserver.sip_log import SipLog
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tornado.websocket import WebSocketHandler

    from cmp_bundle.devserver.builds import Outcome
    from cmp_bundle.devserver.guard import Guard
    from cmp_bundle.devserver.pbx import Line, Message, Pbx
    from cmp_bundle.report import Reporter

#: Seconds between two pieces of news to lists that show every message of every phone.
_OFTEN = 0.1


class Hub:
    """``reloaders`` are pages that livereload's script reloads, ``watchers`` get events."""

    def __init__(self, guard: Guard, pbx: Pbx | None, reporter: Reporter) -> None:
        self.guard = guard
        self.reloaders: set[WebSocketHandler] = set()
        self.watchers: set[WebSocketHandler] = set()
        self.log = SipLog(self._news)
        self._pbx = pbx
        self._reporter = reporter
        self._outcome: Outcome | None = None
        self._notice: CmpBundleError | None = None
        self._news_coming = False
        self._count = 0
        # Builds are counted from one in each run; pages outlive it.
        self._run = secrets.token_hex(8)

    @property
    def outcome(self) -> Outcome | None:
        """The last build."""
        return self._outcome

    @property
    def notice(self) -> CmpBundleError | None:
        """The last trouble with the PBX."""
        return self._notice

    @property
    def state(self) -> str:
        """What pages are told, as JSON; client/dev/page.ts reads it."""
        outcome = self._outcome
        told: dict[str, Any] = {
            "run": self._run,
            "shown": outcome.shown if outcome else 0,
            "stylesheets": bool(outcome and outcome.stylesheets),
            "problem": _said(outcome.problem if outcome else None),
            "notice": _said(self._notice),
            "news": self._count,
        }
        return json.dumps(told)

    async def connect(
        self,
        deliver: Callable[[Message], Awaitable[None]],
        ended: Callable[[int | None, str | None], None],
    ) -> Line:
        """A line to the PBX. Raises CmpBundleError."""
        if self._pbx is None:
            raise CmpBundleError(
                "there is no PBX behind this server, so no phone can connect",
                hint="start it with --practice, or with --pbx wss://pbx.example.com:8089/ws",
            )
        line = await self._pbx.connect(deliver, ended)
        if self._notice is not None:
            self._notice = None
            self.publish()
        return line

    def tell(self, trouble: CmpBundleError) -> None:
        """Say it in the terminal and on every page."""
        if self._notice is None or str(self._notice) != str(trouble):
            self._reporter.warn(f"{trouble}{f' ({trouble.hint})' if trouble.hint else ''}")
        self._notice = trouble
        self.publish()

    def built(self, outcome: Outcome) -> None:
        """A build has ended: reload what shows another."""
        self._outcome = outcome
        if outcome.changed:
            # Without a style sheet's own path, livereload's script reloads the page.
            paths = outcome.stylesheets or ("index.html",)
            for path in paths:
                message = {"command": "reload", "path": path, "liveCSS": True, "liveImg": False}
                _send(self.reloaders, json.dumps(message))
        self.publish()

    def publish(self) -> None:
        self._count += 1
        _send(self.watchers, self.state)

    def _news(self) -> None:
        """Something passed on a phone's socket; lists hear of it soon, but not of each."""
        if self._news_coming or not self.watchers:
            return
        self._news_coming = True

        def now() -> None:
            self._news_coming = False
            self.publish()

        asyncio.get_running_loop().call_later(_OFTEN, now)


def tell(socket: WebSocketHandler, message: str) -> None:
    """Send it, unless whoever it is for has gone: that is no news."""
    with contextlib.suppress(WebSocketClosedError):
        # It may go while the message is under way; then the future has an exception to be taken.
        socket.write_message(message).add_done_callback(lambda sent: sent.exception())


def _send(sockets: set[WebSocketHandler], message: str) -> None:
    for socket in tuple(sockets):
        tell(socket, message)


def _said(error: CmpBundleError | None) -> dict[str, str | None] | None:
    if error is None:
        return None
    return {"message": error.message, "hint": error.hint, "where": error.where}
