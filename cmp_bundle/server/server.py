"""A server's Asterisk while it is being changed: reloaded where that is safe, and looked at after it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.control import NOT_BOUND
from cmp_bundle.asterisk.http_conf import http_server
from cmp_bundle.changes.engine import Engine
from cmp_bundle.changes.journal import Journal
from cmp_bundle.changes.memory import memory
from cmp_bundle.checks import live
from cmp_bundle.checks.reload import would_end_https
from cmp_bundle.checks.websocket import (
    Handshake,
    again,
    ask,
    base_url,
    reached,
    reached_plain,
    worse,
)
from cmp_bundle.errors import CmpBundleError, refuse, refuse_first
from cmp_bundle.server.configuration import pair
from cmp_bundle.server.lines import HTTP, RESTART
from cmp_bundle.server.unserved import explained

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cmp_bundle.asterisk.http_conf import HttpServer
    from cmp_bundle.asterisk.installation import Installation
    from cmp_bundle.changes.step import Kinds
    from cmp_bundle.checks.expected import Expected
    from cmp_bundle.checks.reload import Look
    from cmp_bundle.files import Disk
    from cmp_bundle.report import Reporter


#: Seconds in which an Asterisk is up again that was restarted, and from when on its uptime tells it.
_RESTART = 60.0
_TELLING = 3


def engine_for(
    server: Server,
    disk: Disk,
    reporter: Reporter,
    kinds: Kinds,
    others: tuple[Path, ...] = (),
) -> Engine:
    """What changes this server; ``others`` are files of the operator's that change with it.

    Raises CmpBundleError where there is no safe place to remember in what is done.
    """
    where = server.installation
    within = disk.within(where.boundary)
    etc = where.boundary.resolved(where.etc_folder)
    folder = memory(str(etc), disk)
    places = (where.etc_folder, etc, where.static, folder, *others)
    journal = Journal(folder, places, kinds)
    return Engine(journal, within, reporter, server)


@dataclass
class Server:
    """``url`` is where the operator says that it can be looked at, or empty."""

    installation: Installation
    url: str = ""
    #: How phones were let in before Asterisk was first asked to read http.conf again.
    before: Handshake | None = None

    def reload(self, line: str) -> None:
        if not self.installation.running:
            return
        if line == HTTP:
            http = self._http()
            refuse_first(would_end_https(self._pair(http)))
            if self.before is None:
                base = self._base()
                self.before = ask(base, f"{http.prefix}/ws") if base else None
        if line == RESTART:
            self._restart()
        elif self.installation.control.ask(line) is None:
            raise _stopped()

    def _restart(self) -> None:
        """Raises CmpBundleError where it does not come up again."""
        control = self.installation.control
        deadline = time.monotonic() + _RESTART
        while (before := control.uptime()) is not None and before < _TELLING:
            time.sleep(0.1)
        asked = time.monotonic()
        control.ask(RESTART)
        # It stays the same process, and answers until it is gone. Then it counts from the start.
        while (now := control.uptime()) is None or now + 1 > (
            before or 0
        ) + time.monotonic() - asked:
            if time.monotonic() > deadline:
                raise _stopped()
            time.sleep(0.1)
        control.booted()

    def worse(self) -> str | None:
        if self.before is None:
            return None
        found = worse(self.before, again(self.before))
        if found is not None and self.installation.control.ask("core show uptime") is None:
            return f"{found}: Asterisk itself has stopped"
        return found

    def _http(self) -> HttpServer:
        return http_server(reader.read("http.conf", self.installation.files))

    def _pair(self, http: HttpServer) -> Look:
        return pair(self.installation, http, int(time.time()))

    def _base(self) -> str | None:
        return self.url or reached(self.installation.control)

    def _where(self, listener: str | None) -> str | None:
        """Where it is looked at. Without a ``listener`` for HTTPS, a proxy asks it over plain HTTP."""
        if found := self._base():
            return found
        return base_url(listener) if listener else reached_plain(self.installation.control)

    def phones(self, listener: str | None, prefix: str) -> str | None:
        """Where phones are let in, once they are; None where no Asterisk is running.

        Raises CmpBundleError.
        """
        if not self.installation.running:
            return None
        self.installation.control.booted()
        base = self._where(listener)
        if base is None:
            raise _not_listening()
        answer = again(Handshake(base, f"{prefix}/ws", HTTPStatus.SWITCHING_PROTOCOLS, "sip"))
        if listener and answer.certificate is None:
            refuse_first(self._pair(self._http()).hindrance)
            raise _not_bound(listener)
        if not answer.open:
            raise CmpBundleError("websocket-closed", f"{answer.url} {answer}")
        return base

    def shown(self, listener: str, prefix: str) -> bytes | None:
        """The certificate (DER) that HTTPS at ``listener`` shows before anything is changed; None
        where none is running, or HTTPS is dead.
        """
        if not self.installation.running:
            return None
        base = self._base() or base_url(listener)
        self.before = ask(base, f"{prefix}/ws")
        return self.before.certificate

    def shows(self, certificate: bytes, listener: str, prefix: str) -> str | None:
        """Where ``certificate`` (DER) is what HTTPS shows, once it does; None where no Asterisk is
        running.

        Raises CmpBundleError where it shows another one or none, or where phones were let in before
        and are not any more.
        """
        if not self.installation.running:
            return None
        self.installation.control.booted()
        base = self._base() or base_url(listener)
        deadline = time.monotonic() + live.PATIENCE
        while (answer := ask(base, f"{prefix}/ws")).certificate != certificate:
            if time.monotonic() > deadline:
                raise _not_shown(answer)
            time.sleep(0.1)
        if lost := self.worse():
            raise CmpBundleError("websocket-closed", lost)
        return base

    def loaded(self, endpoints: Sequence[str]) -> None:
        """Waits until Asterisk has these endpoints, which it loads behind a reload's back.

        Raises CmpBundleError where it never has one.
        """
        deadline = time.monotonic() + live.PATIENCE
        # It loads all or, where one is refused, the others: the first and the last tell when.
        for name in dict.fromkeys((*endpoints[:1], *endpoints[-1:])):
            while not self.installation.control.has_endpoint(name):
                if time.monotonic() > deadline:
                    raise CmpBundleError(
                        "endpoint-not-loaded",
                        f"Asterisk does not load the endpoint {name}",
                        hint="Asterisk's log says why; then run this again",
                    )
                time.sleep(0.1)

    def look(self, expected: Expected) -> str | None:
        """Where the server was seen to do as ``expected``; None where none is running.

        Raises CmpBundleError.
        """
        if not self.installation.running:
            return None
        control = self.installation.control
        # While it starts it answers to some of its addresses, and to others not yet.
        control.booted()
        if control.listener() == NOT_BOUND and not self.url:
            if expected.page is None:
                return None  # nothing is served, so nothing of ours is
            raise CmpBundleError(
                "T108",
                f"Asterisk does not listen on {expected.listener}, where http.conf puts HTTPS",
                hint="another program uses that port, or Asterisk cannot read the certificate or"
                " its key: see Asterisk's log",
            )
        url = self._where(expected.listener)
        if url is None:
            if expected.page is None:
                return None
            raise _not_listening()
        unserved = live.served(url, expected)
        if unserved is not None and control.ask("core show uptime") is None:
            raise _stopped()
        if unserved is not None:
            refuse([explained(unserved, expected, self.installation, self.url)])
        lost = self.worse()
        if lost is not None:
            raise CmpBundleError("websocket-closed", lost)
        return url


def _not_bound(listener: str) -> CmpBundleError:
    return CmpBundleError(
        "T108",
        f"Asterisk has no HTTPS at {listener}: another program has that port, or only root may have it",
        hint="see which: ss -ltnp; or take another one: [provision] https_address",
    )


def _not_listening() -> CmpBundleError:
    return CmpBundleError(
        "T108",
        "Asterisk's web server does not listen on a TLS port",
        hint="to see where it listens: asterisk -rx 'http show status'",
    )


def _not_shown(answer: Handshake) -> CmpBundleError:
    instead = "shows another" if answer.certificate else answer.trouble
    return CmpBundleError(
        "T113",
        f"{answer.base} does not show the new certificate: it {instead}",
        hint="Asterisk's log says why; a certificate that is mounted alone into a container stays the"
        " old one there: mount its folder; if another server is at that address, name Asterisk's own:"
        " [asterisk] url"
        if answer.certificate
        else "Asterisk's log says why",
    )


def _stopped() -> CmpBundleError:
    """A reload of http.conf can end Asterisk where somebody connects just then."""
    return CmpBundleError(
        "asterisk-stopped",
        "Asterisk stopped during the reload",
        hint="see its log; start it, then run this again",
    )
