"""The file to paste into a forum, and the one for Prometheus."""

from __future__ import annotations

import re

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cmp_bundle.accounts.model import Account
from cmp_bundle.doctor.diagnosis import Diagnosis
from cmp_bundle.doctor.evidence import Machine, Phone
from cmp_bundle.doctor.prometheus import metrics
from cmp_bundle.doctor.reach import Reached, Tls
from cmp_bundle.doctor.report import report
from cmp_bundle.doctor.way import Part
from cmp_bundle.findings import finding
from tests.unit.tls.made import odd

from .evidence import evidence

PHONE = Phone(
    "alice",
    None,
    asked=True,
    loaded={"auth": "alice", "context": "phones", "callerid": '"Alice Liddell" <101>', "deny": ""},
    auths={"alice": {"username": "alice", "password": "wonder1and", "md5_cred": "0" * 32}},
    aors={"alice": {"max_contacts": "5", "mailboxes": "9@x"}},
    account=Account("alice", password="wonder1and"),
)
BROKEN = Reached(
    "https://pbx.example.com:8089",
    "/ws",
    "/cmp2k",
    stopped=Part.NAME,
    trouble="port: 203.0.113.7: no answer; 2001:db8::5: no route",
)


def test_no_secret_is_in_a_report() -> None:
    told = "R107: wonder1and is not the password"
    text = report(evidence(phones=(PHONE,)), told)
    assert "wonder1and" not in text
    assert "0" * 32 not in text
    assert "Liddell" not in text
    assert "R107: (secret) is not the password" in text
    assert "context = phones" in text
    assert "max_contacts" in text


def test_a_short_secret_spoils_no_word() -> None:
    one = Phone("a", None, asked=True, loaded={}, account=Account("a", password="on"))
    text = report(evidence(phones=(one,)), "nobody is on it; password: on")
    assert "it; password: (secret)" in text
    assert "endpoint a" in text


def test_addresses_and_names_go_when_asked() -> None:
    seen = evidence(outside=BROKEN, machine=Machine("pbx-7", True, None))
    kept = report(seen, "T109: pbx.example.com, pbx-7, 127.0.0.1:8089, 10.0.0.5")
    assert "203.0.113.7" in kept
    assert "pbx.example.com" in kept
    gone = report(seen, "T109: pbx.example.com, pbx-7, 127.0.0.1:8089, 10.0.0.5", addresses=False)
    for word in ("203.0.113.7", "2001:db8::5", "pbx.example.com", "pbx-7", "10.0.0.5"):
        assert word not in gone, word
    assert "127.0.0.1:8089" in gone
    assert re.search(r"\(private address \d\)", gone)
    assert "20:" in gone or "00:00" in gone, "the time is no address"


def test_metrics() -> None:
    pem = b"".join(odd("pbx.example"))
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    reached = Reached("https://h", "/ws", "/cmp2k", tls=Tls("TLSv1.3", "x", (der,)))
    found = Diagnosis(
        (finding("T114", "soon"), finding("S101", "a"), finding("S101", "b")), (), (), ()
    )
    text = metrics(evidence(inside=reached), found)
    assert 'cmp_bundle_doctor_findings{code="S101",level="error"} 2\n' in text
    assert 'cmp_bundle_doctor_findings{code="T114",level="warning"} 1\n' in text
    assert "cmp_bundle_doctor_ok 0\n" in text
    assert re.search(r"^cmp_bundle_certificate_left_days -?[\d.]+$", text, re.MULTILINE)
    assert "cmp_bundle_phones_registered" not in text, "nobody could be asked"
    for line in text.splitlines():
        assert re.fullmatch(
            r'# (HELP|TYPE) \w+ .+|\w+(\{\w+="[\w-]+",\w+="\w+"\})? -?[\d.e+-]+', line
        )
