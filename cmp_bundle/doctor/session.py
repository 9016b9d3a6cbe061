"""Whether calls come about: what an endpoint needs for browsers, and what it calls."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cmp_bundle.accounts import browsers
from cmp_bundle.accounts.remedy import remedy
from cmp_bundle.asterisk.configuration import folded
from cmp_bundle.asterisk.defects import caveat, defects, upgrade
from cmp_bundle.asterisk.dialplan import matches
from cmp_bundle.asterisk.reloads import DIALPLAN, PJSIP
from cmp_bundle.asterisk.values import is_true
from cmp_bundle.doctor import dialled
from cmp_bundle.doctor.check import Check, Unknown
from cmp_bundle.doctor.evidence import Missing
from cmp_bundle.doctor.phones import MOST
from cmp_bundle.doctor.together import together
from cmp_bundle.doctor.way import Part, part_of
from cmp_bundle.findings import Level, finding
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp_bundle.doctor.evidence import Calls, Live, Phone, Written
    from cmp_bundle.findings import Finding

#: What reloads the dialplan.

#: What each option has to be for browsers, and the finding that names it.
_OPTIONS: Final = {
    "S114": ("dtls_auto_generate_cert", "dtls_cert_file"),
    "S115": ("rtcp_mux",),
    "S116": ("ice_support",),
    "V106": ("bundle",),
}


def for_browsers(phones: tuple[Phone, ...]) -> Iterator[Finding]:
    for phone in phones:
        options = phone.options
        if not options:
            continue
        if not browsers.is_for_browsers(options):
            yield finding(
                "S101",
                f"the endpoint {phone.id} is not set up for browsers, so every call fails",
                phone.place,
                remedy("endpoint", phone.id, phone.place, {"webrtc": "yes"}),
                phone.id,
                seen=_shown(phone, ("webrtc", "media_encryption")),
            )
            continue
        seen = {code: _shown(phone, names) for code, names in _OPTIONS.items()}
        yield from browsers.by_hand(phone.id, browsers.missing(options), phone.place, seen)


def nobody(phones: tuple[Phone, ...], live: Live, written: Written) -> Iterator[Finding | Unknown]:
    """Where not one endpoint is for browsers. That may be meant so, as far as anybody here knows."""
    if phones or not live.runs("res_pjsip") or _of_chan_sip(live, written):
        return
    listed = [one.name for one in live.listed]
    in_files = {name for kind, name in written.objects if kind == "endpoint"}
    if written.realtime.elsewhere("endpoint") and in_files.issuperset(listed):
        yield Unknown(
            "S101",
            "the endpoints come from a database that does not list them; name one: --account",
        )
        return
    if len(set(listed) - in_files) > MOST:
        return
    others = f": {some(listed)} {'is' if len(listed) == 1 else 'are'} not" if listed else ""
    made = finding(
        "S101",
        f"no endpoint here is set up for browsers, so nobody can call from one{others}",
        hint="cmp-bundle accounts add NAME, then cmp-bundle provision; or write webrtc=yes into the endpoint"
        f" of a phone in a browser, then {PJSIP}",
        seen=f"pjsip show endpoints: Objects found: {len(listed)}",
    )
    yield replace(made, level=Level.WARNING)


def _of_chan_sip(live: Live, written: Written) -> bool:
    """Whether phones in browsers are chan_sip's."""
    return live.runs("chan_sip") and any(
        (folded(line.name) == "transport" and "ws" in line.value.lower())
        or (folded(line.name) == "avpf" and is_true(line.value))
        for category in written.files["sip.conf"].categories
        for line in category.variables
    )


def _shown(phone: Phone, names: Iterable[str]) -> str:
    return ", ".join(f"{name}: {phone.options.get(name) or '(empty)'}" for name in names)


def srtp(live: Live) -> Iterator[Finding]:
    if not live.runs("res_srtp"):
        yield finding(
            "S103",
            "res_srtp.so is not loaded, so every call of a browser fails with 488",
            hint="take its noload line out of modules.conf; asterisk -rx 'module load res_srtp.so'",
            seen="module show like res_srtp: Not Running",
        )


def contexts(phones: tuple[Phone, ...], live: Live) -> Iterator[Finding]:
    """Whether there is anything where phones call from, and what their Call button dials."""
    for phone in phones:
        if not phone.options:
            continue
        context = phone.option("context", "default")
        there = list(dialled.reached(live.contexts, context))
        dial = phone.account.dial if phone.account else ""
        hint = f"add it to extensions.conf; then {DIALPLAN}"
        if not there:
            yield finding(
                "S107",
                f"{phone.id} calls from the context {context!r}, which is not there: each of its calls"
                " fails",
                phone.place_of("context"),
                f"correct context= of the endpoint, or {hint}",
                phone.id,
                seen=f"dialplan show {context}: There is no existence of '{context}' context",
            )
            continue
        if any(plan.looks_elsewhere for plan in there):
            continue
        patterns = [one for plan in there for one in plan.applications]
        if not patterns:
            yield finding(
                "S107",
                f"{phone.id} calls from the context {context!r}, which has no extension: each of its calls"
                " fails",
                phone.place_of("context"),
                f"correct context= of the endpoint, or add extensions to [{context}]; then {DIALPLAN}",
                phone.id,
                seen=f"dialplan show {context}: 0 extensions",
            )
        elif dial and not any(matches(pattern, dial) for pattern in patterns):
            yield finding(
                "S107",
                f"{dial}, which {phone.id} dials, is not in the context {context!r}",
                phone.account.place if phone.account else None,
                f"add it to [{context}] in extensions.conf; then {DIALPLAN}",
                phone.id,
                seen=f"dialplan show {dial}@{context}: There is no existence of '{dial}@{context}'"
                " extension",
            )


def long_offers(calls: Calls, live: Live) -> Iterator[Finding | Unknown]:
    """Decided by a call; by the version where none came about."""
    known = next(defects(live.version, "S108"), None) if live.version else None
    if calls.long is not None:
        if calls.long.answered:
            return
        hint = upgrade(known, live.version) if known and live.version else "upgrade Asterisk"
        seen = "; ".join(one.message for one in calls.long.findings)
        yield finding(
            "S108",
            "this Asterisk answers a call, and refuses the same with an offer of more than 200"
            " attributes, which Chrome makes since version 136",
            hint=f"{hint}; until then, let the page offer fewer codecs (setCodecPreferences)",
            seen=seen,
        )
    elif known:
        yield Unknown("S108", f"no test call came about; {caveat(live.version_text)}, it has it")


def echo(live: Live, written: Written) -> Iterator[Finding]:
    if live.runs("app_stream_echo"):
        return
    for step in dialled.steps(live.contexts, "StreamEcho"):
        yield finding(
            "S110",
            f"{step.extension} in {step.context} runs StreamEcho(), and app_stream_echo.so is not loaded:"
            " the call is answered and ends at once",
            dialled.place(step, written),
            "take its noload line out of modules.conf; asterisk -rx 'module load app_stream_echo.so'",
            seen="module show like app_stream_echo: Not Running",
        )
        return


def one_rings(phones: tuple[Phone, ...], live: Live, written: Written) -> Iterator[Finding]:
    """Dial(PJSIP/alice) calls the first of an aor's contacts alone (res/res_pjsip/location.c)."""
    several = {
        phone.id: most
        for phone in phones
        if (aor := phone.aors.get(phone.id)) and (most := aor.get("max_contacts", "")) not in "01"
    }
    for step in dialled.steps(live.contexts, "Dial"):
        called = {part.removeprefix("PJSIP/") for part in step.parts[0].split("&")}
        names = [name for name in several if name in called]
        if "${EXTEN}" in called:
            names += [name for name in several if matches(step.extension, name)]
        if names:
            yield finding(
                "S123",
                f"{step.extension} in {step.context} rings one phone alone of those that are registered as"
                f" {some(names)}",
                dialled.place(step, written),
                "let Dial() have ${PJSIP_DIAL_CONTACTS(NAME)} in place of PJSIP/NAME",
                seen=f"{step}; max_contacts: {several[names[0]]}",
            )


def tried(calls: Calls, phones: tuple[Phone, ...] | Missing) -> Iterator[Finding]:
    """What the test calls met; of what has to do with sound, media.py tells, and of a transport that an
    endpoint names, transport.py.
    """
    known = set() if isinstance(phones, Missing) else {p.id for p in phones if p.protocol == ""}
    for proof in calls.proofs:
        for one in proof.findings:
            told = one.code == "M110" or (one.code == "S105" and one.subject in known)
            if part_of(one.code).number > Part.REGISTRATION.number and not told:
                yield one


CHECKS = (
    Check(
        ("S101", "S114", "S115", "S116", "V106"),
        ("phones",),
        lambda phones: together(for_browsers(phones)),
    ),
    Check((), ("phones", "live", "written"), nobody),
    Check(("S103",), ("live",), srtp),
    Check(("S107",), ("phones", "live"), lambda phones, live: together(contexts(phones, live))),
    Check(("S108",), ("calls", "live"), long_offers),
    Check(("S110",), ("live", "written"), echo),
    Check(("S123",), ("phones", "live", "written"), one_rings),
    Check((), ("calls",), tried, also=("phones",)),
)
