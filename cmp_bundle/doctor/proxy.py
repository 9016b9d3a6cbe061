"""A proxy in front of Asterisk: what it passes on, and what it cannot carry."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cmp_bundle.checks.websocket import ask
from cmp_bundle.doctor.addresses import Space, is_private, space
from cmp_bundle.doctor.check import Check, Unknown
from cmp_bundle.doctor.evidence import Missing
from cmp_bundle.doctor.reach import Reached
from cmp_bundle.doctor.way import Part
from cmp_bundle.findings import Level, finding
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.doctor.evidence import Calls, Written
    from cmp_bundle.findings import Finding


#: Where proxies have Asterisk's WebSocket, beside its own path.
_PATHS: Final = ("/ws", "/wss", "/asterisk/ws", "/websocket", "/")

#: Seconds for an answer at each.
_PATIENCE: Final = 3.0

#: What a proxy answers that knows the path: the headers are lost on the way, or nobody is behind it.
_KNOWN: Final = (400, 426)
_NOBODY: Final = 500

_SAY: Final = "if it has the WebSocket at another path, say so: [server] path in cmp-bundle.toml"


def is_proxied(outside: Reached | Missing, inside: Reached | Missing) -> bool:
    """Whether somebody stands in front: another certificate than Asterisk's own, or another's name; or it
    works there, and not at Asterisk.
    """
    if not isinstance(outside, Reached) or not outside.connected:
        return False
    if outside.tls and outside.stopped is None and isinstance(inside, Reached) and inside.stopped:
        return True
    if isinstance(inside, Reached) and inside.connected and outside.tls:
        return inside.tls is None or inside.tls.chain[:1] != outside.tls.chain[:1]
    answered = outside.answer.server if outside.answer else ""
    known = ("nginx", "apache", "caddy", "cloudflare", "traefik", "haproxy", "openresty")
    return answered.lower().startswith(known)


def elsewhere(outside: Reached) -> Reached:
    """The same with the WebSocket at another path, where it is at one of those that proxies have it at."""
    if not _is_unknown_there(outside):
        return outside
    for path in _PATHS:
        if path == outside.path:
            continue
        found = ask(outside.base, path, address=outside.connected, patience=_PATIENCE)
        if found.open:
            return replace(
                outside,
                path=path,
                websocket=found,
                stopped=None,
                trouble="",
                expected=outside.path,
            )
        if found.status is None:
            break
    return outside


def _is_unknown_there(outside: Reached) -> bool:
    """Whether somebody answers as for a page, and not as for a WebSocket that does not come about."""
    status = outside.websocket.status if outside.websocket else None
    if outside.stopped is not Part.WEBSOCKET or status is None:
        return False
    return status not in _KNOWN and status < _NOBODY


def may_be_elsewhere(
    outside: Reached, inside: Reached | Missing, written: Written | Missing
) -> bool:
    """Whether a proxy may have the WebSocket at a path that nobody named, while none of our own pages looks
    for it where it was looked for.
    """
    if outside.path_named or isinstance(inside, Missing) or not is_proxied(outside, inside):
        return False
    return _is_unknown_there(outside) and not _has_our_page(written)


def _has_our_page(written: Written | Missing) -> bool:
    return not isinstance(written, Missing) and bool(written.configured.our_http.redirect)


def proxy(
    outside: Reached, inside: Reached | Missing, written: Written | Missing
) -> Iterator[Finding | Unknown]:
    if outside.expected:
        yield _at_another_path(outside, written)
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
    said = f"answers {found.status} where Asterisk itself lets phones in"
    if may_be_elsewhere(outside, inside, written):
        yield Unknown("N110", f"the proxy at {found.url} {said}; {_SAY}")
        return
    yield finding(
        "N110",
        f"the proxy at {outside.base} does not pass WebSockets on: at {outside.path} it {said}",
        hint="give it the lines that these print: cmp-bundle provision --proxy nginx (or caddy, apache,"
        f" traefik); {_SAY}",
        seen=f"{found.url} answers {found.status}, {inside.websocket.url} 101",
    )


def _at_another_path(outside: Reached, written: Written | Missing) -> Finding:
    made = finding(
        "N110",
        f"the proxy at {outside.base} has the WebSocket at {outside.path}, and phones of cmp-bundle look for"
        f" it at {outside.expected}",
        hint=f"write path = {outside.path!r} into [server] of cmp-bundle.toml; then cmp-bundle deploy",
        seen=f"{outside.websocket.url if outside.websocket else outside.path} answers 101",
    )
    # The phones that are there may be others, which know it.
    return made if _has_our_page(written) else replace(made, level=Level.WARNING)


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
    Check(("N109", "N110"), ("outside",), proxy, also=("inside", "written")),
    Check(("N111",), ("outside",), inspected),
    Check(("N112",), ("public_calls", "outside"), sound_elsewhere, also=("inside",)),
    Check(("N113",), ("outside",), mixed),
)
