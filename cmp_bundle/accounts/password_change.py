"""New passwords where the old ones stand: what has to change for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cmp_bundle.accounts.endpoint_account import usable
from cmp_bundle.accounts.filled import at_source
from cmp_bundle.accounts.model import Account, ha1
from cmp_bundle.accounts.source import placed
from cmp_bundle.asterisk.configuration import folded
from cmp_bundle.errors import refuse
from cmp_bundle.findings import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from cmp_bundle.accounts.endpoint import Endpoint, Endpoints, Option
    from cmp_bundle.accounts.source import AccountSource
    from cmp_bundle.changes.step import Step


@dataclass(frozen=True)
class PasswordChange:
    """``accounts`` as they are once ``steps`` are carried out. ``files`` are Asterisk's that change."""

    accounts: tuple[Account, ...]
    steps: tuple[Step, ...]
    files: tuple[Path, ...] = ()


def planned(source: AccountSource, wanted: Mapping[str, str]) -> PasswordChange:
    """How these accounts (ids) get these passwords in ``source``; nothing is changed by asking.

    Raises CmpBundleError with all the accounts that cannot be given one.
    """
    editor = source.passwords()
    values: list[tuple[Option, str]] = []
    findings: list[Finding] = []
    accounts: list[Account] = []
    for name, password in wanted.items():
        before = at_source(source, editor.endpoints, name)
        if isinstance(before, Finding):
            findings.append(before)
            continue
        endpoint = editor.endpoints.endpoints[name]
        value = _value(endpoint, editor.endpoints, editor.sharing(endpoint), password)
        refusal = value if isinstance(value, Finding) else editor.refusal(value[0], name)
        if refusal is not None:
            findings.append(placed(source, refusal))
        elif not isinstance(value, Finding):
            values.append(value)
            accounts.append(with_secret(before, value[1]))
    steps = editor.steps(values)
    if isinstance(steps, list):
        findings += [placed(source, problem) for problem in steps]
        steps = ()
    refuse(findings, "nothing was changed")
    return PasswordChange(tuple(accounts), tuple(steps), tuple(p for s in steps for p in s.paths()))


def with_secret(account: Account, value: str) -> Account:
    """``account`` with another password, or HA1 where that is what it has."""
    return replace(account, ha1=value) if account.ha1 else replace(account, password=value)


def _value(
    endpoint: Endpoint, found: Endpoints, others: Sequence[str], password: str
) -> tuple[Option, str] | Finding:
    """The option that holds the password of ``endpoint``, and the value for ``password``.

    ``others`` name the same auth, so that its password is not this endpoint's to change.
    """
    auth = usable(endpoint, found)
    if isinstance(auth, Finding):
        return auth
    if auth.secret is None:
        text = f"the auth {auth.id!r} has no password to change"
        return finding("password-uneditable", text, endpoint.where)
    where = auth.secret.where
    if others:
        text = f"{endpoint.id} shares the auth {auth.id!r} with {_list(others)}"
        return finding("password-shared", text, where, "give each a separate auth")
    if auth.both:
        text = f"the auth {auth.id!r} contains a password and a digest"
        return finding("two-passwords", text, where, "keep one of them")
    if not auth.ha1:
        return auth.secret, password
    if folded(auth.secret.name) != "md5_cred" or auth.secret.value != auth.ha1:
        text = f"the auth {auth.id!r} contains more than its digest in {auth.secret.name}"
        hint = "edit the file, or put only the digest into md5_cred"
        return finding("password-uneditable", text, where, hint)
    realm = auth.realm or found.realm
    if not realm:
        text = f"the auth {auth.id!r} contains a digest without its realm"
        return finding("realm-unknown", text, where, "add the realm to the auth")
    return auth.secret, ha1(auth.username, realm, password)


def _list(names: Sequence[str]) -> str:
    first = ", ".join(names[:3])
    return first if len(names) <= 3 else f"{first} and {len(names) - 3} more"  # noqa: PLR2004
