"""Versions of Asterisk that are known to be bad, and until when a version is mended at all."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from cmp_bundle.asterisk.defects import (
    DEFECTS,
    ENDS_BY_STATUS,
    IN_PHONEPROV,
    Defect,
    caveat,
    defects,
    is_packaged,
    upgrade,
)
from cmp_bundle.asterisk.reloads import HTTP
from cmp_bundle.doctor.check import Check, Unknown
from cmp_bundle.doctor.evidence import Live, Missing
from cmp_bundle.doctor.pages import MARK, PHONEPROV
from cmp_bundle.findings import finding
from cmp_bundle.places import Place
from cmp_bundle.sizes import count, some

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp_bundle.asterisk.answers.core import Version
    from cmp_bundle.checks.live import HttpAnswer
    from cmp_bundle.doctor.evidence import Written
    from cmp_bundle.findings import Finding

#: The last day on which a version gets fixes of security holes, by docs.asterisk.org, "Asterisk Versions".
LAST_DAY: Final = {
    16: dt.date(2023, 10, 9),
    17: dt.date(2021, 10, 28),
    18: dt.date(2025, 10, 20),
    19: dt.date(2023, 11, 2),
    20: dt.date(2027, 10, 19),
    21: dt.date(2026, 10, 18),
    22: dt.date(2029, 10, 16),
    23: dt.date(2027, 10, 15),
}


_CARED_FOR: Final = "Asterisk 22, which is mended until 2029-10-16"
_NO_NUMBER: Final = "Asterisk tells no version number"
#: Endpoints from which on the connections of SIP may be more than it can have.
_MANY: Final = 250


def end_of_life(live: Live, now: dt.datetime) -> Iterator[Finding | Unknown]:
    if live.version is None:
        yield Unknown("K101", _NO_NUMBER)
        return
    last = LAST_DAY.get(live.version.major)
    if last is None and live.version.major > max(LAST_DAY):
        return
    if last is None or now.date() > last:
        since = f"since {last}" if last else "for years"
        yield finding(
            "K101",
            f"nobody mends holes in Asterisk {live.version.major} any more, {since}"
            " (a distribution may, for its own package)",
            hint=f"upgrade to {_CARED_FOR}: https://docs.asterisk.org/About-the-Project/Asterisk-Versions/",
            seen=live.version_text,
        )


def holes(
    live: Live, pages: Mapping[str, HttpAnswer] | Missing, written: Written | Missing
) -> Iterator[Finding | Unknown]:
    """Those of the web server: the one that a request shows is shown, and the page that may end Asterisk
    is not asked for.
    """
    if live.version is None:
        yield Unknown("K102", _NO_NUMBER)
        return
    known = tuple(defects(live.version, "K102"))
    for one in known:
        if one is IN_PHONEPROV:
            yield from _reflected(live, live.version, one, pages)
    of_status = [
        one
        for one in known
        if one is not IN_PHONEPROV and (one is not ENDS_BY_STATUS or live.http.plain is None)
    ]
    if of_status and "/httpstatus" in live.http.paths:
        newest = of_status[-1]
        line, file = None, "http.conf"
        if not isinstance(written, Missing):
            line = written.configured.server.origins.get("status_enabled")
            file = str(written.configured.path("http.conf"))
        yield finding(
            "K102",
            f"Asterisk's web server has known holes: {'; and '.join(one.what for one in of_status)}"
            f" ({caveat(live.version_text)})",
            line.place if line else Place(file),
            f"write enable_status = no {'there' if line else f'into [general] of {file}'}, then {HTTP};"
            f" or {upgrade(newest, live.version)}",
            seen=f"{live.version_text}; http show status: /httpstatus",
        )


def _reflected(
    live: Live, version: Version, one: Defect, pages: Mapping[str, HttpAnswer] | Missing
) -> Iterator[Finding | Unknown]:
    if f"{PHONEPROV}..." not in live.http.paths:
        return
    answers = {} if isinstance(pages, Missing) else pages
    answer = next((a for path, a in answers.items() if path.startswith(PHONEPROV)), None)
    if answer is None:
        yield Unknown("K102", f"{PHONEPROV} gave no answer that would show it")
    elif MARK.encode() in answer.body:
        yield finding(
            "K102",
            f"Asterisk's web server has a known hole: {one.what}",
            hint="if no desk phone is set up by it: write noload = res_phoneprov.so into [modules] of"
            " modules.conf, then asterisk -rx 'module unload res_phoneprov.so'; or"
            f" {upgrade(one, version)}",
            seen=f"GET {PHONEPROV}{MARK}: {answer.status}, with {MARK} in the page as it was sent",
        )


def sockets_of_sip(live: Live) -> Iterator[Finding | Unknown]:
    """Only where there are so many that it matters."""
    if live.version is None:
        yield Unknown("K103", _NO_NUMBER)
        return
    streams = [n for n, one in live.transports.items() if one.get("protocol") in ("tcp", "tls")]
    if not streams or len(live.listed) < _MANY:
        return
    for one in defects(live.version, "K103"):
        yield finding(
            "K103",
            f"{one.what} ({caveat(live.version_text)}); {len(live.listed)} endpoints and the transports"
            f" {some(streams)} are there to meet it",
            hint=upgrade(one, live.version),
            seen=live.version_text,
        )


def by_number(live: Live) -> Iterator[Finding | Unknown]:
    """What is known against this number, where its package may be better than that."""
    if live.version is None:
        yield Unknown("K104", _NO_NUMBER)
        return
    known = [one for one in DEFECTS if one.is_in(live.version)]
    if known and is_packaged(live.version_text):
        reports = [one.report.rpartition("/")[2] for one in known]
        yield finding(
            "K104",
            f"{count(len(known), 'defect')} of Asterisk that phones can meet are known of the number"
            f" {live.version}: {some(reports, len(reports))}; the package may have the fixes all the same",
            hint="look for them in /usr/share/doc/asterisk/changelog.Debian.gz",
            seen=live.version_text,
        )


CHECKS = (
    Check(("K101",), ("live", "now"), end_of_life),
    Check(("K102",), ("live",), holes, also=("pages", "written")),
    Check(("K103",), ("live",), sockets_of_sip),
    Check(("K104",), ("live",), by_number),
)
