"""Asks the running Asterisk."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from cmp_bundle.asterisk.answers import acl, calls, codecs, core, media, pjsip, realtime, table
from cmp_bundle.asterisk.answers.http import http_status
from cmp_bundle.asterisk.answers.logger import log_channels
from cmp_bundle.doctor.evidence import Live, Missing
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from cmp_bundle.asterisk.installation import Installation

#: The kinds of objects of PJSIP whose options are asked for.
_KINDS = ("endpoint", "aor", "auth", "transport", "global", "system")
#: Transports that are asked for one by one.
_MOST_TRANSPORTS = 20

#: Named lists that are asked for.
_MOST_ACLS = 20


def live(installation: Installation) -> Live | Missing:
    """What it says of itself as a whole; of single phones ``phones.py`` asks."""
    if installation.unanswered is not None:
        unanswered = installation.unanswered
        return Missing(str(unanswered), finding=unanswered.finding)
    if not installation.running:
        return Missing("Asterisk does not run here")

    def ask(line: str) -> str:
        return installation.control.ask(line) or ""

    try:
        version = ask("core show version")
        return Live(
            moment=time.time(),
            version=core.version(version),
            version_text=version.partition(" built by")[0].strip(),
            process=core.process(ask("core show settings"), ask("core show uptime seconds")),
            modules=core.modules(ask("module show")),
            http=http_status(ask("http show status")),
            rtp=media.rtp(ask("rtp show settings")),
            settings=table.options(ask("pjsip show settings")) or {},
            listed=pjsip.endpoints(ask("pjsip show endpoints")),
            options={kind: _known(ask(f"config show help res_pjsip {kind}")) for kind in _KINDS},
            contexts={},
            log_channels=log_channels(ask("logger show channels")),
            channels=calls.channels(ask("core show channels concise")),
            opus=codecs.translations(ask("core show translation paths opus")),
            transports={
                name: table.options(ask(f"pjsip show transport {name}")) or {}
                for name in pjsip.transports(ask("pjsip show transports"))[:_MOST_TRANSPORTS]
            },
            guest_context=_guest_context(ask("pjsip show endpoint anonymous")),
            identifies=pjsip.identifies(ask("pjsip show identifies")),
            acls={
                name: acl.rules(ask(f"acl show {name}"))
                for name in acl.names(ask("acl show"))[:_MOST_ACLS]
            },
            families=realtime.families(ask("core show config mappings")),
            odbc=realtime.odbc(ask("odbc show all")),
            pgsql=ask("realtime show pgsql status").partition("\n")[0],
        )
    except CmpBundleError as error:
        return Missing(str(error), finding=error.finding)


def _guest_context(text: str) -> str:
    found = table.options(text)
    return found.get("context", "default") if found is not None else ""


def _known(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"^(\S+) +-- ", text, re.MULTILINE))
