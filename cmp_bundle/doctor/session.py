"""Whether calls come about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.doctor.check import Check
from cmp_bundle.doctor.phones import is_for_browsers
from cmp_bundle.doctor.way import Part, part_of
from cmp_bundle.findings import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.doctor.evidence import Calls, Live, Phone
    from cmp_bundle.findings import Finding


def browsers(phones: tuple[Phone, ...]) -> Iterator[Finding]:
    for phone in phones:
        options = phone.loaded or (phone.written.options if phone.written else None)
        if options is not None and not is_for_browsers(options):
            yield finding(
                "S101",
                f"the endpoint {phone.id} is not set up for browsers, so every call fails with 488",
                phone.place,
                "write webrtc=yes into it",
                phone.id,
                seen=f"webrtc: {options.get('webrtc') or 'no'}",
            )


def srtp(live: Live) -> Iterator[Finding]:
    if not live.runs("res_srtp"):
        yield finding(
            "S103",
            "res_srtp.so is not loaded, so every call of a browser fails with 488",
            hint="take its noload line out of modules.conf; asterisk -rx 'module load res_srtp.so'",
            seen="module show like res_srtp: Not Running",
        )


def tried(calls: Calls) -> Iterator[Finding]:
    for proof in calls.proofs:
        yield from (f for f in proof.findings if part_of(f.code).number > Part.REGISTRATION.number)


CHECKS = (
    Check(("S101",), ("phones",), browsers),
    Check(("S103",), ("live",), srtp),
    Check((), ("calls",), tried),
)
