"""A server's Asterisk while it is being changed: reloaded where that is safe, and looked at after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.asterisk.control import NOT_BOUND
from cmp_bundle.changes.engine import Engine
from cmp_bundle.changes.journal import Journal
from cmp_bundle.changes.memory import memory
from cmp_bundle.deploy import live
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.asterisk.installation import Installation
    from cmp_bundle.changes.step import Kinds
    from cmp_bundle.deploy.expected import Expected
    from cmp_bundle.files import Disk
    from cmp_bundle.report import Reporter


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

    def reload(self, line: str) -> None:
        if not self.installation.running:
            return
        if self.installation.control.ask(line) is None:
            raise _stopped()

    def worse(self) -> str | None:
        return None

    def look(self, expected: Expected) -> str | None:
        """Where the server was seen to do as ``expected``; None where none is running.

        Raises CmpBundleError.
        """
        if not self.installation.running:
            return None
        control = self.installation.control
        bound = control.listener()
        if bound == NOT_BOUND and not self.url:
            if expected.page is None:
                return None  # nothing is served, so nothing of ours is
            raise CmpBundleError(
                f"Asterisk does not listen on {expected.listener}, where http.conf puts HTTPS",
                hint="another program has that port, or Asterisk cannot read the certificate or"
                " its key: Asterisk's log says which",
            )
        url = live.base_url(self.url, bound) or live.base_url("", expected.listener)
        if url is None:
            raise CmpBundleError(
                "Asterisk's web server listens on no TLS port",
                hint="asterisk -rx 'http show status' tells what it listens on",
            )
        try:
            live.check(url, expected)
        except CmpBundleError as error:
            if control.ask("core show uptime") is None:
                raise _stopped() from error
            raise
        if expected.echo is not None:
            extension, context = expected.echo
            said = control.ask(f"dialplan show {extension}@{context}") or ""
            if "StreamEcho" not in said:
                raise CmpBundleError(
                    f"the dialplan does not lead {extension} in [{context}] to the echo",
                    hint="another extension of that number comes first; choose another number",
                )
        return url


def _stopped() -> CmpBundleError:
    """A reload of http.conf can end Asterisk where somebody connects just then."""
    return CmpBundleError(
        "Asterisk stopped when it was asked to read its configuration again",
        hint="its log says why; start it, then do this again",
    )
