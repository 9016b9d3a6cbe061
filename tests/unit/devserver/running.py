"""A dev server in a thread of its own, as ``cmp-bundle serve`` runs it, for tests to talk to."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from cmp_bundle.bundle.build import Built, Live, build
from cmp_bundle.bundle.client import Client
from cmp_bundle.devserver.built_files import FOLDER
from cmp_bundle.devserver.developer import Developer
from cmp_bundle.devserver.guard import Guard
from cmp_bundle.devserver.listening import Limits
from cmp_bundle.devserver.pages import AccountLink
from cmp_bundle.devserver.pbx import Pbx
from cmp_bundle.devserver.server import BundleSource, DevServer, bind
from cmp_bundle.findings import Finding
from cmp_bundle.phone.folder import read_folder
from cmp_bundle.phone.model import Phone
from cmp_bundle.report import Silent
from cmp_bundle.settings.model import BuildSettings, Settings
from cmp_bundle.tls.machine import LOCAL
from tests.testbed.server import certificate

CLIENT = Client("loader", "overlay()", ".overlay{}", "fixes()", ".fix{}")


class Terminal(Silent):
    """A Reporter that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)

    def warn(self, text: str) -> None:
        self.lines.append(f"warning: {text}")

    def found(self, finding: Finding) -> None:
        self.lines.append(f"{finding.level}: {finding}")


#: What stands in the address of the developer's page.
SECRET = "the-secret-of-the-page"


@dataclass
class Running:
    """``beside`` is the developer's port, and ``page`` the path of the developer's page there."""

    page: ClassVar = f"/{SECRET}/"

    server: DevServer
    port: int
    beside: int
    terminal: Terminal
    loop: asyncio.AbstractEventLoop
    task: asyncio.Task[None]

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"https://localhost:{self.port}"

    def call(self, function: Callable[[], Any]) -> Any:
        """Run ``function`` in the server's own thread."""

        async def run() -> Any:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(30)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.task.cancel)


def tls() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context and a client's that trusts it."""
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(certificate("localhost"))
        file.flush()
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(file.name)
        return server, ssl.create_default_context(cafile=file.name)


def building(folder: Path, **how: Any) -> Callable[[int], Built]:
    """Builds the phone in ``folder``, unpacked."""
    settings = Settings(build=replace(BuildSettings(pack=False), **how))

    def make(number: int) -> Built:
        phone = Phone.of(read_folder(folder, str(folder)), source=str(folder))
        live = Live(
            (f"/__cmp/page.js?live-{number}", "/livereload.js"), FOLDER.format(number=number)
        )
        return build(phone, settings, CLIENT, live=live)

    return make


@contextlib.contextmanager
def serving(  # noqa: PLR0917 - a server and its thread, in one place
    make: Callable[[int], Built],
    watched: tuple[Path, ...] = (),
    pbx: Pbx | None = None,
    context: ssl.SSLContext | None = None,
    links: tuple[AccountLink, ...] = (),
    limits: Limits | None = None,
    **options: bool,
) -> Iterator[Running]:
    """A dev server until the block is left."""
    sockets, developers = bind("127.0.0.1", 0), bind("127.0.0.1", 0)
    port, beside = (bound[0].getsockname()[1] for bound in (sockets, developers))
    guard = Guard(frozenset(LOCAL), port)
    developer = Developer(Guard(frozenset(LOCAL), beside), SECRET)
    source = BundleSource(
        make, lambda: watched, lambda: links, f"https://localhost:{port}", first=1
    )
    terminal = Terminal()
    started: Future[Running] = Future()
    failures: list[BaseException] = []

    async def main() -> None:
        server = DevServer(source, guard, developer, pbx, terminal, limits=limits, **options)
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        await server.build()
        server.listen(sockets, developers, context or tls()[0])
        started.set_result(Running(server, port, beside, terminal, loop, task))
        try:
            await server.run()
        finally:
            await server.aclose()

    def thread() -> None:
        try:
            asyncio.run(main())
        except asyncio.CancelledError:
            pass
        except BaseException as error:  # noqa: BLE001 - it is raised in the test's own thread
            if started.done():
                failures.append(error)
            else:
                started.set_exception(error)

    runner = threading.Thread(target=thread)
    runner.start()
    running = started.result(30)
    try:
        yield running
    finally:
        if runner.is_alive():
            running.stop()
        runner.join(30)
        assert not runner.is_alive()
    if failures:
        raise failures[0]
