"""Whether the endpoints of phones are in force, and as they are written; if not, why not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cmp_bundle.asterisk.reloads import PJSIP, RESTART
from cmp_bundle.checks.in_force import SECRETS, differences
from cmp_bundle.checks.registration import not_by_name
from cmp_bundle.checks.sorcery import file_uncounted
from cmp_bundle.doctor.check import Check, Unknown
from cmp_bundle.doctor.databases import reached
from cmp_bundle.doctor.together import together
from cmp_bundle.doctor.way import Part
from cmp_bundle.doctor.written import DTLS_FILES
from cmp_bundle.findings import Level, finding
from cmp_bundle.shell import word

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp_bundle.doctor.evidence import Live, Phone, PjsipObject, Written
    from cmp_bundle.findings import Finding


#: Of a name that Asterisk cannot find.
_UNKNOWN: Final = "Unable to find object {}."


def lost(phone: Phone) -> bool:
    """Whether the running Asterisk was asked for its endpoint, and has none."""
    return phone.asked and phone.loaded is None


def unknown_options(one: PjsipObject, live: Live) -> list[str]:
    """The options of an object that this version does not know. Names with @ are for other programs."""
    known = live.options.get(one.kind, frozenset())
    return [name for name in one.places if known and name not in known and name[0] != "@"]


def _objects(phone: Phone, written: Written) -> Iterator[PjsipObject]:
    """Those of a phone in the files."""
    if phone.written is None:
        return
    yield phone.written
    for kind, option in (("auth", "auth"), ("aor", "aors")):
        for name in phone.written.options.get(option, "").split(","):
            if (kind, name.strip()) in written.objects:
                yield written.objects[kind, name.strip()]


def _options(phones: tuple[Phone, ...], live: Live, written: Written) -> Iterator[Finding]:
    """At its start Asterisk drops an object with one unknown option; a reload leaves it as it was before
    (seen on 16 and 22).
    """
    for phone in phones:
        for one in _objects(phone, written):
            for name in unknown_options(one, live):
                then = (
                    f"loads no {one.kind} {one.id}"
                    if lost(phone)
                    else f"has not read the {one.kind} {one.id} again; after a restart it will be gone"
                )
                yield finding(
                    "R102",
                    f"Asterisk does not know the option {name!r}, and so {then}",
                    one.places[name],
                    f"correct it or take it out; then {PJSIP}",
                    phone.id,
                )


def _of_all(live: Live, written: Written) -> Iterator[Finding]:
    """The same of what is about PJSIP as a whole, which phones can do without."""
    for (kind, _), one in written.objects.items():
        for name in unknown_options(one, live) if kind in ("global", "system") else ():
            made = finding(
                "R102",
                f"Asterisk does not know the option {name!r} of type={kind}, and so it takes nothing of"
                f" [{one.id}]",
                one.places[name],
                f"take the line out; then {PJSIP if kind == 'global' else RESTART}",
            )
            yield replace(made, level=Level.WARNING)


def _files(phones: tuple[Phone, ...], written: Written) -> Iterator[Finding]:
    for phone in phones:
        one = phone.written
        for name in DTLS_FILES:
            why = written.unreadable.get(one.options.get(name, "")) if one else None
            if one is None or why is None:
                continue
            path = one.options[name]
            then = (
                "loads no endpoint"
                if lost(phone)
                else "after a restart, or a reload with a change, it loads no endpoint"
            )
            yield finding(
                "R103",
                f"Asterisk cannot read {name}={path} ({_reason(why)}): {then} {phone.id}",
                one.places.get(name, one.place),
                "take the line out: webrtc=yes makes a certificate for each call; or put the file"
                f" there; then {PJSIP}",
                phone.id,
            )


def _reason(why: str) -> str:
    return why.replace("this user", "Asterisk's user")


def _uncounted(phones: tuple[Phone, ...], written: Written) -> Iterator[Finding]:
    lines = written.realtime.lines("endpoint")
    hidden = [p.id for p in phones if lost(p) and ("endpoint", p.id) in written.uncounted]
    if hidden and lines:
        yield file_uncounted(hidden, lines[-1])


def _twice(written: Written) -> Iterator[Finding]:
    """Two objects of one name: Asterisk loads none of that kind; a reload leaves all as they were."""
    yield from written.endpoints.findings


def _by_name(phones: tuple[Phone, ...], live: Live, written: Written) -> Iterator[Finding]:
    order = live.settings.get("endpoint_identifier_order", "")
    for phone in phones:
        user = phone.account.user if phone.account else phone.id
        if phone.loaded is not None and order:
            found = not_by_name(
                phone.id, user, phone.loaded.get("identify_by", ""), order, phone.place
            )
            if found:
                yield found
        elif lost(phone) and phone.written is None and phone.account:
            other = _same_user(user, phone.id, phones, written)
            if other:
                yield finding(
                    "R106",
                    f"a phone says it is {phone.id}, but the endpoint with the username {user!r} is called"
                    f" {other}, and Asterisk finds it by that name alone",
                    phone.account.place,
                    f"call the account {other}, with auth_name {user!r}",
                    phone.id,
                    seen=f"pjsip show endpoint {phone.id}: {_UNKNOWN.format(phone.id)}",
                )


def _same_user(user: str, but: str, phones: tuple[Phone, ...], written: Written) -> str:
    """The endpoint whose auth has the username ``user``, and not the name ``but``."""
    for other in phones:
        auths = (a.get("username") for a in other.auths.values() if a)
        if other.id != but and user in auths:
            return other.id
    for endpoint in written.endpoints.endpoints.values():
        found = (written.endpoints.auths.get(n) for n in endpoint.auths)
        if endpoint.id != but and any(a and a.username == user for a in found):
            return endpoint.id
    return ""


def _in_force(
    phones: tuple[Phone, ...], live: Live, written: Written
) -> Iterator[Finding | Unknown]:
    """R101 and R104: what nothing else explains."""
    if not live.runs("res_pjsip"):
        for code in ("R101", "R104"):
            yield Unknown(code, "res_pjsip.so is not loaded", Part.WEBSOCKET)
        return
    explained = {f.subject for f in (*_options(phones, live, written), *_files(phones, written))}
    explained |= {f.subject for f in _by_name(phones, live, written)}
    twice = {
        k for k in ("endpoint", "auth", "aor") for f in _twice(written) if f"={k} " in f.message
    }
    newer = _newer(live, written)
    down = any(True for _ in reached(live, written))
    for phone in phones:
        if phone.id in explained or (lost(phone) and "endpoint" in twice):
            continue
        if lost(phone) and phone.written is None and down:
            yield Unknown("R101", "the database does not answer", Part.REGISTRATION)
        elif lost(phone):
            if ("endpoint", phone.id) not in written.uncounted:
                yield _absent(phone, written, newer=newer)
        elif phone.loaded is not None:
            yield from _changed(phone, written, twice, newer=newer)


def _newer(live: Live, written: Written) -> bool:
    """Whether a file of PJSIP was changed since Asterisk last read anything, which it tells in whole
    seconds.
    """
    ago = live.process.up if live.process.reloaded is None else live.process.reloaded
    known = ago is not None and written.changed > 0
    return known and written.changed > live.moment - (ago or 0) - 1


def _absent(phone: Phone, written: Written, *, newer: bool) -> Finding:
    seen = f"pjsip show endpoint {phone.id}: {_UNKNOWN.format(phone.id)}"
    if phone.written is not None and newer:
        return finding(
            "R104",
            f"the endpoint {phone.id} was written after Asterisk read its files, and is not loaded",
            phone.place,
            PJSIP,
            phone.id,
            seen=seen,
        )
    if phone.written is not None:
        return finding(
            "R101",
            f"the endpoint {phone.id} is written, but Asterisk has not loaded it",
            phone.place,
            f"{PJSIP}; its log says why it does not",
            phone.id,
            seen=seen,
        )
    there = "none stands in its files"
    if written.realtime.elsewhere("endpoint") is not None:
        there = "there is none in its files, nor in the database that sorcery.conf names"
    return finding(
        "R101",
        f"Asterisk has no endpoint {phone.id}: {there}",
        phone.account.place if phone.account else None,
        "to make it: cmp-bundle provision; or take the account out: cmp-bundle accounts remove"
        f" {word(phone.id)}",
        phone.id,
        seen=seen,
    )


def _changed(phone: Phone, written: Written, twice: set[str], *, newer: bool) -> Iterator[Finding]:
    if phone.written is None:
        if newer and _only_in_files(phone, written):
            yield finding(
                "R104",
                f"the endpoint {phone.id} is in no file any more, and still in force until the next reload",
                hint=f"write it again, or {PJSIP}",
                subject=phone.id,
                seen=f"pjsip show endpoint {phone.id}: it is there",
            )
        return
    loaded: dict[tuple[str, str], Mapping[str, str] | None] = {
        ("endpoint", phone.id): phone.loaded,
        **{("auth", n): one for n, one in phone.auths.items()},
        **{("aor", n): one for n, one in phone.aors.items()},
    }
    for (kind, name), options in loaded.items():
        one = written.objects.get((kind, name))
        if one is None or options is None or kind in twice or _from_elsewhere_first(kind, written):
            continue
        for option in differences(kind, one.options, options):
            yield finding(
                "R104",
                f"{option} of the {kind} {name} is not in force as it is written"
                + (", since the file was changed after the last reload" if newer else ""),
                one.places.get(option, one.place),
                PJSIP + ("" if newer else "; if it stays so, Asterisk's log says why"),
                phone.id,
                seen=_seen(kind, name, option, options),
            )
            break


def _from_elsewhere_first(kind: str, written: Written) -> bool:
    """Whether an object of that name in a database would count, and not the one in the file."""
    lines = written.realtime.lines(kind)
    return bool(lines) and not lines[0].value.startswith("config,")


def _seen(kind: str, name: str, option: str, options: Mapping[str, str]) -> str:
    shown = "another one" if option in SECRETS else options[option] or "(empty)"
    return f"pjsip show {kind} {name}: {option}: {shown}"


def _only_in_files(phone: Phone, written: Written) -> bool:
    """Whether an endpoint could have come from nowhere else than pjsip.conf."""
    return (
        phone.id not in written.endpoints.endpoints
        and ("endpoint", phone.id) not in written.uncounted
        and not written.realtime.lines("endpoint")
        and not written.files["pjsip.conf"].unknowns
    )


CHECKS = (
    Check(
        ("R102",),
        ("phones", "live", "written"),
        lambda phones, live, written: together(_options(phones, live, written)),
    ),
    Check((), ("live", "written"), _of_all),
    Check(("R103",), ("phones", "written"), lambda p, written: together(_files(p, written))),
    Check(
        ("R105",), ("phones", "written", "live"), lambda p, written, _live: _uncounted(p, written)
    ),
    Check(("duplicate-object",), ("written",), _twice),
    Check(
        ("R106",),
        ("phones", "live", "written"),
        lambda phones, live, written: together(_by_name(phones, live, written)),
    ),
    Check(
        ("R101", "R104"),
        ("phones", "live", "written"),
        lambda phones, live, written: together(_in_force(phones, live, written)),
    ),
)
