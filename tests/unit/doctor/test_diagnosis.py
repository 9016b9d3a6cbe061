"""From outcomes of checks to what people read: the first broken link, and what lies behind it."""

from __future__ import annotations

from cmp_bundle.doctor.check import Check, Unknown
from cmp_bundle.doctor.diagnosis import Diagnosis, NotReached, diagnose
from cmp_bundle.doctor.evidence import Missing
from cmp_bundle.doctor.way import SYMPTOMS, Part, part_of
from cmp_bundle.findings import Finding, finding, known

from .evidence import NOTHING, evidence


def check(*outcomes: Finding | Unknown, codes: tuple[str, ...] = ()) -> Check:
    """One that always says the same."""
    said = tuple(dict.fromkeys((*codes, *(one.code for one in outcomes))))
    return Check(tuple(c for c in said if c not in SYMPTOMS), (), lambda: outcomes)


def of(*checks: Check, **known_evidence: object) -> Diagnosis:
    return diagnose(evidence(**known_evidence), checks)


def test_findings_come_in_the_order_of_the_way() -> None:
    found = of(
        check(finding("S101", "b", subject="bob"), finding("S101", "a", subject="alice")),
        check(finding("V101", "few"), finding("M110", "none")),
        check(finding("T105", "key")),
    )
    assert [(f.code, f.subject) for f in found.findings] == [
        ("T105", ""), ("S101", "alice"), ("S101", "bob"), ("M110", ""), ("V101", ""),
    ]  # fmt: skip


def test_what_says_nothing_has_passed() -> None:
    found = of(check(finding("T105", "key"), codes=("T103", "T104")))
    assert found.passed == ("T103", "T104")
    assert (found.unknown, found.not_reached) == ((), ())


def test_missing_evidence_is_not_known() -> None:
    found = of(Check(("R101", "R108"), ("live",), lambda _live: ()))
    assert found.passed == ()
    assert [(u.code, u.reason) for u in found.unknown] == [
        ("R101", NOTHING.reason),
        ("R108", NOTHING.reason),
    ]


def test_what_lies_behind_a_broken_link_is_not_reached() -> None:
    broken = Missing("nobody listens there", Part.TLS)
    behind = Check(("S107", "M110"), ("calls",), lambda _calls: ())
    found = of(check(finding("T101", "off")), behind, calls=broken)
    assert found.not_reached == (NotReached("S107", "T101"), NotReached("M110", "T101"))
    assert found.unknown == ()
    # Without the finding that explains it, nobody claims that there is one.
    assert [u.code for u in of(behind, calls=broken).unknown] == ["S107", "M110"]


def test_a_symptom_goes_where_its_cause_is_known() -> None:
    symptom = finding("call-incompatible", "488", subject="alice")
    cause = finding("S101", "no webrtc", subject="alice")
    assert [f.code for f in of(check(symptom)).findings] == ["call-incompatible"]
    assert [f.code for f in of(check(symptom), check(cause)).findings] == ["S101"]
    for_all = finding("S103", "no srtp")
    assert [f.code for f in of(check(symptom), check(for_all)).findings] == ["S103"]


def test_a_symptom_stays_where_the_cause_is_another_phone_s_or_another_part_s() -> None:
    symptom = finding("call-incompatible", "488", subject="alice")
    for other in (
        finding("S101", "no webrtc", subject="bob"),
        finding("R109", "open", subject="alice"),
        finding("T105", "key"),
        finding("V101", "few", subject="alice"),
    ):
        assert symptom in of(check(symptom), check(other)).findings


def test_codes_that_are_not_wanted_are_left_out() -> None:
    found = diagnose(
        evidence(),
        [check(finding("T105", "key"), codes=("T103",)), check(Unknown("N104", "why"))],
        lambda code: code not in ("T105", "N104"),
    )
    assert (found.findings, found.passed, found.unknown) == ((), ("T103",), ())


def test_a_code_with_a_finding_is_nothing_else() -> None:
    found = of(check(finding("R108", "ghost", subject="a"), Unknown("R108", "not asked")))
    assert [f.code for f in found.findings] == ["R108"]
    assert found.unknown == ()


def test_parts_of_codes() -> None:
    assert part_of("T105") is Part.TLS
    assert part_of("call-slow") is Part.SESSION
    assert part_of("no-password") is Part.OPERATION
    assert SYMPTOMS.keys() <= known().keys()
    assert [part.value for part in Part] == list("NTHWRSMVOXK")
