"""Whether phones can register: endpoints, auths and aors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.checks.call_findings import not_tried
from cmp_bundle.doctor.check import Check
from cmp_bundle.doctor.way import Part, part_of
from cmp_bundle.findings import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.doctor.evidence import Calls, Live, Phone
    from cmp_bundle.findings import Finding

_RELOAD = "asterisk -rx 'module reload res_pjsip.so'"


def endpoints(phones: tuple[Phone, ...]) -> Iterator[Finding]:
    for phone in phones:
        if phone.asked and phone.loaded is None and phone.written is None:
            yield finding(
                "R101",
                f"Asterisk has no endpoint {phone.id}, and none stands in its files",
                phone.account.place if phone.account else None,
                "to make it: cmp-bundle provision",
                phone.id,
                seen=f"pjsip show endpoint {phone.id}: Unable to find object {phone.id}.",
            )


def options(phones: tuple[Phone, ...], live: Live) -> Iterator[Finding]:
    """Options that this version does not know. At its start it drops the whole endpoint for one, and a
    reload leaves the endpoint as it was before (seen on 22).
    """
    known = live.options.get("endpoint", frozenset())
    for phone in phones:
        places = phone.written.places if known and phone.written else {}
        unknown = {n: place for n, place in places.items() if n not in known and n[0] != "@"}
        for name, place in unknown.items():
            yield finding(
                "R102",
                f"Asterisk does not know the option {name!r}, and so "
                + (
                    f"loads no endpoint {phone.id}"
                    if phone.loaded is None
                    else f"has not read the endpoint {phone.id} again; after a restart it will be gone"
                ),
                place,
                f"correct it or take it out; then {_RELOAD}",
                phone.id,
            )


def auths(phones: tuple[Phone, ...]) -> Iterator[Finding]:
    for phone in phones:
        if phone.loaded is None:
            continue
        if not phone.loaded.get("auth"):
            yield finding(
                "R109",
                f"the endpoint {phone.id} has no auth: anybody can register and call as {phone.id}",
                phone.place,
                f"give it one with a password: auth={phone.id}",
                phone.id,
            )
        for name, options in phone.auths.items():
            if options is None:
                yield finding(
                    "R108",
                    f"the endpoint {phone.id} names the auth {name!r}, which Asterisk does not have",
                    phone.place,
                    "create it, or correct auth= of the endpoint",
                    phone.id,
                    seen=f"pjsip show auth {name}: Unable to find object {name}.",
                )


def aors(phones: tuple[Phone, ...]) -> Iterator[Finding]:
    for phone in phones:
        if phone.loaded is None:
            continue
        if phone.id not in phone.aors:
            yield finding(
                "R111",
                f"the endpoint {phone.id} has no aor of its own name, so no phone can register",
                phone.place,
                f"write aors={phone.id} into the endpoint, and an aor of that name: [{phone.id}] type=aor"
                " max_contacts=5",
                phone.id,
                seen=f"aors: {phone.loaded.get('aors') or '(empty)'}",
            )
        elif (aor := phone.aors[phone.id]) is not None and aor.get("max_contacts") == "0":
            yield finding(
                "R110",
                f"the aor {phone.id} has no max_contacts, so no phone can register",
                phone.place,
                f"write max_contacts=5 into the aor {phone.id}",
                phone.id,
                seen="max_contacts: 0",
            )


def tried(calls: Calls) -> Iterator[Finding]:
    """What the test registrations met."""
    for proof in calls.proofs:
        yield from (f for f in proof.findings if part_of(f.code).number <= Part.REGISTRATION.number)
    left_out = [proof.account for proof in calls.proofs if not (proof.tried or proof.findings)]
    if left_out:
        yield not_tried(left_out)


CHECKS = (
    Check(("R101",), ("phones", "live", "written"), lambda phones, *_: endpoints(phones)),
    Check(("R102",), ("phones", "live"), options),
    Check(("R108", "R109"), ("phones", "live"), lambda phones, _live: auths(phones)),
    Check(("R110", "R111"), ("phones", "live"), lambda phones, _live: aors(phones)),
    Check((), ("calls",), tried),
)
