"""Where accounts may have their names and passwords: what the kinds of places have in common."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from cmp_bundle.accounts import endpoint_account
from cmp_bundle.errors import refuse
from cmp_bundle.findings import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cmp_bundle.accounts.endpoint import Endpoints
    from cmp_bundle.accounts.model import Account
    from cmp_bundle.accounts.password_change import PasswordChange
    from cmp_bundle.places import Place, Row


class AccountSource(Protocol):
    """A pjsip.conf, a pjsip_wizard.conf, or a database."""

    @property
    def name(self) -> str:
        """As an account's ``source`` says it."""

    def found(self) -> Endpoints:
        """What it holds now. Raises CmpBundleError."""

    def on_disk(self, where: Place | Row) -> Place | Row:
        """A place in it as a person on this machine finds it."""

    def renew(self, wanted: Mapping[str, str]) -> PasswordChange:
        """How these accounts (ids) get these passwords; nothing is changed by asking.

        Raises CmpBundleError with all the accounts that cannot be given one.
        """


def account(
    source: AccountSource, found: Endpoints, name: str, realm: str = ""
) -> Account | Finding:
    """The account of the endpoint ``name`` in a source that holds ``found``.

    ``realm`` is that of the server's challenges, where neither the auth nor the source tells.
    """
    endpoint = found.endpoints.get(name)
    if endpoint is None:
        return finding("no-endpoint", f"{source.name} has no endpoint {name!r}")
    made = endpoint_account.account(endpoint, found, source.name, realm)
    if isinstance(made, Finding):
        return placed(source, made)
    place = source.on_disk(endpoint.where)
    secret = source.on_disk(made.secret) if made.secret else None
    return _with_places(made, place, secret)


def placed(source: AccountSource, wrong: Finding) -> Finding:
    """``wrong`` with its place as a person finds it."""
    where = source.on_disk(wrong.place) if wrong.place else None
    return replace(wrong, place=where)


def resolved(
    accounts: Iterable[Account], opened: Callable[[str], AccountSource], realm: str = ""
) -> tuple[Account, ...]:
    """Accounts with what their sources hold now: auth name, password or HA1, and realm.

    Each source is opened and read once. Raises CmpBundleError with every account that its source
    does not have, or not in a way that a browser phone can use.
    """
    sources: dict[str, tuple[AccountSource, Endpoints]] = {}
    findings: list[Finding] = []
    result = []
    for one in accounts:
        if not one.source:
            result.append(one)
            continue
        if one.source not in sources:
            source = opened(one.source)
            sources[one.source] = (source, source.found())
        source, found = sources[one.source]
        fresh = account(source, found, one.id, realm)
        if isinstance(fresh, Finding):
            hint = fresh.hint or f"cmp-bundle accounts remove {one.id}, or give it a password"
            findings.append(replace(fresh, place=fresh.place or one.place, hint=hint))
        else:
            result.append(_filled(one, fresh))
    refuse(findings, "none of the accounts is used until all are right")
    return tuple(result)


def _filled(account: Account, fresh: Account) -> Account:
    return replace(
        account,
        **{n: getattr(fresh, n) for n in ("auth_name", "password", "ha1", "realm", "secret")},
    )


def _with_places(account: Account, place: Place | Row, secret: Place | Row | None) -> Account:
    return replace(account, place=place, secret=secret)
