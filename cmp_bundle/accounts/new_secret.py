"""Which value of an auth has to change for another password, and to what."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cmp_bundle.accounts import endpoint_account
from cmp_bundle.accounts.model import Account, ha1
from cmp_bundle.asterisk.configuration import folded
from cmp_bundle.findings import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp_bundle.accounts.endpoint import Endpoint, Endpoints, Option


def change(
    endpoint: Endpoint, found: Endpoints, others: Sequence[str], password: str
) -> tuple[Option, str] | Finding:
    """The option that holds the password of ``endpoint``, and the value for ``password``.

    ``others`` name the same auth, so that its password is not this endpoint's to change.
    """
    auth = endpoint_account.usable(endpoint, found)
    if isinstance(auth, Finding):
        return auth
    if auth.secret is None:
        return finding(
            "password-uneditable", f"the auth {auth.id!r} has no password to change", endpoint.where
        )
    where = auth.secret.where
    if others:
        text = f"the auth {auth.id!r} is not only {endpoint.id}'s, but also {_list(others)}'s"
        return finding("password-shared", text, where, "give each an auth of its own")
    if auth.both:
        text = f"the auth {auth.id!r} holds a password and a digest"
        return finding("two-passwords", text, where, "keep one of them")
    if not auth.ha1:
        return auth.secret, password
    if folded(auth.secret.name) != "md5_cred" or auth.secret.value != auth.ha1:
        text = f"the auth {auth.id!r} keeps its digest in {auth.secret.name}, with more"
        return finding(
            "password-uneditable", text, where, "change it by hand, or keep it in md5_cred alone"
        )
    realm = auth.realm or found.realm
    if not realm:
        text = f"the auth {auth.id!r} holds a digest, and does not say for which realm"
        return finding("realm-unknown", text, where, "give it its realm")
    return auth.secret, ha1(auth.username, realm, password)


def after(account: Account, value: str) -> Account:
    """``account`` with what ``change`` gave."""
    return replace(account, ha1=value) if account.ha1 else replace(account, password=value)


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"  # noqa: PLR2004
