"""Versions of Asterisk that are known to be bad, and until when a version is mended at all."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cmp_bundle.asterisk.answers.core import Version
from cmp_bundle.doctor.check import Check, Unknown
from cmp_bundle.doctor.evidence import Live, Missing
from cmp_bundle.doctor.pages import MARK, PHONEPROV
from cmp_bundle.findings import finding
from cmp_bundle.places import Place
from cmp_bundle.sizes import count, some

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp_bundle.checks.live import HttpAnswer
    from cmp_bundle.doctor.evidence import Written
    from cmp_bundle.findings import Finding


@dataclass(frozen=True)
class Defect:
    """A defect of Asterisk itself, of the finding ``code``. ``what`` is a clause, ``report`` where it can be
    read about.

    ``fixed`` is the first version of each branch without it, ``since`` the first with it, where it was not
    there from the beginning. A branch that has no ``fixed`` has it for ever, unless all that have one are
    older.
    """

    code: str
    report: str
    what: str
    fixed: tuple[str, ...]
    since: tuple[str, ...] = ()

    def is_in(self, version: Version) -> bool:
        """Going by the number: see ``caveat``."""
        begun = not self.since or not before(version, *self.since)
        return begun and before(version, *self.fixed)


#: Of those that are not there in every configuration.
_ENDS_HTTPS_ALONE: Final = "ASTERISK-30379"
_IN_PHONEPROV: Final = "GHSA-4pgv-j3mr-3rcp"

#: Of each report, the versions are those whose change log in Asterisk's own repository names it, 18 those
#: of its tags.
DEFECTS: Final = (
    Defect(
        "S108",
        "asterisk/asterisk#1240",
        "it takes no offer of more than 196 attributes, which is what Chrome sends since version 136",
        ("18.26.4", "20.15.0", "21.10.0", "22.5.0"),
    ),
    Defect(
        "H107",
        "asterisk/asterisk#1559",
        "TLS handshakes that are begun and never ended use up its connections",
        ("20.17.0", "22.7.0", "23.1.0"),
    ),
    Defect(
        "H108",
        "asterisk/asterisk#2020",
        "it may keep the sessions of WebSockets that are long gone",
        ("20.21.0", "22.11.0", "23.5.0"),
    ),
    Defect(
        "R119",
        "asterisk/asterisk#1119",
        "its driver for PostgreSQL forgets the name of the database (dbname), and finds no tables",
        ("20.13.0", "21.8.0", "22.3.0"),
        since=("20.12.0", "21.7.0", "22.2.0"),
    ),
    Defect(
        "R120",
        "asterisk/asterisk#1305",
        "it asks the next database for each row that the first does not have",
        ("20.16.0", "21.11.0", "22.6.0"),
    ),
    Defect(
        "S119",
        "asterisk/asterisk#1657",
        "it may send digits with the wrong number of their format where a call has G.722 and SRTP",
        ("20.19.0", "22.9.0", "23.3.0"),
    ),
    Defect(
        "S120",
        "asterisk/asterisk#2059",
        "it may end a call when the codec changes, as in a hold",
        ("20.21.0", "22.11.0", "23.5.0"),
    ),
    Defect(
        "M107",
        "asterisk/asterisk#1795",
        "it drops the phones' DTLS packets where rtp.conf has a TURN server",
        ("20.19.0", "22.9.0", "23.3.0"),
    ),
    Defect(
        "M107",
        "asterisk/asterisk#1867",
        "it loses open files with each call where rtp.conf has a TURN server, until it has none left",
        ("20.20.0", "22.10.0", "23.4.0"),
    ),
    Defect(
        "M113",
        "asterisk/asterisk#1535",
        "it changes the source of a stream (SSRC) within a call, after which Firefox plays nothing",
        ("20.17.0", "22.7.0", "23.1.0"),
        since=("20.16.0", "21.11.0", "22.6.0", "23.0.0"),
    ),
    Defect(
        "M114",
        "asterisk/asterisk#1946",
        "its RTP and its ICE may wait for each other for ever, and calls hang",
        ("20.21.0", "22.11.0", "23.5.0"),
    ),
    Defect(
        "M115",
        "asterisk/asterisk#1260",
        "it sends sound before the phone can decrypt it, so that the first words are lost",
        ("20.16.0", "21.11.0", "22.6.0", "23.0.0"),
    ),
    Defect(
        "K102",
        _ENDS_HTTPS_ALONE,
        "one request for /httpstatus, from anybody, ends this Asterisk",
        ("18.17.0", "20.2.0"),
        since=("16.24.0", "18.10.0", "19.2.0", "20.0.0"),
    ),
    Defect(
        "K102",
        "GHSA-v6hp-wh3r-cwxh",
        "/httpstatus runs what stands in its address, in the browser of whoever opens it",
        ("20.18.2", "21.12.1", "22.8.2", "23.2.2"),
    ),
    Defect(
        "K102",
        _IN_PHONEPROV,
        "/phoneprov runs what stands in its address, in the browser of whoever opens it",
        ("20.20.1", "21.12.3", "22.10.1", "23.4.1"),
    ),
    Defect(
        "K103",
        "asterisk/asterisk#2011",
        "SIP over TCP or TLS, such as a trunk's, may stop with its PJPROJECT 2.17",
        ("20.21.0", "22.11.0", "23.5.0"),
        since=("20.20.0", "22.10.0", "23.4.0"),
    ),
)

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


def before(version: Version, *fixed: str) -> bool:
    """Whether ``version`` comes before the first fixed number of its branch, as in ``before(version,
    "20.15.0", "22.5.0")``. A branch without one is never fixed, but one newer than all of them is.
    """
    numbers = {number.major: number for number in map(_number, fixed)}
    own = numbers.get(version.major)
    return version < own if own is not None else version.major < max(numbers)


def defects(version: Version, code: str) -> Iterator[Defect]:
    """Those of the finding ``code`` that ``version`` has by its number."""
    return (one for one in DEFECTS if one.code == code and one.is_in(version))


def caveat(version_text: str) -> str:
    """What has to be said beside a version's number: a clause. ``version_text`` as in
    ``Live.version_text``.
    """
    found = re.search(r"Asterisk (?:PBX )?(\S+)", version_text)
    name = found[1] if found else version_text
    if name.startswith("certified/"):
        return f"by its number; {name} is a certified version, which has some fixes of later ones"
    if is_packaged(version_text):
        return f"by its number; {name} is a package of Debian or Ubuntu, which may carry the fix"
    return "by its number; a distribution may carry the fix"


def is_packaged(version_text: str) -> bool:
    """Whether it is a package of Debian or Ubuntu."""
    return re.search(r"[~+](dfsg|deb|ubuntu)|ubuntu", version_text) is not None


def upgrade(defect: Defect, version: Version) -> str:
    """What to do about it."""
    numbers = [str(_number(text)) for text in defect.fixed]
    own = [n for n in numbers if n.startswith(f"{version.major}.")]
    newer = own or [n for n in numbers if _number(n) > version]
    return f"upgrade Asterisk to {' or '.join(newer)} or later ({defect.report})"


def _number(text: str) -> Version:
    return Version(*map(int, text.split(".")))


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
        if one.report == _IN_PHONEPROV:
            yield from _reflected(live, live.version, one, pages)
    of_status = [
        one
        for one in known
        if one.report != _IN_PHONEPROV
        and (one.report != _ENDS_HTTPS_ALONE or live.http.plain is None)
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
            f"write enable_status = no {'there' if line else f'into [general] of {file}'}, then asterisk -rx"
            f" 'module reload http'; or {upgrade(newest, live.version)}",
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
