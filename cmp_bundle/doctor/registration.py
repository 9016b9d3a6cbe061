"""Whether phones can register."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.checks.call_findings import not_tried
from cmp_bundle.doctor import admission, aors, auths, databases, endpoints_loaded
from cmp_bundle.doctor.check import Check
from cmp_bundle.doctor.way import Part, part_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.doctor.evidence import Calls
    from cmp_bundle.findings import Finding


def tried(calls: Calls) -> Iterator[Finding]:
    """What the test registrations met."""
    for proof in calls.proofs:
        yield from (f for f in proof.findings if part_of(f.code).number <= Part.REGISTRATION.number)
    left_out = [proof.account for proof in calls.proofs if not (proof.tried or proof.findings)]
    if left_out:
        yield not_tried(left_out)


CHECKS = (
    *endpoints_loaded.CHECKS,
    *auths.CHECKS,
    *aors.CHECKS,
    *admission.CHECKS,
    *databases.CHECKS,
    Check((), ("calls",), tried),
)
