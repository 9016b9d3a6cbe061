"""Accounts beside what Asterisk has of them: what will not work, and what may surprise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.accounts import source_name
from cmp_bundle.accounts.endpoint import Endpoints
from cmp_bundle.accounts.endpoint_account import usable
from cmp_bundle.accounts.remedy import remedy
from cmp_bundle.bundle import leaks, sealed
from cmp_bundle.checks import endpoints, registration, sorcery
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.findings import Finding, finding
from cmp_bundle.shell import word

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cmp_bundle.accounts.endpoint import Endpoint
    from cmp_bundle.accounts.model import Account
    from cmp_bundle.asterisk.configuration import Variable

#: Shorter passwords are guessed: Asterisk lets anybody try as often as they like.
_SHORT = 8

#: What is not to be told of an account whose password is its source's own.
_THE_SOURCES_OWN = {"no-password", "R107", "R113"}

_NOTHING = Endpoints({}, {})


def against_asterisk(
    accounts: Iterable[Account],
    sources: Mapping[str, Endpoints | CmpBundleError],
    files: Iterable[Endpoints] | None,
    *,
    complete: bool,
    uncounted: Uncounted | None = None,
) -> Iterator[Finding]:
    """Each account beside its endpoint, and first what keeps Asterisk from loading any.

    ``sources`` has what is behind each account's ``source``, or why that is not known; ``files``
    are Asterisk's own, None where there is no Asterisk to compare with, and ``complete`` is
    whether an endpoint that is not in them is nowhere: Asterisk may have more in a database.
    ``uncounted`` are the endpoints of pjsip.conf, where it is no file of endpoints at all.
    """
    accounts = tuple(accounts)
    in_files = None if files is None else tuple(files)
    read = [f for f in (*sources.values(), *(in_files or ())) if isinstance(f, Endpoints)]
    yield from dict.fromkeys(one for f in read for one in f.findings)
    hidden = [] if uncounted is None else [a.id for a in accounts if uncounted.holds(a, in_files)]
    if uncounted is not None and hidden:
        yield sorcery.file_uncounted(hidden, uncounted.line)
    for account in accounts:
        if account.id in hidden:
            continue
        if account.source:
            there = sources[account.source]
            if isinstance(there, CmpBundleError):
                yield finding("source", str(there), account.place, there.hint, account.id)
                continue
            # Where Asterisk loads no object of a kind, there is no more to compare.
            found = () if there.findings else against(account, there)
            yield from (one for one in found if one.code not in _THE_SOURCES_OWN)
        elif in_files is None:
            text = f"no Asterisk was found here to compare {account.id} with"
            yield finding("not-compared", text, account.place, None, account.id)
        else:
            there = next((f for f in in_files if account.id in f.endpoints), _NOTHING)
            if not there.findings:
                yield from against(account, there, complete=complete)


@dataclass(frozen=True)
class Uncounted:
    """The ``ids`` of endpoints in pjsip.conf, by a ``line`` of sorcery.conf none of Asterisk's."""

    ids: frozenset[str]
    line: Variable

    def holds(self, account: Account, counted: Iterable[Endpoints] | None) -> bool:
        """Whether ``account`` is for one of them, and for none of those that are ``counted``."""
        if account.source:
            return account.source == source_name.PJSIP and account.id in self.ids
        return account.id in self.ids and not any(account.id in f.endpoints for f in counted or ())


def against(account: Account, found: Endpoints, *, complete: bool = True) -> Iterator[Finding]:
    """What is to be said of ``account``, whose password is known, where Asterisk has ``found``."""
    endpoint = found.endpoints.get(account.id)
    if endpoint is None:
        if complete:
            text = f"Asterisk has no endpoint {account.id!r}"
            yield finding("R101", text, account.place, None, account.id)
        else:
            text = f"Asterisk's files have no endpoint {account.id!r}; its database may"
            yield finding("not-in-files", text, account.place, None, account.id)
        return
    if not endpoint.webrtc:
        text = f"the endpoint {account.id!r} is not for browsers"
        hint = remedy("endpoint", account.id, endpoint.where, {"webrtc": "yes"})
        yield finding("S101", text, endpoint.where, hint, account.id)
    if found.aors is not None:
        most = {name: aor.max_contacts for name, aor in found.aors.items()}
        homes = {name: aor.where for name, aor in found.aors.items()}
        yield from registration.aor(endpoint.id, endpoint.aors, most, endpoint.where, homes)
    yield from endpoints.surprises(endpoint, found)
    yield from _authentication(account, endpoint, found)


def passwords(accounts: Iterable[Account], public: list[bytes]) -> Iterator[Finding]:
    """Passwords that protect nothing: too short, or known to everybody by what is ``public``."""
    secrets = {}
    for account in accounts:
        hint = f"cmp-bundle accounts rotate {word(account.id)}"
        if account.password and len(account.password) < _SHORT:
            text = f"the password of {account.id} is shorter than {_SHORT} characters"
            yield finding("short-password", text, account.secret, hint, account.id)
        for secret in sealed.account_secrets(account):
            secrets[secret.what] = (account, secret)
    for secret in leaks.standing_in(public, (s for _, s in secrets.values())):
        account = secrets[secret.what][0]
        text = f"{secret.what} stands in the phone's own code, so a build cannot look for it"
        hint = f"cmp-bundle accounts rotate {word(account.id)}"
        yield finding("public-password", text, account.secret, hint, account.id)


def _authentication(account: Account, endpoint: Endpoint, found: Endpoints) -> Iterator[Finding]:
    if not (account.password or account.ha1):
        text = f"{account.id} has no password yet"
        yield finding("no-password", text, account.place, None, account.id)
    auth = usable(endpoint, found)
    if isinstance(auth, Finding):
        yield auth
        return
    where = auth.secret.where if auth.secret else endpoint.where
    home = auth.secret.where if auth.secret else None
    differs = registration.credentials(account, auth, auth.realm or found.realm, where, home)
    if differs is not None:
        yield differs
