"""The addresses that Asterisk names for sound, beside those that a browser sees."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cmp_bundle.asterisk.reloads import RTP
from cmp_bundle.doctor.check import Check
from cmp_bundle.findings import Level, finding
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp_bundle.doctor.evidence import Calls
    from cmp_bundle.doctor.reach import Reached
    from cmp_bundle.findings import Finding

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address


#: Of Docker's own networks, one after the other; the first is that of docker0.
_DOCKER: Final = ipaddress.ip_network("172.16.0.0/12")
#: Candidates that PJNATH can hold (PJ_ICE_MAX_CAND of Asterisk's own copy).
_MOST: Final = 64


def behind_nat(outside: Reached, calls: Calls) -> Iterator[Finding]:
    """Whether the name is public and no candidate is.

    The name's address alone tells that people come from outside. A browser may still get through: where
    Asterisk's own packets to it make a way through the router.
    """
    usable = _usable(calls)
    if not only_private(outside, calls) or all(map(_is_docker, usable)):
        return  # of Docker, M106 says it better
    public = _public(outside)
    deaf = _is_deaf(calls)
    where = (
        f"{outside.host} is public"
        if str(public[0]) == outside.host
        else f"{outside.host} is {public[0]}"
    )
    local = str(usable[0]) if len(usable) == 1 else "LOCAL"
    which = "" if len(usable) == 1 else ", LOCAL being the src of: ip route get 1.1.1.1"
    made = finding(
        "M102",
        f"{where}, and Asterisk names for sound only {_words(usable)}: "
        + (
            "no UDP gets through between here and there, so calls from here are silent"
            if deaf
            else "if a browser is not in that network, its calls may be silent"
        ),
        hint=f"where {public[0]} leads to that machine alone, write below [ice_host_candidates] of rtp.conf:"
        f" {local} => {public[0]},include_local_address{which}; else stunaddr= with a STUN server; then"
        f" {RTP}",
        seen=f"a=candidate of the answer: {_words(usable)}",
    )
    yield replace(made, level=Level.ERROR) if deaf else made


def only_private(outside: Reached, calls: Calls) -> bool:
    """Whether the name has a public address, and no address for sound is one."""
    usable = _usable(calls)
    return bool(_public(outside) and usable) and not any(one.is_global for one in usable)


def _public(outside: Reached) -> list[Address]:
    return [one for one in _addresses(outside.addresses) if one.is_global]


def _usable(calls: Calls) -> list[Address]:
    return [one for one in _named(calls) if not (one.is_link_local or one.is_loopback)]


def _is_deaf(calls: Calls) -> bool:
    """Whether it was looked whether sound gets through, and none did."""
    looked = [one.media_reached for one in calls.proofs if one.media_reached is not None]
    return bool(looked) and not any(looked)


def container(calls: Calls) -> Iterator[Finding]:
    usable = _usable(calls)
    if usable and all(map(_is_docker, usable)):
        yield finding(
            "M106",
            f"Asterisk names for sound only {_words(usable)}, which is what Docker gives to a container: if"
            " it is one, no phone outside of this machine is heard",
            hint="run the container with network_mode: host; or write below [ice_host_candidates] of"
            f" rtp.conf: {usable[0]} => ADDRESS OF THE HOST, and publish the ports of sound; then {RTP}",
            seen=f"a=candidate of the answer: {_words(usable)}",
        )


def useless(calls: Calls) -> Iterator[Finding]:
    """Addresses that phones cannot reach, beside others."""
    named = _named(calls)
    odd = [one for one in named if one.is_link_local or _is_docker(one)]
    if not odd or len(odd) == len(named):
        return
    nets = ["fe80::/10"] if any(isinstance(one, ipaddress.IPv6Address) for one in odd) else []
    nets += (
        ["169.254.0.0/255.255.0.0"] if any(str(one).startswith("169.254.") for one in odd) else []
    )
    nets += ["172.16.0.0/255.240.0.0"] if any(_is_docker(one) for one in odd) else []
    yield finding(
        "M116",
        f"Asterisk names for sound {_words(odd)} as well, which phones elsewhere cannot reach",
        hint=f"to leave it out, write {' and '.join(f'ice_deny={net}' for net in nets)} into rtp.conf; then"
        f" {RTP}",
        seen=f"a=candidate of the answer: {_words(odd)}",
    )


def too_many(calls: Calls) -> Iterator[Finding]:
    number = max((len({c.address for c in proof.candidates}) for proof in calls.proofs), default=0)
    if number >= _MOST:
        yield finding(
            "S109",
            f"Asterisk names {number} addresses for sound, which is as many as it can: if the one that"
            " phones reach is not among them, calls are silent",
            hint="leave networks out that no phone reaches, such as ice_deny=10.7.0.0/255.255.0.0 in"
            f" rtp.conf; then {RTP}",
            seen=f"{number} a=candidate lines in the answer",
        )


def _named(calls: Calls) -> list[Address]:
    """Those of all answers, each once."""
    found = dict.fromkeys(one.address for proof in calls.proofs for one in proof.candidates)
    return _addresses(found)


def _is_docker(address: Address) -> bool:
    return address.version == _DOCKER.version and address in _DOCKER


def _addresses(texts: Iterable[str]) -> list[Address]:
    found = []
    for text in texts:
        try:
            found.append(ipaddress.ip_address(text.partition("%")[0]))
        except ValueError:
            continue
    return found


def _words(addresses: Iterable[Address]) -> str:
    return some([str(one) for one in addresses])


CHECKS = (
    Check(("S109",), ("calls",), too_many),
    Check(("M102",), ("outside", "calls"), behind_nat),
    Check(("M106",), ("calls",), container),
    Check(("M116",), ("calls",), useless),
)
