"""The dev server, put together: builds, watching, the phone's TLS port and the developer's."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from socket import gaierror
from typing import TYPE_CHECKING, Any

import livereload
from tornado.netutil import bind_sockets
from tornado.web import Application, FallbackHandler, RequestHandler
from tornado.wsgi import WSGIContainer

from cmp_bundle.asterisk import includes
from cmp_bundle.asterisk.web import WebServer
from cmp_bundle.devserver.builds import Builds, Outcome, published
from cmp_bundle.devserver.built_files import BuiltFiles
from cmp_bundle.devserver.developer import HEADERS, Developer, DeveloperFront
from cmp_bundle.devserver.front import Front
from cmp_bundle.devserver.hub import Hub
from cmp_bundle.devserver.listening import Limits, Listener
from cmp_bundle.devserver.pages import AccountLink, View, make_app
from cmp_bundle.devserver.pbx import LARGEST
from cmp_bundle.devserver.sockets import EventSocket, NewsSocket, PhoneSocket, ReloadSocket
from cmp_bundle.devserver.watching import Watching
from cmp_bundle.errors import CmpBundleError, reason

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Mapping
    from socket import socket

    from cmp_bundle.bundle.build import Built
    from cmp_bundle.devserver.guard import Guard
    from cmp_bundle.devserver.pbx import Pbx
    from cmp_bundle.report import Reporter


_LAST_PORT = 65535

#: The largest message of a page that is to be reloaded, in bytes: it tells its address.
_PAGES_LARGEST = 64 * 1024


@dataclass(frozen=True)
class BundleSource:
    """What is built, and from what.

    ``make`` builds, given the number of the build; ``watched`` are the files and folders that it
    reads; ``links`` gives the ways in, once something is built, and ``base`` is what they begin
    with. ``first`` is the number of the first build, which no earlier run has had: it stands in
    the addresses of files, and browsers keep those. ``on_visible`` is called in the loop when what was
    built is what people see.
    """

    make: Callable[[int], Built]
    watched: Callable[[], Iterable[Path]]
    links: Callable[[], tuple[AccountLink, ...]]
    base: str
    first: int
    on_visible: Callable[[], None] = lambda: None


class DevServer:
    """``build`` builds, ``listen`` listens; ``run`` rebuilds until it is cancelled.

    ``guard`` is for the phone's port, which anybody may ask; ``developer`` for the other.
    """

    def __init__(
        self,
        source: BundleSource,
        guard: Guard,
        developer: Developer,
        pbx: Pbx | None,
        reporter: Reporter,
        *,
        no_cache: bool = False,
        polling: bool = False,
        limits: Limits | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._source = source
        self._guard = guard
        self._reporter = reporter
        self._polling = polling
        self._pbx_name = pbx.name if pbx else "none: start with --practice, or with --pbx URL"
        self._builds = Builds(source.make, source.first)
        self._files = BuiltFiles()
        self.hub = Hub(guard, pbx, reporter)
        self._rules = WebServer(())
        tools, phones = self._applications()
        self._front = Front(
            guard,
            lambda: self._rules,
            self._files,
            tools,
            phones,
            sending=self._limits.sending,
            no_cache=no_cache,
        )
        self._developer = DeveloperFront(developer, self._pages())
        self._listeners: list[Listener] = []
        self._links: tuple[AccountLink, ...] = ()

    async def build(self) -> Outcome:
        """Build once and show it. Raises CmpBundleError the first time, if it fails."""
        # In a thread: phones go on talking meanwhile.
        before = self.hub.outcome
        outcome = await asyncio.to_thread(self._builds.build)
        if outcome.changed:
            about = outcome.built.bundle.manifest
            self._files.show(about.site, published(outcome.built))
            page = includes.page_path("", about.site, f"live-{outcome.visible}")
            self._rules = WebServer(((about.redirect, page),), name="cmp-bundle")
        if outcome.problem is None:
            self._links = self._source.links()
            self._source.on_visible()
        self._say(outcome, before)
        self.hub.built(outcome)
        return outcome

    def listen(
        self, sockets: list[socket], developers: list[socket], context: ssl.SSLContext
    ) -> None:
        """Answer phones on ``sockets``, and the developer on ``developers``."""
        for front, bound in ((self._front, sockets), (self._developer, developers)):
            listener = Listener.over_tls(front, context, self._limits)
            listener.add_sockets(bound)
            self._listeners.append(listener)

    async def run(self) -> None:
        """Build again whenever something is edited. Ends when it is cancelled."""
        while True:
            watched = frozenset(self._source.watched())
            watching = Watching(watched, polling=self._polling)
            if watching.trouble is not None:
                self._reporter.warn(
                    f"the system cannot report edits, so the files are checked every"
                    f" {watching.pause} s: {watching.trouble} (sysctl fs.inotify shows the limits)"
                )
                self._polling = True
            try:
                # Something may have been edited since the build that was told to watch this.
                await self.build()
                while frozenset(self._source.watched()) == watched:
                    await watching.edited()
                    await self.build()
            finally:
                await watching.aclose()

    async def aclose(self) -> None:
        for listener in self._listeners:
            listener.stop()
        await self.hub.aclose()
        for listener in self._listeners:
            await listener.close_all_connections()

    def _applications(self) -> tuple[Application, Application]:
        """What else the phone's port has: live reload, and the way to the PBX."""
        hub = {"hub": self.hub}
        script = Path(livereload.__file__).parent / "vendors/livereload.js"
        page = (files("cmp_bundle") / "client/dev/page.js").read_bytes()
        tools = [
            ("/livereload", ReloadSocket, hub),
            ("/__cmp/events", EventSocket, hub),
            ("/livereload.js", _Fixed, {"data": script.read_bytes(), "kind": "text/javascript"}),
            ("/__cmp/page.js", _Fixed, {"data": page, "kind": "text/javascript"}),
        ]
        phones = self._application([("/.*", PhoneSocket, hub)], LARGEST)
        return self._application(tools), phones

    def _pages(self) -> Application:
        """The developer's page."""
        client = files("cmp_bundle") / "client/dev"
        kinds = {"dev.js": "text/javascript", "dev.css": "text/css"}
        fixed = [
            (f"/{n}", _Fixed, {"data": (client / n).read_bytes(), "kind": k, "headers": HEADERS})
            for n, k in kinds.items()
        ]
        # Never shut down: a page that is being made when the server stops asks for more of it.
        pages = WSGIContainer(make_app(self._view), executor=ThreadPoolExecutor(4, "page"))
        return self._application(
            [
                ("/news", NewsSocket, {"hub": self.hub}),
                *fixed,
                ("/.*", FallbackHandler, {"fallback": pages}),
            ]
        )

    def _application(self, routes: list[Any], largest: int = _PAGES_LARGEST) -> Application:
        return Application(
            routes,
            log_function=lambda _handler: None,
            websocket_max_message_size=largest,
            websocket_ping_interval=self._limits.ping,
        )

    def _view(self) -> View:
        outcome = self.hub.outcome
        about = outcome.built.bundle.manifest if outcome else None
        redirect = about.redirect if about else "/"
        return View(
            site=about.site if about else "",
            url=self._links[0].url if self._links else self._source.base + redirect,
            pbx=self._pbx_name,
            outcome=outcome,
            notice=self.hub.notice,
            links=self._links,
            phones=self.hub.log.phones,
            calls=self.hub.log.calls,
        )

    def _say(self, outcome: Outcome, before: Outcome | None) -> None:
        """A line in the terminal for each build but the first, where it is news."""
        if before is None:
            return
        problem = outcome.problem
        if problem is not None:
            if str(problem) != str(before.problem):
                self._reporter.warn(problem.with_hint)
        elif outcome.changed or before.problem is not None:
            what = ", ".join(outcome.stylesheets) or "the page"
            happens = "reloads" if outcome.changed else "builds again, unchanged"
            self._reporter.note(f"built in {outcome.seconds * 1000:.0f} ms: {what} {happens}")


class _Fixed(RequestHandler):
    """A script or style sheet of the dev server's own."""

    def initialize(self, data: bytes, kind: str, headers: Mapping[str, str] | None = None) -> None:
        self._data = data
        self._headers_too = {
            "Content-Type": f"{kind}; charset=utf-8",
            "Cache-Control": "no-cache",
            **(headers or {}),
        }

    def get(self) -> None:
        for name, value in self._headers_too.items():
            self.set_header(name, value)
        self.write(self._data)


def bind(host: str, port: int) -> list[socket]:
    """The sockets to listen on. Raises CmpBundleError where there are none to be had."""
    try:
        return list(bind_sockets(port, host))
    except OSError as error:
        if isinstance(error, gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise CmpBundleError(
                "port-unusable",
                f"this machine cannot listen on {host}: {reason(error)}",
                hint="leave out --host, or give one of the addresses that ip address shows",
            ) from error
        state = (
            "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {reason(error)}"
        )
        raise CmpBundleError(
            "port-unusable",
            f"port {port} on {host or 'this machine'} {state}",
            hint="stop the program that uses it, or choose another port: --port 0 takes a free one",
        ) from error


def bind_beside(host: str, port: int) -> list[socket]:
    """The developer's sockets: on the next port, which can be guessed where ports are let through.

    Raises CmpBundleError where there are none to be had at all.
    """
    if 0 < port < _LAST_PORT:
        with contextlib.suppress(CmpBundleError):
            return bind(host, port + 1)
    return bind(host, 0)
