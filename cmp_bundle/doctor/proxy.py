"""A proxy in front of Asterisk: what it passes on, and what it cannot carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.doctor.addresses import Space, is_private, space
from cmp_bundle.doctor.check import Check, Unknown
from cmp_bundle.doctor.reach import Reached
from cmp_bundle.findings import finding
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.doctor.evidence import Calls, Missing
    from cmp_bundle.findings import Finding


def is_proxied(outside: Reached | Missing, inside: Reached | Missing) -> bool:
    """Whether somebody stands in front: another certificate than Asterisk's own, or another's name."""
    if not isinstance(outside, Reached) or not outside.connected:
        return False
    if isinstance(inside, Reached) and inside.connected and outside.tls:
        return inside.tls is None or inside.tls.chain[:1] != outside.tls.chain[:1]
    answered = outside.answer.server if outside.answer else ""
    known = ("nginx", "apache", "caddy", "cloudflare", "traefik", "haproxy", "openresty")
    return answered.lower().startswith(known)


def proxy(outside: Reached, inside: Reached | Missing) -> Iterator[Finding | Unknown]:
    if not is_proxied(outside, inside):
        return
    yield Unknown(
        "N109",
        f"a proxy stands before Asterisk at {outside.base}; whether it cuts off phones that are quiet takes"
        " minutes to see: leave one open, and look whether it registers anew each minute",
    )
    found = outside.websocket
    if found is None or found.open or found.status is None:
        return
    if not (isinstance(inside, Reached) and inside.websocket and inside.websocket.open):
        return
    yield finding(
        "N110",
        f"the proxy at {outside.base} does not pass WebSockets on: it answers {found.status} where Asterisk"
        " itself lets phones in",
        hint="give it the lines that these print: cmp-bundle provision --proxy nginx (or caddy, apache,"
        " traefik)",
        seen=f"{found.url} answers {found.status}, {inside.websocket.url} 101",
    )


def inspected(outside: Reached) -> Iterator[Unknown]:
    """Networks that open TLS show a certificate of their own to those within, and to nobody else."""
    if outside.tls is not None:
        yield Unknown(
            "N111",
            "whether a company's network or a virus scanner puts its own certificate in between shows in a"
            " browser there: who issued the one that it shows",
        )


def sound_elsewhere(
    public_calls: Calls, outside: Reached, inside: Reached | Missing
) -> Iterator[Finding]:
    """A proxy elsewhere carries the page and the socket, and no sound: that goes to the addresses that
    Asterisk names, which are those of a network behind it.
    """
    candidates = {one.address for proof in public_calls.proofs for one in proof.candidates}
    if not candidates or not is_proxied(outside, inside):
        return
    public = [one for one in outside.addresses if space(one) is Space.PUBLIC]
    if public and all(is_private(one) for one in candidates):
        yield finding(
            "N112",
            f"{outside.host} is a proxy, which carries no sound, and Asterisk names only"
            f" {some(sorted(candidates))} for it: nobody outside that network hears anything",
            hint="forward the ports of rtp.conf (UDP) to Asterisk and name its public address there"
            " (ice_host_candidates), or set up a TURN server",
        )


def mixed(outside: Reached) -> Iterator[Unknown]:
    """What a phone of somebody else's has in its own settings, no server knows."""
    if outside.base.startswith("https:"):
        yield Unknown(
            "N113",
            "which address a page connects to shows in it alone; those that cmp-bundle builds go to the"
            " server that they came from, by wss",
        )


CHECKS = (
    Check(("N109", "N110"), ("outside",), proxy, also=("inside",)),
    Check(("N111",), ("outside",), inspected),
    Check(("N112",), ("public_calls", "outside"), sound_elsewhere, also=("inside",)),
    Check(("N113",), ("outside",), mixed),
)
