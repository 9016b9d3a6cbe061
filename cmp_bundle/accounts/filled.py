"""Accounts with what stands at their sources."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cmp_bundle.accounts import endpoint_account
from cmp_bundle.accounts.fields import ALL_OR_NONE, AT_THE_SOURCE
from cmp_bundle.accounts.source import placed
from cmp_bundle.errors import refuse
from cmp_bundle.findings import Finding, finding
from cmp_bundle.shell import word

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
    for account in accounts:
        if not account.source:
            result.append(account)
            continue
        endpoints = sources.endpoints(account.source)
        current = at_source(sources.source(account.source), endpoints, account.id, realm)
        if isinstance(current, Finding):
            remove = f"cmp-bundle accounts remove {word(account.id)}"
            hint = current.hint or f"{remove}, or give it a password"
            findings.append(replace(current, place=current.place or account.place, hint=hint))
        else:
            result.append(joined(account, current))
    refuse(findings, ALL_OR_NONE)
    return tuple(result)


def at_source(
    source: AccountSource, found: Endpoints, name: str, realm: str = ""
) -> Account | Finding:
    """The account of the endpoint ``name`` in a source that holds ``found``.

    ``realm`` is that of the server's challenges, where neither the auth nor the source tells.
    """
    endpoint = found.endpoints.get(name)
    if endpoint is None:
        return finding("R101", f"{source.name} has no endpoint {name!r}", subject=name)
    account = endpoint_account.account(endpoint, found, source.name, realm)
    if isinstance(account, Finding):
        return placed(source, account)
    place = source.on_disk(endpoint.where)
    return replace(account, place=place, secret=account.secret and source.on_disk(account.secret))


def joined(account: Account, at_its_source: Account) -> Account:
    """What the file says of an account, with what its source holds."""
    fields = {name: getattr(at_its_source, name) for name in (*AT_THE_SOURCE, "secret")}
    return replace(account, **fields)
