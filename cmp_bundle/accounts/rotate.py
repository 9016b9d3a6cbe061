"""New passwords for accounts, each where its old one stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.accounts import generate, password_change
from cmp_bundle.accounts.edits import Edits
from cmp_bundle.accounts.endpoint import digest
from cmp_bundle.accounts.endpoint_account import usable
from cmp_bundle.accounts.file_change import edit
from cmp_bundle.accounts.filled import joined
from cmp_bundle.accounts.model import Account, ha1
from cmp_bundle.accounts.password_change import PasswordChange, with_secret
from cmp_bundle.errors import FindingsError, refuse
from cmp_bundle.files import Boundary
from cmp_bundle.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from cmp_bundle.accounts.endpoint import Endpoints
    from cmp_bundle.accounts.open_source import Sources
    from cmp_bundle.accounts.store import AccountFile
    from cmp_bundle.changes.step import Step


def renewal(
    file: AccountFile,
    ids: Collection[str],
    sources: Sources,
    password: Callable[[], str] = generate.password,
) -> PasswordChange:
    """How these accounts get new passwords: in their own rows, or at their sources.

    Those with a password of their own get the new one in Asterisk's own files and in databases that
    were provisioned as well, where these hold the same as the rows now. Nothing is changed yet.
    Raises CmpBundleError with every account that cannot be given one.
    """
    by_id = {account.id: account for account in file.accounts}
    findings = file.unknown(ids)
    chosen = [account for account in by_id.values() if account.id in ids]
    passwords = {account.id: password() for account in chosen}
    steps: list[Step] = []
    files: list[Path] = []
    accounts: dict[str, Account] = {}
    in_file = [account for account in chosen if not account.source]
    if in_file:
        renewed = [_renewed(account, passwords[account.id]) for account in in_file]
        accounts |= {account.id: account for account in renewed}
        after = file.edited(Edits(change={a.id: _secret(a) for a in renewed}))
        steps.append(edit(file.path, Boundary(), file.data, after.data, private=not file.loose))
    # Each source is changed once, whatever the reasons: two edits of one file would not fit.
    wanted: dict[str, list[str]] = {}
    for name, found in sources.with_copies().items() if in_file else ():
        wanted[name] = [account.id for account in in_file if holds(account, found)]
    for account in chosen:
        if account.source:
            wanted.setdefault(account.source, []).append(account.id)
    for name, names in wanted.items():
        if not names:
            continue
        try:
            change = password_change.planned(
                sources.source(name), {each: passwords[each] for each in names}
            )
        except FindingsError as error:
            findings += error.findings
            continue
        steps += change.steps
        files += change.files
        for account in change.accounts:
            if by_id[account.id].source:
                accounts[account.id] = joined(by_id[account.id], account)
    refuse(findings, "nothing was changed")
    return PasswordChange(
        tuple(accounts[account.id] for account in chosen), tuple(steps), tuple(files)
    )


def holds(account: Account, found: Endpoints) -> bool:
    """Whether Asterisk takes the password or HA1 of ``account`` by what is ``found`` there."""
    endpoint = found.endpoints.get(account.id)
    auth = usable(endpoint, found) if endpoint else None
    if auth is None or isinstance(auth, Finding) or auth.username != account.user:
        return False
    realm = auth.realm or found.realm or account.realm
    if account.ha1:
        return account.realm == realm and account.ha1 == digest(auth, realm)
    return bool(account.password) and ha1(account.user, realm, account.password) == digest(
        auth, realm
    )


def _renewed(account: Account, password: str) -> Account:
    value = ha1(account.user, account.realm, password) if account.ha1 else password
    return with_secret(account, value)


def _secret(account: Account) -> dict[str, str]:
    return {"ha1": account.ha1} if account.ha1 else {"password": account.password}
