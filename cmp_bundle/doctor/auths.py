"""Whether what phones have to prove who they are with is what Asterisk asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.accounts.endpoint import Auth, Option, names
from cmp_bundle.accounts.endpoint import auth as auth_of
from cmp_bundle.accounts.remedy import remedy
from cmp_bundle.checks.in_force import differences
from cmp_bundle.checks.registration import algorithms, credentials
from cmp_bundle.doctor.check import Check
from cmp_bundle.doctor.endpoints_loaded import unknown_options
from cmp_bundle.doctor.together import together
from cmp_bundle.findings import finding
from cmp_bundle.places import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp_bundle.doctor.evidence import Live, Phone, Written
    from cmp_bundle.findings import Finding


def in_force(phone: Phone) -> Auth | None:
    """The first auth that Asterisk has of a phone, as it is in force."""
    for name, options in phone.auths.items():
        if options is not None:
            return auth_of(name, _options(options))
    return None


def _options(shown: Mapping[str, str]) -> tuple[Option, ...]:
    """Of the table of ``pjsip show auth``, all that holds something."""
    return tuple(Option(n, v, Place("pjsip show auth")) for n, v in shown.items() if v)


def wrong(phone: Phone, live: Live) -> Finding | None:
    """Why the account of a phone cannot register with what it has; None where it can, or where nobody
    knows.
    """
    auth = in_force(phone)
    if phone.account is None or auth is None or auth.unusable:
        return None
    realm = auth.realm or live.settings.get("default_realm", "")
    where = phone.account.secret or phone.account.place
    return credentials(phone.account, auth, realm, where, phone.homes.get(("auth", auth.id)))


def _named(phones: tuple[Phone, ...], live: Live, written: Written) -> Iterator[Finding]:
    for phone in phones:
        if phone.loaded is None:
            continue
        if not phone.loaded.get("auth") and _is_by_name(phone):
            yield finding(
                "R109",
                f"the endpoint {phone.id} has no auth: anybody can register and call as {phone.id}",
                phone.place,
                f"make an auth {phone.id} with a password, and name it: "
                + remedy("endpoint", phone.id, phone.place, {"auth": phone.id}),
                phone.id,
                seen=f"pjsip show endpoint {phone.id}: auth: (empty)",
            )
        for name, options in phone.auths.items():
            made = written.objects.get(("auth", name))
            if options is None and not (made and unknown_options(made, live)):
                yield finding(
                    "R108",
                    f"the endpoint {phone.id} names the auth {name!r}, which Asterisk does not have",
                    phone.place,
                    "create it, or correct auth= of the endpoint",
                    phone.id,
                    seen=f"pjsip show auth {name}: Unable to find object {name}.",
                )


def _is_by_name(phone: Phone) -> bool:
    """Whether anybody becomes this endpoint by saying its name: not one that is known by its address."""
    methods = names((phone.loaded or {}).get("identify_by", "username"))
    return bool({"username", "auth_username"} & {*methods})


def _passwords(phones: tuple[Phone, ...], live: Live, written: Written) -> Iterator[Finding]:
    """An auth that is written otherwise, and not yet read, is another's affair."""
    for phone in phones:
        found = wrong(phone, live)
        if found is not None and not _is_stale(phone, written):
            yield found


def _is_stale(phone: Phone, written: Written) -> bool:
    return any(
        differences("auth", one.options, options)
        for name, options in phone.auths.items()
        if options and (one := written.objects.get(("auth", name)))
    )


def _digests(phones: tuple[Phone, ...]) -> Iterator[Finding]:
    for phone in phones:
        for name, options in phone.auths.items():
            asked = (options or {}).get("supported_algorithms_uas", "")
            found = algorithms(name, asked, phone.homes.get(("auth", name)), phone.id)
            if found is not None:
                yield found
                break


_NEEDS = ("phones", "live", "written")

CHECKS = (
    Check(
        ("R107", "R113"), _NEEDS, lambda p, live, written: together(_passwords(p, live, written))
    ),
    Check(("R108", "R109"), _NEEDS, lambda p, live, written: together(_named(p, live, written))),
    Check(("R114",), ("phones", "live"), lambda phones, _live: together(_digests(phones))),
)
