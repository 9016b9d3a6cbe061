"""Accounts with what stands at their sources."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cmp_bundle.accounts import endpoint_account
from cmp_bundle.accounts.source import placed
from cmp_bundle.errors import refuse
from cmp_bundle.findings import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cmp_bundle.accounts.endpoint import Endpoints
    from cmp_bundle.accounts.model import Account
    from cmp_bundle.accounts.open_source import Sources
    from cmp_bundle.accounts.source import AccountSource


def filled(accounts: Iterable[Account], sources: Sources) -> tuple[Account, ...]:
    """Accounts with what their sources hold now: auth name, password or HA1, and realm.

    Raises CmpBundleError with every account that its source does not have, or not in a way that a
    browser phone can use.
    """
    realm = sources.default_realm()
    findings: list[Finding] = []
    result = []
    for one in accounts:
        if not one.source:
            result.append(one)
            continue
        found = sources.endpoints(one.source)
        fresh = at_source(sources.source(one.source), found, one.id, realm)
        if isinstance(fresh, Finding):
            hint = fresh.hint or f"cmp-bundle accounts remove {one.id}, or give it a password"
            findings.append(replace(fresh, place=fresh.place or one.place, hint=hint))
        else:
            result.append(joined(one, fresh))
    refuse(findings, "none of the accounts is used until all are right")
    return tuple(result)


def at_source(
    source: AccountSource, found: Endpoints, name: str, realm: str = ""
) -> Account | Finding:
    """The account of the endpoint ``name`` in a source that holds ``found``.

    ``realm`` is that of the server's challenges, where neither the auth nor the source tells.
    """
    endpoint = found.endpoints.get(name)
    if endpoint is None:
        return finding("no-endpoint", f"{source.name} has no endpoint {name!r}", subject=name)
    fresh = endpoint_account.account(endpoint, found, source.name, realm)
    if isinstance(fresh, Finding):
        return placed(source, fresh)
    place = source.on_disk(endpoint.where)
    return replace(fresh, place=place, secret=fresh.secret and source.on_disk(fresh.secret))


def joined(account: Account, there: Account) -> Account:
    """What the file says of an account, with what its source holds."""
    return replace(
        account,
        auth_name=there.auth_name,
        password=there.password,
        ha1=there.ha1,
        realm=there.realm,
        secret=there.secret,
    )
