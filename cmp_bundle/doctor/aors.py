"""Whether aors let phones register, and whether those that are registered are still there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cmp_bundle.accounts.endpoint import names
from cmp_bundle.accounts.remedy import remedy
from cmp_bundle.asterisk.values import integer, is_true
from cmp_bundle.checks import registration
from cmp_bundle.doctor.check import Check
from cmp_bundle.doctor.endpoints_loaded import unknown_options
from cmp_bundle.doctor.together import together
from cmp_bundle.findings import finding
from cmp_bundle.sizes import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp_bundle.doctor.evidence import Live, Phone, Written
    from cmp_bundle.findings import Finding
    from cmp_bundle.places import Place, Row

#: Seconds for which phones ask, ours and upstream's; and those below which a phone is busy with
#: registering. A tab in the background runs its timers once a minute.
ASKED: Final = 300
_SHORT: Final = 60

_MOST: Final = 1 << 32


def own_name(phone: Phone) -> str:
    """The aor that its phones register with; empty where Asterisk has none."""
    found = (n for n, o in phone.aors.items() if o and n.partition("@")[0] == phone.id)
    return next(found, "")


def own(phone: Phone) -> Mapping[str, str]:
    """The options of that aor."""
    return phone.aors.get(own_name(phone)) or {}


def into(phone: Phone, options: Mapping[str, str | None]) -> str:
    """How that aor gets options."""
    return remedy("aor", own_name(phone), place(phone), options)


def place(phone: Phone) -> Place | Row | None:
    """Where that aor stands."""
    return phone.homes.get(("aor", own_name(phone)))


def number(options: Mapping[str, str], name: str) -> int | None:
    return integer(options.get(name, ""), 0, _MOST)


def _lets_register(phones: tuple[Phone, ...], live: Live, written: Written) -> Iterator[Finding]:
    for phone in phones:
        if phone.loaded is None or _is_explained(phone, live, written):
            continue
        most = {n: None if o is None else number(o, "max_contacts") for n, o in phone.aors.items()}
        listed = names(phone.loaded.get("aors", ""))
        lines = "; ".join(
            f"pjsip show aor {n}: "
            + (f"Unable to find object {n}." if value is None else f"max_contacts: {value}")
            for n, value in most.items()
        )
        homes = {name: phone.homes.get(("aor", name)) for name in most}
        yield from registration.aor(phone.id, listed, most, phone.place, homes, seen=lines)


def _is_explained(phone: Phone, live: Live, written: Written) -> bool:
    """Whether its aor stands in a file with an option for which Asterisk does not load it."""
    return any(
        options is None
        and (made := written.objects.get(("aor", name)))
        and unknown_options(made, live)
        for name, options in phone.aors.items()
    )


def _full(phones: tuple[Phone, ...]) -> Iterator[Finding]:
    for phone in phones:
        options = own(phone)
        most = number(options, "max_contacts") or 0
        # What is gone makes room where remove_unavailable says so.
        taken = [c for c in phone.contacts if not (c.gone and _yes(options, "remove_unavailable"))]
        if 0 < most <= len(taken) and not _yes(options, "remove_existing"):
            yield finding(
                "R112",
                f"the aor {phone.id} is full: the next phone or tab of {phone.id} is refused with 403",
                place(phone) or phone.place,
                f"have the oldest make room: {into(phone, {'remove_existing': 'yes'})}",
                phone.id,
                seen=f"max_contacts: {most}, {count(len(taken), 'contact')}, remove_existing:"
                f" {options.get('remove_existing', 'no')}",
            )


def _yes(options: Mapping[str, str], name: str) -> bool:
    return is_true(options.get(name, ""))


def _brief(phones: tuple[Phone, ...]) -> Iterator[Finding]:
    for phone in phones:
        longest = number(own(phone), "maximum_expiration")
        if longest is not None and longest < _SHORT:
            yield finding(
                "R117",
                f"a phone of {phone.id} must register again every {longest} seconds: it asks for {ASKED}, and"
                " the aor grants no more",
                place(phone) or phone.place,
                into(phone, {"maximum_expiration": None}),
                phone.id,
                seen=f"maximum_expiration: {longest}",
            )


def _silent(phones: tuple[Phone, ...]) -> Iterator[Finding]:
    """A contact that Asterisk asks for a sign of life and hears nothing of."""
    for phone in phones:
        gone = [one for one in phone.contacts if one.gone]
        if not gone:
            continue
        others = len(phone.contacts) - len(gone)
        seen = f"pjsip show aor {phone.id}: {gone[0].uri} {gone[0].status}"
        if others:
            yield finding(
                "R123",
                f"{count(len(gone), 'phone')} of {phone.id} no longer there: calls ring"
                f" {'it' if len(gone) == 1 else 'them'} in vain beside the other {others}",
                place(phone) or phone.place,
                into(phone, {"remove_unavailable": "yes", "remove_existing": "yes"}),
                phone.id,
                seen=seen,
            )
        else:
            yield finding(
                "R124",
                f"{phone.id} is registered, but does not answer Asterisk's questions, so that it counts as"
                " unreachable",
                phone.place,
                "see whether its tab is still open, and connected; an old phone that answers OPTIONS with"
                " an error needs qualify_2xx_only=no in the aor",
                phone.id,
                seen=seen,
            )


_NEEDS = ("phones", "live")

CHECKS = (
    Check(
        ("R110", "R111"),
        (*_NEEDS, "written"),
        lambda phones, live, written: together(_lets_register(phones, live, written)),
    ),
    Check(("R112",), _NEEDS, lambda phones, _live: together(_full(phones))),
    Check(("R117",), _NEEDS, lambda phones, _live: together(_brief(phones))),
    Check(("R123", "R124"), _NEEDS, lambda phones, _live: together(_silent(phones))),
)
