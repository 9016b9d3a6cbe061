"""Whether Asterisk lets a phone register: by its aor, its auth, and how it finds the endpoint.

Everything is judged by options, be they those of files and rows or those in force.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.accounts.endpoint import DIGESTS, REALM, digest, names
from cmp_bundle.accounts.model import ha1
from cmp_bundle.accounts.remedy import remedy
from cmp_bundle.asterisk.configuration import folded
from cmp_bundle.findings import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cmp_bundle.accounts.endpoint import Auth
    from cmp_bundle.accounts.model import Account
    from cmp_bundle.places import Place, Row

    Where = Place | Row | None


def aor(
    endpoint: str,
    listed: Iterable[str],
    most: Mapping[str, int | None],
    where: Where,
    homes: Mapping[str, Where],
    *,
    seen: str = "",
) -> Iterator[Finding]:
    """What keeps every phone of ``endpoint`` from registering. ``listed`` are its ``aors``, ``most`` the
    max_contacts of those that there are, None where there is no such aor; ``homes`` are where they stand,
    ``where`` the endpoint does.

    A phone asks for the aor that is called as it is itself, with or without a domain
    (``find_aor_name`` of res/res_pjsip_registrar.c).
    """
    own = [name for name in listed if name.partition("@")[0] == endpoint]
    if not own:
        yield finding(
            "R111",
            f"the endpoint {endpoint} has no aor of its own name, so no phone can register",
            where,
            f"have an aor {endpoint} with max_contacts=5, and name it: "
            + remedy("endpoint", endpoint, where, {"aors": endpoint}),
            endpoint,
            seen=seen or f"aors: {', '.join(listed) or '(empty)'}",
        )
        return
    there = {name: most[name] for name in own if most.get(name) is not None}
    if not there:
        yield finding(
            "R111",
            f"the endpoint {endpoint} names the aor {own[0]}, which Asterisk does not have, so no phone"
            " can register",
            where,
            f"create it: [{own[0]}] with type=aor and max_contacts=5",
            endpoint,
            seen=seen,
        )
    elif not any(there.values()):
        name = next(iter(there))
        yield finding(
            "R110",
            f"the aor {name} has no max_contacts, so no phone can register",
            where,
            remedy("aor", name, homes.get(name), {"max_contacts": "5"}),
            endpoint,
            seen=seen or "max_contacts: 0",
        )


def credentials(
    account: Account, auth: Auth, realm: str, where: Where, home: Where
) -> Finding | None:
    """Why what ``account`` registers with is not what ``auth`` asks for; None where it is, or where the
    account has no password of its own. ``realm`` is that of the challenge, empty where nobody knows;
    ``home`` is where the auth stands.
    """
    if account.user != auth.username:
        return finding(
            "R107",
            f"{account.id} authenticates as {account.user!r}, Asterisk expects {auth.username!r}",
            where,
            "set auth_name of the account to what Asterisk expects, or username of the auth to what the"
            " account has",
            account.id,
        )
    if account.ha1 and realm and account.realm != realm:
        return finding(
            "R113",
            f"the ha1 of {account.id} is for the realm {account.realm!r}, Asterisk's is {realm!r}",
            where,
            f"give the account its password, or a digest for {realm!r}",
            account.id,
        )
    if not (account.password or account.ha1):
        return None
    asked = realm or account.realm
    if (account.ha1 or ha1(account.user, asked, account.password)) == digest(auth, asked):
        return None
    if foreign := _made_for(account, auth, asked):
        return finding(
            "R113",
            f"the digest in the auth {auth.id!r} is that of the password of {account.id} for the realm"
            f" {foreign!r}, and the challenge says {asked!r}",
            where,
            f"make the digest anew, or: {remedy('auth', auth.id, home, {'realm': foreign})}",
            account.id,
        )
    return finding(
        "R107",
        f"the password of {account.id} is not the one that Asterisk has",
        where,
        "make them the same: cmp-bundle provision --update writes the account's password for Asterisk,"
        " cmp-bundle accounts import --update takes over Asterisk's",
        account.id,
    )


def _made_for(account: Account, auth: Auth, asked: str) -> str:
    """The realm that the digest of ``auth`` is for, if it is the account's password with another one."""
    if not (auth.ha1 and account.password):
        return ""
    realms = {REALM, account.realm, account.host, account.id, auth.realm} - {asked, ""}
    made = (r for r in sorted(realms) if ha1(account.user, r, account.password) == auth.ha1)
    return next(made, "")


def algorithms(name: str, asked: str, where: Where, subject: str) -> Finding | None:
    """Whether browser phones can answer the challenges of the auth ``name``: they look at the last
    alone, and know MD5 alone. ``asked`` is supported_algorithms_uas as it is in force; ``where`` is where
    the auth stands.
    """
    known = [folded(one) for one in names(asked)] or ["md5"]
    if known[-1] == "md5":
        return None
    known = [one for one in known if one in DIGESTS and one != "md5"]
    return finding(
        "R114",
        f"the auth {name!r} asks browser phones for {known[-1].upper()}, and they know MD5 alone",
        where,
        remedy("auth", name, where, {"supported_algorithms_uas": "MD5"}),
        subject,
        seen=f"supported_algorithms_uas: {asked}",
    )


def not_by_name(
    endpoint: str, user: str, identify_by: str, order: str, where: Where
) -> Finding | None:
    """Whether Asterisk does not find the endpoint of a phone that says who it is.

    ``user`` is what the phone authenticates as. ``identify_by`` is the endpoint's, ``order`` the server's
    endpoint_identifier_order.
    """
    methods, asked = names(identify_by), names(order)
    if "username" in methods and "username" in asked:
        return None
    by_auth = "auth_username" in methods and "auth_username" in asked
    if by_auth and user == endpoint:
        return None
    if "username" not in asked:
        text, seen = (
            f"Asterisk looks for no endpoint by the name that a phone gives, so {endpoint} is not found",
            f"endpoint_identifier_order: {order}",
        )
        hint = "write endpoint_identifier_order=ip,username,anonymous into [global] of pjsip.conf"
    else:
        text, seen = (
            f"Asterisk does not take a phone for {endpoint} that says it is {endpoint}",
            f"identify_by: {identify_by}",
        )
        hint = remedy("endpoint", endpoint, where, {"identify_by": "username,ip"})
    return finding("R106", text, where, hint, endpoint, seen=seen)
