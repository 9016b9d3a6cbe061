"""What all sockets share: who is connected, what they are told, and who hears of trouble."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any, Protocol

from tornado.websocket import WebSocketClosedError

from cmp_bundle.devserver.sip_log import SipLog
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from tornado.websocket import WebSocketHandler

    from cmp_bundle.devserver.builds import Outcome
    from cmp_bundle.devserver.guard import Guard
    from cmp_bundle.devserver.pbx import Deliver, Ended, Pbx, PbxConnection
    from cmp_bundle.report import Reporter


class Listening(Protocol):
    """A page's socket."""

    def push(self, text: str) -> None:
        """Tell it; what it has not taken before is forgotten for this."""


#: Going away (RFC 6455, 7.4.1): what either side is told when the other vanishes without a word.
GONE = 1001

#: Seconds that a PBX may take to answer it.
_FAREWELL = 1.0

#: Seconds between two pieces of news to lists that show every message of every phone.
_OFTEN = 0.1


class Hub:
    """``reloaders`` are phones' pages that livereload's script reloads, ``watchers`` those that
    hear of trouble; ``readers`` are developers' pages, which hear of all that is new.
    """

    def __init__(self, guard: Guard, pbx: Pbx | None, reporter: Reporter) -> None:
        self.guard = guard
        self.reloaders: set[WebSocketHandler] = set()
        self.watchers: set[Listening] = set()
        self.readers: set[Listening] = set()
        self.log = SipLog(self._news)
        self._pbx = pbx
        self._lines: set[PbxConnection] = set()
        self._leaving = False
        self._reporter = reporter
        #: The last build.
        self.outcome: Outcome | None = None
        #: The last trouble with the PBX.
        self.notice: CmpBundleError | None = None
        self._news_coming = False

    @property
    def state(self) -> str:
        """What phones' pages are told, as JSON; client/dev/page.ts reads it.

        Nothing of what went wrong or who calls whom: the page may be a stranger's.
        """
        outcome = self.outcome
        trouble = {"build": outcome and outcome.problem, "pbx": self.notice}
        document: dict[str, Any] = {
            "shown": outcome.visible if outcome else 0,
            "since": outcome.since if outcome else 0,
            "trouble": [part for part, problem in trouble.items() if problem],
        }
        return json.dumps(document)

    async def connect(self, deliver: Deliver, ended: Ended) -> PbxConnection:
        """A line to the PBX. Raises CmpBundleError."""
        if self._pbx is None:
            raise CmpBundleError(
                "no-pbx",
                "this server has no PBX, so no phone can connect",
                hint="start it with --practice, or with --pbx wss://pbx.example.com:8089/ws",
            )
        line = await self._pbx.connect(deliver, ended)
        self._lines.add(line)
        line.done.add_done_callback(lambda _: self._lines.discard(line))
        if self.notice is not None:
            self.notice = None
            self.publish()
        return line

    async def aclose(self) -> None:
        """Let go of the PBX, whether it hears it or not."""
        self._leaving = True
        lines = tuple(self._lines)
        for line in lines:
            line.close(GONE, None)
        if lines:
            await asyncio.wait([line.done for line in lines], timeout=_FAREWELL)

    def tell(self, trouble: CmpBundleError) -> None:
        """Say it in the terminal and on the developer's page, and on phones' that there is some."""
        if self._leaving:
            return
        if self.notice is None or str(self.notice) != str(trouble):
            self._reporter.warn(trouble.with_hint)
        self.notice = trouble
        self.publish()

    def built(self, outcome: Outcome) -> None:
        """A build has ended: reload what shows another."""
        self.outcome = outcome
        if outcome.changed:
            # Without a style sheet's own path, livereload's script reloads the page.
            for path in outcome.stylesheets or ("index.html",):
                for page in tuple(self.reloaders):
                    tell(page, _reload(path))
        self.publish()

    def reloads(self, page: WebSocketHandler) -> None:
        """From now on it is told of each build. The page may be of one before the last."""
        self.reloaders.add(page)
        for path in self.outcome.restyled if self.outcome else ():
            tell(page, _reload(path))

    def publish(self) -> None:
        state = self.state
        for page in tuple(self.watchers):
            page.push(state)
        self._publish_news()

    def _publish_news(self) -> None:
        for page in tuple(self.readers):
            page.push("news")

    def _news(self) -> None:
        """Something passed on a phone's socket; lists hear of it soon, but not of each."""
        if self._news_coming or not self.readers:
            return
        self._news_coming = True

        def now() -> None:
            self._news_coming = False
            self._publish_news()

        asyncio.get_running_loop().call_later(_OFTEN, now)


def _reload(path: str) -> str:
    """What livereload's script swaps a style sheet for, or reloads the page."""
    return json.dumps({"command": "reload", "path": path, "liveCSS": True, "liveImg": False})


def tell(socket: WebSocketHandler, message: str) -> None:
    """Send it, unless whoever it is for has gone: that is no news."""
    with contextlib.suppress(WebSocketClosedError):
        # It may go while the message is under way; then the future has an exception to be taken.
        socket.write_message(message).add_done_callback(lambda sent: sent.exception())
