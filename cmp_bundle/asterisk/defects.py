"""Defects of Asterisk that phones can meet, and the versions that have them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cmp_bundle.asterisk.answers.core import Version

if TYPE_CHECKING:
    from collections.abc import Iterator


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
ENDS_BY_STATUS: Final = Defect(
    "K102",
    "ASTERISK-30379",
    "one request for /httpstatus, from anybody, ends this Asterisk",
    ("18.17.0", "20.2.0"),
    since=("16.24.0", "18.10.0", "19.2.0", "20.0.0"),
)
IN_PHONEPROV: Final = Defect(
    "K102",
    "GHSA-4pgv-j3mr-3rcp",
    "/phoneprov runs what stands in its address, in the browser of whoever opens it",
    ("20.20.1", "21.12.3", "22.10.1", "23.4.1"),
)

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
    ENDS_BY_STATUS,
    Defect(
        "K102",
        "GHSA-v6hp-wh3r-cwxh",
        "/httpstatus runs what stands in its address, in the browser of whoever opens it",
        ("20.18.2", "21.12.1", "22.8.2", "23.2.2"),
    ),
    IN_PHONEPROV,
    Defect(
        "K103",
        "asterisk/asterisk#2011",
        "SIP over TCP or TLS, such as a trunk's, may stop with its PJPROJECT 2.17",
        ("20.21.0", "22.11.0", "23.5.0"),
        since=("20.20.0", "22.10.0", "23.4.0"),
    ),
)


def before(version: Version, *fixed: str) -> bool:
    """Whether ``version`` comes before the first fixed number of its branch, as in ``before(version,
    "20.15.0", "22.5.0")``. A branch without one is never fixed, but one newer than all of them is.
    """
    numbers = {number.major: number for number in map(_number, fixed)}
    own = numbers.get(version.major)
    return version < own if own is not None else version.major < max(numbers)


def forgets_neighbours(version: Version) -> bool:
    """Whether it drops the contacts of all phones from one address when a connection from there ends:
    ASTERISK-30369, by the number.
    """
    return before(version, "18.17.0", "20.2.0")


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
