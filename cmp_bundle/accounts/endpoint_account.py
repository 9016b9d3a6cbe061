"""An account taken from an endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.accounts import sip_id
from cmp_bundle.accounts.endpoint import REALM, digest
from cmp_bundle.accounts.model import Account
from cmp_bundle.findings import Finding, finding

if TYPE_CHECKING:
    from cmp_bundle.accounts.endpoint import Auth, Endpoint, Endpoints


def account(
    endpoint: Endpoint, found: Endpoints, source: str, realm: str = ""
) -> Account | Finding:
    """The account of a person who is to use ``endpoint``, or why there can be none.

    ``realm`` is that of the server's challenges, where neither the auth nor the source tells.
    """
    problem = sip_id.problem(endpoint.id)
    if problem:
        hint = f"rename the endpoint, for example to {sip_id.instead(endpoint.id)!r}"
        return finding("endpoint-name", problem, endpoint.where, hint)
    chosen = usable(endpoint, found)
    if isinstance(chosen, Finding):
        return chosen
    return _account(endpoint, chosen, source, chosen.realm or found.realm or realm)


def usable(endpoint: Endpoint, found: Endpoints) -> Auth | Finding:
    """The first auth that a browser phone can answer, or why there is none."""
    if not endpoint.auths:
        return finding(
            "R109",
            f"{endpoint.id} has no auth, so everybody who knows its name can use it",
            endpoint.where,
            "give it an auth with a password",
            endpoint.id,
        )
    reasons = []
    for name in endpoint.auths:
        auth = found.auths.get(name)
        if auth is None:
            reasons.append(f"its auth {name!r} does not exist")
        elif auth.unusable:
            reasons.append(f"its auth {name!r} cannot be used: {auth.unusable}")
        else:
            return auth
    text = f"{endpoint.id}: {'; '.join(reasons)}"
    return finding("R108", text, endpoint.where, None, endpoint.id)


def _account(endpoint: Endpoint, auth: Auth, source: str, realm: str) -> Account | Finding:
    where = auth.secret.where if auth.secret else endpoint.where
    password, digested = auth.password, auth.ha1
    if not _is_text(auth.username):
        return finding(
            "auth-not-utf8", f"the username of the auth {auth.id!r} is not UTF-8 text", where
        )
    if not _is_text(password):
        # A browser sends UTF-8, which these bytes are not; their digest still is what Asterisk
        # compares with.
        if not realm:
            return finding(
                "auth-not-utf8",
                f"the password of the auth {auth.id!r} is not UTF-8 text",
                where,
                "name the realm, so that cmp-bundle can compute the digest: [accounts] realm",
            )
        password, digested = "", digest(auth, realm)
    if digested and not realm:
        return finding(
            "realm-unknown",
            f"the auth {auth.id!r} contains a digest for an unknown realm",
            where,
            f"name the realm: [accounts] realm, usually {REALM}",
        )
    return Account(
        id=endpoint.id,
        display_name=_text(endpoint.display_name),
        auth_name="" if auth.username == endpoint.id else auth.username,
        password=password,
        ha1=digested,
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
