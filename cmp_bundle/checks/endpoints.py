"""Endpoints that work, and yet not as a person with a browser phone expects it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.accounts.browsers import by_hand
from cmp_bundle.accounts.endpoint_account import usable
from cmp_bundle.accounts.remedy import remedy
from cmp_bundle.findings import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.accounts.endpoint import Endpoint, Endpoints
    from cmp_bundle.places import Place, Row

#: StreamEcho(4) of the book's echo extension sends four pictures.
PICTURES = 4

#: The protocols of transports that a browser's connection can be reached by.
_REACHABLE = ("wss", "ws")


def surprises(endpoint: Endpoint, found: Endpoints) -> Iterator[Finding]:
    """What will not be as a person with a browser phone expects it."""
    where = endpoint.where
    yield from by_hand(endpoint.id, endpoint.missing, where, {})
    if endpoint.transport:
        yield from _transport(endpoint, found)
    if endpoint.video_streams < PICTURES:
        text = f"{endpoint.id} gets {_pictures(endpoint.video_streams)} in a call"
        yield finding("V101", text, where, more_pictures(endpoint.id, where), endpoint.id)
    chosen = usable(endpoint, found)
    if isinstance(chosen, Finding):
        return
    if len(endpoint.auths) > 1:
        text = f"{endpoint.id} has several auths, and {chosen.id!r} is taken"
        yield finding("several-auths", text, where, None, endpoint.id)
    if chosen.both:
        text = f"the auth {chosen.id!r} holds a password and a digest, and the digest is taken"
        yield finding("two-secrets", text, where, "keep one of them", endpoint.id)
    if chosen.older:
        text = f"the auth {chosen.id!r} is for newer Asterisks: Asterisk 16 {chosen.older}"
        yield finding(
            "newer-auth", text, where, "of no concern if yours is not that old", endpoint.id
        )


def more_pictures(endpoint: str, where: Place | Row | None) -> str:
    """What to do about an ``endpoint`` that gets too few."""
    how = remedy("endpoint", endpoint, where, {"max_video_streams": str(PICTURES)})
    return f"for the echo, and conferences of up to {PICTURES + 1} people: {how}"


def _transport(endpoint: Endpoint, found: Endpoints) -> Iterator[Finding]:
    name = endpoint.transport
    if found.transports is None:
        text = (
            f"{endpoint.id} is pinned to the transport {name!r}: unless that is of protocol wss, it can"
            " call but never be rung"
        )
        hint = remedy("endpoint", endpoint.id, endpoint.where, {"transport": None})
        yield finding("maybe-pinned-transport", text, endpoint.where, hint, endpoint.id)
        return
    yield from pinned(endpoint.id, name, found.transports.get(name, ""), endpoint.where)


def pinned(
    endpoint: str, transport: str, protocol: str, where: Place | Row | None, seen: str = ""
) -> Iterator[Finding]:
    """What is wrong with an ``endpoint`` that names a ``transport``, whose ``protocol`` is empty where
    there is no such transport. ``seen`` are the server's words for that.

    With one that is not there, each of its calls is answered with 500. With another protocol than a
    WebSocket's it registers and calls, but the INVITE to it fails (both seen on 16 and 22).
    """
    hint = remedy("endpoint", endpoint, where, {"transport": None})
    if not protocol:
        text = (
            f"the endpoint {endpoint} names the transport {transport!r}, which is not there: each of its"
            " calls fails"
        )
        yield finding("S105", text, where, hint, endpoint, seen=seen)
    elif protocol not in _REACHABLE:
        text = (
            f"the endpoint {endpoint} is pinned to the transport {transport!r}, of protocol {protocol}:"
            " it can call but never be rung"
        )
        yield finding("S106", text, where, hint, endpoint, seen=seen)


def _pictures(count: int) -> str:
    return {0: "no picture", 1: "one picture"}.get(count, f"{count} pictures")
