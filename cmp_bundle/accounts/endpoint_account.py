"""An account taken from an endpoint, and what its owner should know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.accounts import sip_id
from cmp_bundle.accounts.endpoint import REALM, digest
from cmp_bundle.accounts.model import Account
from cmp_bundle.accounts.problems import Wrong

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.accounts.endpoint import Auth, Endpoint, Endpoints

#: StreamEcho(4) of the book's echo extension sends four pictures.
PICTURES = 4

#: The protocols of transports that a browser's connection can be reached by.
_REACHABLE = ("wss", "ws")


def account(endpoint: Endpoint, found: Endpoints, source: str, realm: str = "") -> Account | Wrong:
    """The account of a person who is to use ``endpoint``, or why there can be none.

    ``realm`` is that of the server's challenges, where neither the auth nor the source tells.
    """
    problem = sip_id.problem(endpoint.id)
    if problem:
        hint = f"a browser phone could not use it; call it {sip_id.instead(endpoint.id)!r}"
        return Wrong(problem, endpoint.where, hint)
    chosen = usable(endpoint, found)
    if isinstance(chosen, Wrong):
        return chosen
    return _account(endpoint, chosen, source, chosen.realm or found.realm or realm)


def usable(endpoint: Endpoint, found: Endpoints) -> Auth | Wrong:
    """The first auth that a browser phone can answer, or why there is none."""
    if not endpoint.auths:
        return Wrong(
            f"{endpoint.id} has no auth: whoever knows its name can use it",
            endpoint.where,
            "give it an auth with a password",
        )
    reasons = []
    for name in endpoint.auths:
        auth = found.auths.get(name)
        if auth is None:
            reasons.append(f"its auth {name!r} is not there")
        elif auth.unusable:
            reasons.append(f"its auth {name!r} cannot be used: {auth.unusable}")
        else:
            return auth
    return Wrong(f"{endpoint.id}: {'; '.join(reasons)}", endpoint.where)


def warnings(endpoint: Endpoint, found: Endpoints) -> Iterator[tuple[str, Wrong]]:
    """What will not be as a person with a browser phone expects it, each behind a code."""
    where = endpoint.where
    if endpoint.transport:
        yield from _transport(endpoint, found)
    if endpoint.video_streams < PICTURES:
        text = f"{endpoint.id} gets {_pictures(endpoint.video_streams)} in a call"
        hint = f"for conferences and the echo of {PICTURES}: max_video_streams={PICTURES} or more"
        yield "few-pictures", Wrong(text, where, hint)
    chosen = usable(endpoint, found)
    if isinstance(chosen, Wrong):
        return
    if len(endpoint.auths) > 1:
        text = f"{endpoint.id} has several auths, and {chosen.id!r} is taken"
        yield "several-auths", Wrong(text, where)
    if chosen.both:
        text = f"the auth {chosen.id!r} holds a password and a digest, and the digest is taken"
        yield "two-secrets", Wrong(text, where, "keep one of them")
    if chosen.older:
        text = f"the auth {chosen.id!r} is for newer Asterisks: Asterisk 16 {chosen.older}"
        yield "newer-auth", Wrong(text, where, "of no concern if yours is not that old")


def _transport(endpoint: Endpoint, found: Endpoints) -> Iterator[tuple[str, Wrong]]:
    """An endpoint pinned to another transport registers and calls, but its INVITE fails (seen)."""
    name = endpoint.transport
    pinned = f"{endpoint.id} is pinned to the transport {name!r}"
    hint = "leave its transport empty"
    if found.transports is None:
        text = f"{pinned}: unless that is of protocol wss, it can call but never be rung"
        yield "maybe-pinned-transport", Wrong(text, endpoint.where, hint)
        return
    protocol = found.transports.get(name)
    if protocol not in _REACHABLE:
        what = f"of protocol {protocol}" if protocol else "which is not there"
        text = f"{pinned}, {what}: it can call but never be rung"
        yield "pinned-transport", Wrong(text, endpoint.where, hint)


def _pictures(count: int) -> str:
    return {0: "no picture", 1: "one picture"}.get(count, f"{count} pictures")


def _account(endpoint: Endpoint, auth: Auth, source: str, realm: str) -> Account | Wrong:
    where = auth.secret.where if auth.secret else endpoint.where
    password, held = auth.password, auth.ha1
    if not _is_text(auth.username):
        return Wrong(f"the username of the auth {auth.id!r} is not UTF-8 text", where)
    if not _is_text(password):
        # A browser sends UTF-8, which these bytes are not; their digest still is what Asterisk
        # compares with.
        if not realm:
            return Wrong(
                f"the password of the auth {auth.id!r} is not UTF-8 text",
                where,
                "name the realm, so that its digest can be taken: [accounts] realm",
            )
        password, held = "", digest(auth, realm)
    if held and not realm:
        return Wrong(
            f"the auth {auth.id!r} holds a digest for a realm that nothing tells",
            where,
            f"name it: [accounts] realm, usually {REALM}",
        )
    return Account(
        id=endpoint.id,
        display_name=_text(endpoint.display_name),
        auth_name="" if auth.username == endpoint.id else auth.username,
        password=password,
        ha1=held,
        realm=realm,
        source=source,
        place=endpoint.where,
        secret=where,
    )


def _is_text(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)


def _text(raw: str) -> str:
    """What a person may read of bytes that may be no UTF-8."""
    if _is_text(raw):
        return raw
    return raw.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
