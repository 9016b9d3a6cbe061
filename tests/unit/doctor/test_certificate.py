"""T: what becomes of certificates that no test bed has the time or the authority for."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cmp_bundle.checks.reload import Look
from cmp_bundle.doctor import certificate, tls
from cmp_bundle.doctor.evidence import Missing
from cmp_bundle.doctor.sockets import Program
from cmp_bundle.doctor.way import Part
from cmp_bundle.findings import Finding, Level, finding
from tests.unit.tls.made import DAY, NOW, odd, the_authority

from .outcomes import found, outcomes, unknown
from .servers import GENERAL, PUBLIC, live, lost, machine, reached, without_tls, written

CHECKS = (*tls.CHECKS, *certificate.CHECKS)


def made(*names: str, **what: Any) -> x509.Certificate:
    return x509.load_pem_x509_certificate(odd(*(names or ("pbx.example",)), **what)[1])


def der(one: x509.Certificate) -> bytes:
    return one.public_bytes(Encoding.DER)


def look(one: x509.Certificate, **what: Any) -> Look:
    return Look(chain=(one,), file=Path("/pem"), key=Path("/pem"), **what)


GOOD = made(signer=the_authority(), end=NOW + 80 * DAY)
SELF_SIGNED = ("self-signed certificate", 18)
NO_ISSUER = ("unable to get local issuer certificate", 20)


def test_all_is_well() -> None:
    known = {
        "now": NOW,
        "written": written(pair=look(GOOD)),
        "live": live(),
        "machine": machine(),
        "outside": reached(chain=[der(GOOD)]),
        "inside": reached("https://127.0.0.1:8089", chain=[der(GOOD)]),
    }
    assert found(CHECKS, **known) == {}
    assert unknown(CHECKS, **known) == {}


@pytest.mark.parametrize(
    ("days", "left", "late"),
    [
        (90, 28, False),
        (90, 26, True),
        (45, 14, False),
        (45, 12, True),
        (6, 2, False),
        (6, 1, True),
        (397, 60, False),
        (397, 29, True),
        (3650, 900, False),
        (90, -1, False),
    ],
)
def test_late_is_a_share_of_the_lifetime(days: int, left: int, late: bool) -> None:
    end = NOW + left * DAY
    one = made(signer=the_authority(), begin=end - days * DAY, end=end)
    assert ("T114" in found(certificate.CHECKS, now=NOW, written=written(pair=look(one)))) is late


def test_what_asterisk_has_counts_for_nothing_behind_a_proxy() -> None:
    """It asks nobody for it."""
    expired = finding("T111", "the certificate expired")
    server = written(pair=look(made(end=NOW - DAY, begin=NOW - 9 * DAY), unwelcome=expired))
    behind = reached(chain=[der(GOOD)])
    assert found(CHECKS, now=NOW, written=server, outside=behind) == {}
    assert found(CHECKS, now=NOW, written=server).keys() == {"T111"}


def test_a_proxy_works_without_asterisks_https() -> None:
    """What is wrong with that is in nobody's way, as far as can be seen."""
    gone = written(pair=Look(hindrance=finding("T103", "is not there")))
    behind = {"now": NOW, "written": gone, "outside": reached(chain=[der(GOOD)])}
    for inside in (
        reached("http://127.0.0.1:8088"),
        lost("https://127.0.0.1:8089", "127.0.0.1"),
        reached("https://127.0.0.1:8089", chain=[der(made())]),
    ):
        (said,) = outcomes_of("T103", inside=inside, **behind)
        assert said.level is Level.WARNING
        assert PUBLIC in said.message
    same = reached("https://127.0.0.1:8089", chain=[der(GOOD)])
    (said,) = outcomes_of("T103", inside=same, **behind)
    assert said.level is Level.ERROR, "the next reload ends what browsers use"
    broken = {**behind, "outside": reached(chain=[der(GOOD)], socket=502)}
    (said,) = outcomes_of("T103", inside=reached("http://127.0.0.1:8088"), **broken)
    assert said.level is Level.ERROR


def outcomes_of(code: str, **known: Any) -> list[Finding]:
    return [o for o in outcomes(CHECKS, **known) if isinstance(o, Finding) and o.code == code]


def test_what_the_proxy_shows_counts() -> None:
    old = made("other.example", begin=NOW - 9 * DAY, end=NOW - DAY, signer=the_authority())
    said = found(
        CHECKS, now=NOW, written=written(pair=look(GOOD)), outside=reached(chain=[der(old)])
    )
    assert said.keys() == {"T110", "T111"}
    assert "other.example" in said["T110"]


def test_one_fault_is_told_once() -> None:
    old = made(begin=NOW - 9 * DAY, end=NOW - DAY, signer=the_authority())
    told = written(pair=look(old, unwelcome=finding("T111", "expired")))
    check = [one for one in certificate.CHECKS if one.look is certificate.dates_and_names]
    assert found(check, now=NOW, written=told, outside=reached(chain=[der(old)])) == {}


def test_who_vouches_for_it() -> None:
    lonely = made()
    outside = reached(chain=[der(lonely)], distrust=SELF_SIGNED)
    assert "nobody but itself" in found(CHECKS, now=NOW, outside=outside)["T109"]
    inside = reached("https://127.0.0.1:8089", chain=[der(lonely)], distrust=SELF_SIGNED)
    assert found(CHECKS, now=NOW, inside=inside) == {}
    assert "--url" in unknown(CHECKS, now=NOW, inside=inside)["T109"]
    company = reached(chain=[der(GOOD)], distrust=NO_ISSUER)
    assert "does not know" in found(CHECKS, now=NOW, outside=company)["T109"]
    wrong_name = reached("https://127.0.0.1:8089", chain=[der(GOOD)], distrust=("mismatch", 62))
    assert found(CHECKS, now=NOW, inside=wrong_name) == {}
    assert "T109" not in unknown(CHECKS, now=NOW, inside=wrong_name)


@pytest.mark.parametrize(
    "words", ["[SSL: UNSUPPORTED_PROTOCOL] unsupported protocol", "no shared cipher"]
)
def test_recorded_a_proxy_of_old(words: str) -> None:
    """OpenSSL's words for a server that has TLS 1.0 alone, or ciphers of old."""
    outside = without_tls(trouble=words)
    inside = reached("https://127.0.0.1:8089")
    assert "T116" in found(CHECKS, outside=outside, inside=inside)
    assert "T116" not in found(CHECKS, outside=outside, inside=without_tls()), "Asterisk's own"


def test_plain_http_at_the_port() -> None:
    outside = without_tls(trouble="[SSL: WRONG_VERSION_NUMBER] wrong version number")
    assert "something else than TLS" in found(CHECKS, outside=outside)["tls-failed"]


def test_a_handshake_that_nothing_explains() -> None:
    inside = without_tls("https://127.0.0.1:8089")
    assert found(CHECKS, inside=inside).keys() == {"tls-failed"}
    still = {"inside": inside, "written": written(pair=look(GOOD)), "machine": machine()}
    assert found(tls.CHECKS, live=live(), **still).keys() == {"T102"}
    hindered = written(pair=Look(hindrance=finding("T105", "does not belong")))
    said = found(CHECKS, now=NOW, live=live(), inside=inside, written=hindered)
    assert said.keys() == {"T105", "tls-failed"}, "the symptom is dropped later"


def test_a_port_of_somebody_else() -> None:
    other = machine(listeners={8089: Program("nginx", 7)})
    known = {"live": live(), "written": written(pair=look(GOOD)), "machine": other}
    inside = without_tls("https://127.0.0.1:8089")
    assert "nginx (process 7)" in found(tls.CHECKS, inside=inside, **known)["T108"]
    works = reached("https://127.0.0.1:8089", chain=[der(GOOD)])
    assert found(tls.CHECKS, inside=works, **known) == {}, "a container's"


def test_https_that_is_off() -> None:
    """A proxy in front has the certificate: ours, or one that shows from outside."""
    plain = "[general]\nenabled=yes\nbindaddr=0.0.0.0\n"
    assert "T101" in found(tls.CHECKS, written=written(plain))
    assert found(tls.CHECKS, written=written(plain, plain="127.0.0.1:8088")) == {}
    assert found(tls.CHECKS, written=written(plain), outside=reached()) == {}
    near = written("[general]\nenabled=yes\nbindaddr=127.0.0.1\n")
    assert found(tls.CHECKS, written=near) == {}
    assert "--url" in unknown(tls.CHECKS, written=near)["T101"]


def test_nothing_can_be_known() -> None:
    missing = Missing("no Asterisk was found here")
    said = unknown(CHECKS, written=missing, inside=missing, live=missing, outside=missing)
    assert {"T101", "T102", "T105", "T108", "T109", "T112", "T113", "T119"} <= said.keys()
    broken = Missing("Asterisk has no HTTPS", Part.TLS)
    assert "T113" in unknown(CHECKS, written=written(GENERAL), inside=broken)


def test_dates_are_of_now() -> None:
    early = made(begin=NOW + DAY, end=NOW + 9 * DAY, signer=the_authority())
    said = found(CHECKS, now=NOW, outside=reached(chain=[der(early)]))
    assert "not valid before" in said["T111"]
    assert found(CHECKS, now=NOW + dt.timedelta(days=2), outside=reached(chain=[der(early)])) == {}
