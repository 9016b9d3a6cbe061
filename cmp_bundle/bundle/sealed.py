"""The accounts' part of a bundle: sealed profiles, and everything that nobody may find in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.accounts.profile import content, seal
from cmp_bundle.accounts.realm import possible
from cmp_bundle.bundle.leaks import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp_bundle.accounts.keyring import Keyring
    from cmp_bundle.accounts.model import Account


def profiles(accounts: Iterable[Account], keyring: Keyring) -> dict[str, bytes]:
    """The sealed profile of each account, by its file's name."""
    sealed = {}
    for account in accounts:
        token = keyring.token(account.id)
        sealed[file_name(token.name)] = seal(content(account), token)
    return sealed


def file_name(name: str) -> str:
    """The file of the profile that a token calls ``name``; client/overlay/profile.ts asks for it."""
    return f"{name}.bin"


def secrets(accounts: Iterable[Account], keyring: Keyring) -> Iterator[Secret]:
    """What the accounts have to hide, their links' tokens and key included."""
    yield Secret("the key of all links", keyring.key)
    for account in accounts:
        yield from account_secrets(account)
        yield Secret(f"the link of {account.id}", keyring.token(account.id).text)


def digests(accounts: Iterable[Account], realms: Iterable[str]) -> Iterator[Secret]:
    """What may be told of passwords without telling them: their HA1 at each of ``realms``.

    And at the realms that are likely anyway.
    """
    names = tuple(realms)
    for account in accounts:
        for digest in possible(account, names):
            yield Secret(f"the HA1 of {account.id}", digest)


def account_secrets(account: Account) -> Iterator[Secret]:
    """What stands in the profile of an account and is nobody else's business."""
    if account.password:
        yield Secret(f"the password of {account.id}", account.password)
    if account.ha1:
        yield Secret(f"the HA1 of {account.id}", account.ha1)
    for server in account.ice or ():
        if server.credential:
            yield Secret(f"the credential of {server.url}", server.credential)
