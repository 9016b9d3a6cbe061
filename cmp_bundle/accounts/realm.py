"""The realm in which Asterisk will ask an account for its password, as far as it can be known.

HA1 is good for one realm: with another's a phone is turned away, so nothing is guessed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.accounts import endpoint_account
from cmp_bundle.accounts.endpoint import REALM
from cmp_bundle.accounts.model import Account, ha1, with_ha1
from cmp_bundle.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp_bundle.accounts.endpoint import Endpoints


def possible(account: Account, names: Iterable[str]) -> Iterator[str]:
    """Every HA1 that ``account``'s password may make: at the usual realm, its host, and ``names``.

    For looking, not for using: whichever of them is right is as good as the password.
    """
    if account.password:
        realms = dict.fromkeys((account.realm, account.host, REALM, *names))
        for realm in filter(None, realms):
            yield ha1(account.user, realm, account.password)


def digested(
    accounts: Iterable[Account], found: Iterable[Endpoints], default: str
) -> tuple[Account, ...]:
    """``accounts`` with HA1 in place of their passwords wherever the realm is known.

    ``found`` is what Asterisk's files hold, ``default`` the realm that the operator named, for
    accounts of which nothing else tells.
    """
    files = tuple(found)
    return tuple(with_ha1(account, _realm(account, files) or default) for account in accounts)


def _realm(account: Account, found: Iterable[Endpoints]) -> str:
    if account.realm:
        return account.realm
    for endpoints in found:
        endpoint = endpoints.endpoints.get(account.id)
        if endpoint is None:
            continue
        auth = endpoint_account.usable(endpoint, endpoints)
        # Of an endpoint that authenticates under another name, this is not the password.
        if not isinstance(auth, Finding) and auth.username == account.user:
            return auth.realm or endpoints.realm
    return ""
