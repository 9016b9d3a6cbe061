"""The dev server, put together: builds, watching, and everything on one TLS port."""

from __future__ import annotations

import asyncio
import errno
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from socket import gaierror
from typing import TYPE_CHECKING

import livereload
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, FallbackHandler, RequestHandler
from tornado.wsgi import WSGIContainer

from cmp_bundle.asterisk import includes
from cmp_bundle.asterisk.web import WebServer
from cmp_bundle.devserver.builds import Builds, Outcome, published
from cmp_bundle.devserver.front import Front
from cmp_bundle.devserver.hub import Hub
from cmp_bundle.devserver.pages import Link, View, make_app
from cmp_bundle.devserver.shown import Shown
from cmp_bundle.devserver.sockets import EventSocket, PhoneSocket, ReloadSocket
from cmp_bundle.devserver.watching import Watching
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable
    from socket import socket

    from cmp_bundle.bundle.build import Built
    from cmp_bundle.devserver.guard import Guard
    from cmp_bundle.devserver.pbx import Pbx
    from cmp_bundle.report import Reporter


@dataclass(frozen=True)
class Source:
    """What is built, and from what.

    ``make`` builds, given the number of the build; ``watched`` are the files and folders that it
    reads; ``links`` gives the ways in, once something is built. ``shown`` is called in the loop
    when what was built is what people see.
    """

    make: Callable[[int], Built]
    watched: Callable[[], Iterable[Path]]
    links: Callable[[], tuple[Link, ...]]
    shown: Callable[[], None] = lambda: None


class DevServer:
    """One per port. ``start`` builds and listens; ``run`` rebuilds until it is cancelled."""

    def __init__(
        self,
        source: Source,
        guard: Guard,
        pbx: Pbx | None,
        reporter: Reporter,
        *,
        no_cache: bool = False,
        polling: bool = False,
    ) -> None:
        self._source = source
        self._guard = guard
        self._reporter = reporter
        self._polling = polling
        self._pbx_name = pbx.name if pbx else "none: start with --practice, or with --pbx URL"
        self._builds = Builds(source.make)
        self._shown = Shown()
        self._hub = Hub(guard, pbx, reporter)
        self._rules = WebServer(())
        self._threads = ThreadPoolExecutor(4, "page")
        tools, phones = self._applications()
        self._front = Front(
            guard, lambda: self._rules, self._shown, tools, phones, no_cache=no_cache
        )
        self._server: HTTPServer | None = None
        self._links: tuple[Link, ...] = ()

    @property
    def hub(self) -> Hub:
        return self._hub

    async def build(self) -> Outcome:
        """Build once and show it. Raises CmpBundleError the first time, if it fails."""
        # In a thread: phones go on talking meanwhile.
        before = self._hub.outcome
        outcome = await asyncio.to_thread(self._builds.build)
        if outcome.changed:
            about = outcome.built.bundle.manifest
            self._shown.show(about.site, published(outcome.built))
            page = includes.page_path("", about.site, f"live-{outcome.shown}")
            self._rules = WebServer(((about.redirect, page),), name="cmp-bundle")
        if outcome.problem is None:
            self._links = self._source.links()
            self._source.shown()
        self._say(outcome, before)
        self._hub.built(outcome)
        return outcome

    def listen(self, sockets: list[socket], context: ssl.SSLContext) -> None:
        self._server = HTTPServer(self._front, ssl_options=context)
        self._server.add_sockets(sockets)

    async def run(self) -> None:
        """Build again whenever something is edited. Ends when it is cancelled."""
        while True:
            watched = frozenset(self._source.watched())
            watching = Watching(watched, polling=self._polling)
            if watching.trouble is not None:
                self._reporter.warn(
                    f"edits are looked for now and then, since the system tells of none:"
                    f" {watching.trouble} (sysctl fs.inotify shows what it allows)"
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
        if self._server is not None:
            self._server.stop()
            await self._server.close_all_connections()
        self._threads.shutdown(wait=False)

    def _applications(self) -> tuple[Application, Application]:
        hub = {"hub": self._hub}
        pages = WSGIContainer(make_app(self._view), executor=self._threads)
        client = files("cmp_bundle") / "client/dev"
        script = Path(livereload.__file__).parent / "vendors/livereload.js"
        texts = {
            "/livereload.js": (script.read_bytes(), "text/javascript"),
            "/__cmp/page.js": ((client / "page.js").read_bytes(), "text/javascript"),
            "/__cmp/dev.js": ((client / "dev.js").read_bytes(), "text/javascript"),
            "/__cmp/dev.css": ((client / "dev.css").read_bytes(), "text/css"),
        }
        tools = Application(
            [
                ("/livereload", ReloadSocket, hub),
                ("/__cmp/events", EventSocket, hub),
                *(
                    (path, _Fixed, {"data": data, "kind": kind})
                    for path, (data, kind) in texts.items()
                ),
                ("/.*", FallbackHandler, {"fallback": pages}),
            ],
            log_function=lambda _handler: None,
        )
        phones = Application([("/.*", PhoneSocket, hub)], log_function=lambda _handler: None)
        return tools, phones

    def _view(self) -> View:
        outcome = self._hub.outcome
        about = outcome.built.bundle.manifest if outcome else None
        warnings = outcome.warnings if outcome else ()
        return View(
            site=about.site if about else "",
            url=self._links[0].url if self._links else about.redirect if about else "/",
            pbx=self._pbx_name,
            outcome=outcome,
            notice=self._hub.notice,
            links=self._links,
            phones=self._hub.log.phones,
            calls=self._hub.log.calls,
            warnings=tuple(f"{w.path}: {w.message}" for w in warnings),
        )

    def _say(self, outcome: Outcome, before: Outcome | None) -> None:
        """A line in the terminal for each build but the first, where it is news."""
        if before is None:
            return
        problem = outcome.problem
        if problem is not None:
            if str(problem) != str(before.problem):
                self._reporter.warn(f"{problem}{f' ({problem.hint})' if problem.hint else ''}")
        elif outcome.changed or before.problem is not None:
            what = ", ".join(outcome.stylesheets) or "the page"
            happens = "reloads" if outcome.changed else "is right as it was"
            self._reporter.note(f"built in {outcome.seconds * 1000:.0f} ms: {what} {happens}")


class _Fixed(RequestHandler):
    """A script or style sheet of the dev server's own."""

    def initialize(self, data: bytes, kind: str) -> None:
        self._data = data
        self._kind = kind

    def get(self) -> None:
        self.set_header("Content-Type", f"{self._kind}; charset=utf-8")
        self.set_header("Cache-Control", "no-cache")
        self.write(self._data)


def bind(host: str, port: int) -> list[socket]:
    """The sockets to listen on. Raises CmpBundleError where there are none to be had."""
    try:
        return list(bind_sockets(port, host))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        if isinstance(error, gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise CmpBundleError(
                f"{host} is nothing that this machine can listen on: {reason}",
                hint="leave out --host, or name one of its addresses; ip address shows them",
            ) from error
        what = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be had: {reason}"
        raise CmpBundleError(
            f"port {port} of {host or 'this machine'} {what}",
            hint="stop what uses it, or take another: --port 0 takes any that is free",
        ) from error
