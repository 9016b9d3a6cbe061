from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.accounts import check as checks
from cmp_bundle.accounts.check import Finding, Level
from cmp_bundle.accounts.endpoint import Endpoints
from cmp_bundle.accounts.source_name import PJSIP, WIZARD
from cmp_bundle.asterisk import reader
from cmp_bundle.bundle import leaks, sealed
from cmp_bundle.bundle.build import known
from cmp_bundle.bundle.client import client
from cmp_bundle.cli import people, source
from cmp_bundle.cli.command import Run
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.cli.sizes import count
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cmp_bundle.accounts.model import Account
    from cmp_bundle.accounts.open_source import Opener
    from cmp_bundle.asterisk.conf_files import ConfFolder

#: Shorter passwords are guessed: Asterisk lets anybody try as often as they like.
_SHORT = 8

#: What is told of all accounts at once.
_NOT_COMPARED = "not-compared"


@make(people.ALLOW_LOOSE, flags=people.FLAGS, name="check")
def check(run: Run, *, allow_loose: bool) -> Result:
    """Compare the accounts with what Asterisk has, and tell what will not work.

    Looks at Asterisk's own files and at the sources of the accounts: does the endpoint exist, is
    it for browsers (webrtc=yes), is the password the same, can it be rung? Ends with 1 if there
    is a problem; notes are for information.
    """
    book = people.read(run, allow_loose=allow_loose)
    if not book.accounts:
        return Result(f"there are no accounts in {book.path}", {"findings": []})
    open_source = people.opener(run, book)
    found = [*_compared(book.accounts, open_source), *_passwords(book.accounts, _public(run))]
    lines = [str(f) for f in found if f.code != _NOT_COMPARED]
    alone = sum(f.code == _NOT_COMPARED for f in found)
    if alone:
        whose = count(alone, "account")
        lines.append(f"note {_NOT_COMPARED}: no Asterisk was found here to compare {whose} with")
    problems = sum(f.level is Level.PROBLEM for f in found)
    if not found:
        lines.append(f"{count(len(book.accounts), 'account')}, all as Asterisk has them")
    data = [
        {
            "level": f.level.value,
            "code": f.code,
            "id": f.id,
            "message": f.message,
            "where": str(f.where) if f.where else None,
            "hint": f.hint,
        }
        for f in found
    ]
    return Result("\n".join(lines), {"findings": data}, failed=problems > 0)


def _compared(accounts: tuple[Account, ...], open_source: Opener) -> Iterator[Finding]:
    """Each account beside its endpoint."""
    opened: dict[str, Endpoints | CmpBundleError] = {}

    def held(name: str) -> Endpoints | CmpBundleError:
        if name not in opened:
            try:
                opened[name] = open_source(name).found()
            except CmpBundleError as error:
                opened[name] = error
        return opened[name]

    complete = open_source.asterisk is not None and not _in_database(open_source.asterisk)
    for account in accounts:
        if account.source:
            there = held(account.source)
            if isinstance(there, CmpBundleError):
                hint = there.hint or ""
                yield Finding(Level.PROBLEM, "source", account.id, str(there), account.place, hint)
                continue
            yield from _at_source(account, there)
        elif open_source.asterisk is None:
            text = f"no Asterisk was found here to compare {account.id} with"
            yield Finding(Level.NOTE, _NOT_COMPARED, account.id, text, account.place)
        else:
            yield from checks.findings(account, _files(account, held), complete=complete)


def _at_source(account: Account, there: Endpoints) -> Iterator[Finding]:
    """What is to be said of an account whose password is the source's own."""
    told = {"no-password", "auth-name", "realm", "password"}
    yield from (f for f in checks.findings(account, there) if f.code not in told)


def _files(account: Account, held: Callable[[str], Endpoints | CmpBundleError]) -> Endpoints:
    """What Asterisk's own files have of an account: pjsip.conf, else a wizard."""
    both = [f for f in map(held, (PJSIP, WIZARD)) if isinstance(f, Endpoints)]
    return next((f for f in both if account.id in f.endpoints), both[0] if both else _NOTHING)


_NOTHING = Endpoints({}, {}, {})


def _in_database(files: ConfFolder) -> bool:
    """Whether Asterisk takes endpoints from a database as well (sorcery.conf)."""
    mapping = reader.read("sorcery.conf", files).browse("res_pjsip")
    return any(v.name == "endpoint" and v.value.startswith("realtime") for v in mapping)


def _public(run: Run) -> list[bytes]:
    """The code that everybody can fetch, if the phone is in the cache."""
    try:
        return known(source.phone(run, offline=True), client())
    except CmpBundleError:
        return []


def _passwords(accounts: tuple[Account, ...], public: list[bytes]) -> Iterator[Finding]:
    """Passwords that are none: too short, or known to everybody."""
    secrets = {}
    for account in accounts:
        if account.password and len(account.password) < _SHORT:
            text = f"the password of {account.id} is shorter than {_SHORT} characters"
            hint = f"cmp-bundle accounts rotate {account.id}"
            yield Finding(Level.NOTE, "short-password", account.id, text, account.secret, hint)
        for secret in sealed.own_secrets(account):
            secrets[secret.what] = (account, secret)
    for secret in leaks.standing_in(public, (s for _, s in secrets.values())):
        account = secrets[secret.what][0]
        text = f"{secret.what} stands in the phone's own code, so a build cannot look for it"
        hint = f"cmp-bundle accounts rotate {account.id}"
        yield Finding(Level.PROBLEM, "public-password", account.id, text, account.secret, hint)
