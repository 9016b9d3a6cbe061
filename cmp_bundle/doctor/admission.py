"""Whether phones are let in from where they are, and taken for who they are: lists of addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp_bundle.accounts.endpoint import names
from cmp_bundle.checks.networks import (
    ANYWHERE,
    LOOPBACK,
    NetworkRule,
    allows,
    allows_nobody,
    network,
)
from cmp_bundle.doctor.check import Check, Unknown
from cmp_bundle.doctor.together import together
from cmp_bundle.findings import finding
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp_bundle.asterisk.answers.pjsip import Identify
    from cmp_bundle.doctor.evidence import Live, Phone, Written
    from cmp_bundle.findings import Finding
    from cmp_bundle.places import Place, Row


class _AccessList(NamedTuple):
    """``name`` is how it is called; ``of_all`` is whether every phone must pass it, and not one alone."""

    name: str
    rules: Sequence[NetworkRule]
    place: Place | Row | None
    of_all: bool


def _lists(phone: Phone, live: Live, written: Written) -> Iterator[_AccessList]:
    """The lists that a phone must pass: those of all of PJSIP, then its own."""
    for one in written.access_lists:
        yield _AccessList(f"[{one.id}]", one.rules, one.place, of_all=True)
        yield from _named(one.options.get("acl", ""), live, one.place, of_all=True)
    if phone.written is not None:
        place = phone.written.place
        yield _AccessList(f"deny of {phone.id}", phone.written.rules, place, of_all=False)
    yield from _named((phone.loaded or {}).get("acl", ""), live, phone.place, of_all=False)


def _named(
    value: str, live: Live, place: Place | Row | None, *, of_all: bool
) -> Iterator[_AccessList]:
    for name in names(value):
        rules = [(r.allow, network(r.network)) for r in live.acls.get(name, ())]
        known = [NetworkRule(allow, where) for allow, where in rules if where]
        yield _AccessList(f"acl {name}", known, place, of_all)


def shut_out(phone: Phone, live: Live, written: Written) -> bool:
    """Whether the rules do not let a phone in that comes from this machine, as test calls do."""
    return any(not allows(one.rules, LOOPBACK) for one in _lists(phone, live, written))


def _access(phones: tuple[Phone, ...], live: Live, written: Written) -> Iterator[Finding | Unknown]:
    limited: dict[str, str] = {}
    said: set[object] = set()
    for phone in phones:
        if phone.loaded is None:
            continue
        for name, rules, place, of_all in _lists(phone, live, written):
            if allows_nobody(rules):
                if of_all and place in said:
                    continue
                said.add(place)
                yield finding(
                    "R115",
                    f"{name} lets nobody in: {'no phone' if of_all else phone.id} can register from anywhere",
                    place,
                    "write behind its deny lines a permit line with the networks that phones come from",
                    "" if of_all else phone.id,
                    seen="; ".join(f"{'permit' if a else 'deny'} {n}" for a, n in rules),
                )
            elif not allows(rules, ANYWHERE):
                limited[phone.id] = name
    if limited:
        first = next(iter(limited))
        yield Unknown(
            "R115",
            f"{limited[first]} lets {some(list(limited))} in from some networks alone, and nobody here knows"
            " where the phones are",
        )


def covering(live: Live) -> Iterator[tuple[Identify, str]]:
    """Each ``type=identify`` that covers a whole network or this machine, with that match, where
    addresses are looked at before the name that a phone gives.
    """
    order = names(live.settings.get("endpoint_identifier_order", "ip,username"))
    if "ip" not in order or ("username" in order and order.index("username") < order.index("ip")):
        return
    for one in live.identifies:
        for match in one.matches:
            where = network(match)
            if where is not None and (where.num_addresses > 1 or LOOPBACK in where):
                yield one, match


def taken_for_another(phone: Phone, live: Live) -> str:
    """The endpoint that a phone on this machine, as test calls are, is taken for by its address."""
    for one, match in covering(live):
        where = network(match)
        if where is not None and LOOPBACK in where and one.endpoint != phone.id:
            return one.endpoint
    return ""


def _identity(
    phones: tuple[Phone, ...], live: Live, written: Written
) -> Iterator[Finding | Unknown]:
    unsure = []
    proxied = bool(written.configured.our_http.plain)
    for one, match in covering(live):
        where = network(match)
        if where is None or all(phone.id == one.endpoint for phone in phones):
            continue
        if ANYWHERE in where or (proxied and LOOPBACK in where):
            whose = "every phone" if ANYWHERE in where else "every phone behind the proxy"
            place = next(
                (o.place for k, o in written.objects.items() if k == ("identify", one.name)), None
            )
            yield finding(
                "R116",
                f"[{one.name}] covers {match}, so Asterisk takes {whose} for {one.endpoint}",
                place,
                f"let match of [{one.name}] name the addresses of {one.endpoint} alone; or write"
                " endpoint_identifier_order=username,ip,anonymous into [global] of pjsip.conf",
                seen=f"pjsip show identifies: {one.name}/{one.endpoint} Match: {match}",
            )
        else:
            unsure.append(f"{match} is {one.endpoint}")
    if unsure:
        yield Unknown(
            "R116",
            f"a phone that comes from one of these networks is taken for somebody else: {some(unsure)}",
        )


_NEEDS = ("phones", "live", "written")

CHECKS = (
    Check(("R115",), _NEEDS, lambda p, live, written: together(_access(p, live, written))),
    Check(("R116",), _NEEDS, _identity),
)
