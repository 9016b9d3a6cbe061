"""The use cases of the file of accounts: list, show, add, remove, check, new passwords."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cmp_bundle.accounts import fields, generate
from cmp_bundle.accounts import keyring as keyrings
from cmp_bundle.accounts.edits import Edits
from cmp_bundle.accounts.endpoint import Endpoints
from cmp_bundle.accounts.fields import AccountFields
from cmp_bundle.accounts.rotate import holds, renewal
from cmp_bundle.asterisk.sorcery import in_database
from cmp_bundle.bundle.build import known
from cmp_bundle.bundle.client import client
from cmp_bundle.changes.step import Reload
from cmp_bundle.checks.accounts import Uncounted, against_asterisk, passwords
from cmp_bundle.checks.contexts import WrittenDialplan
from cmp_bundle.checks.sorcery import not_counted
from cmp_bundle.checks.websocket import without_pjsip
from cmp_bundle.commands import loaded_accounts, server
from cmp_bundle.commands.account_files import named, read
from cmp_bundle.commands.context import with_notes
from cmp_bundle.commands.fetched import phone
from cmp_bundle.commands.provisioned_rows import provisioned_databases
from cmp_bundle.commands.republish import Republished, here, republish
from cmp_bundle.errors import CmpBundleError, refuse
from cmp_bundle.files import Disk
from cmp_bundle.findings import Level
from cmp_bundle.places import Place
from cmp_bundle.provision.pjsip import by_hand
from cmp_bundle.provision.plan import phones
from cmp_bundle.provision.survey import Abilities, abilities
from cmp_bundle.shell import word
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from cmp_bundle.accounts.model import Account
    from cmp_bundle.accounts.open_source import Sources
    from cmp_bundle.commands.context import Context
    from cmp_bundle.findings import Finding

#: What makes Asterisk read the passwords in its files again. Those in a database it always reads.
_RELOAD = "module reload res_pjsip.so"


@dataclass(frozen=True)
class ListedAccount:
    """An account without its secrets: ``secret`` is password, ha1 or None, ``secret_at`` where it
    stands, ``place`` where the account itself was read. ``extension`` is its own number, ``dial``
    what its Call button dials.
    """

    id: str
    display_name: str
    auth_name: str
    secret: str | None
    secret_at: str | None
    realm: str
    extension: str
    dial: str
    register: bool | None
    host: str
    port: int
    path: str
    ice: tuple[str, ...] | None
    source: str
    place: str | None
    pjsip: str | None = None


@dataclass(frozen=True)
class Accounts:
    """The accounts of ``file``, in its order."""

    file: Path
    accounts: tuple[ListedAccount, ...]


def list_accounts(context: Context) -> Accounts:
    """The accounts as the file has them. Raises CmpBundleError."""
    file = read(context)
    return Accounts(file.path, tuple(_listed(account) for account in file.accounts))


def show_account(context: Context, user: str, *, pjsip: bool = False) -> ListedAccount:
    """One account as its phone gets it: with what its source holds, and the file's defaults.

    ``pjsip`` asks for the objects that Asterisk needs for it. Raises CmpBundleError.
    """
    file = read(context)
    row = named(file.accounts, user, file)
    ((account,), _) = loaded_accounts.resolve(context, file, (row,))
    shown = replace(_listed(account), place=str(row.place) if row.place else None)
    return replace(shown, pjsip=_objects(context, row)) if pjsip else shown


def _objects(context: Context, account: Account) -> str:
    """What ``provision`` would write for it."""
    if not (account.password or account.ha1):
        raise CmpBundleError(
            "no-password",
            f"{account.id} has no password in the account file",
            hint=f"to make one: cmp-bundle accounts rotate {word(account.id)}"
            if not account.source
            else f"its endpoint is in {account.source}",
        )
    where = server.look(context)
    known = abilities(where.control) if where and where.running else Abilities()
    settings = context.settings.provision
    return by_hand(account, phones(settings.context, known))


def _listed(account: Account) -> ListedAccount:
    return ListedAccount(
        id=account.id,
        display_name=account.display_name,
        auth_name=account.user,
        secret="ha1" if account.ha1 else "password" if account.password else None,
        secret_at=str(account.secret) if account.secret else None,
        realm=account.realm,
        extension=account.extension,
        dial=account.dial,
        register=account.register,
        host=account.host,
        port=account.port,
        path=account.path,
        ice=None if account.ice is None else tuple(server.url for server in account.ice),
        source=account.source,
        place=str(account.place) if account.place else None,
    )


@dataclass(frozen=True)
class AddedAccount:
    """``password_made`` is whether a password was made for it."""

    file: Path
    added: str
    password_made: bool


def add_account(
    context: Context, user: str, password: str | None = None, **values: Any
) -> AddedAccount:
    """Add an account to the file, which is made if there is none. Raises CmpBundleError.

    ``values`` are other fields of an account, by their names in the file. Without a password, and
    without a ``source`` that has one, a password is made.
    """
    file = read(context, new=True)
    generated = password is None and not values.get("source")
    secret = generate.password() if generated else password or ""
    written = {"id": user, "password": secret} | values
    account = _account({name: value for name, value in written.items() if value is not None})
    file.edited(Edits(add=(account,))).write(Disk())
    return AddedAccount(file.path, user, generated)


def _account(values: Mapping[str, object]) -> Account:
    """The account of these fields. Raises CmpBundleError with all that is wrong."""
    findings: list[Finding] = []
    account = fields.account(AccountFields(values, Place("accounts add"), {}), findings)
    refuse(findings)
    assert account is not None  # noqa: S101 - it is None only where something is wrong
    return account


@dataclass(frozen=True)
class RemovedAccounts:
    file: Path
    removed: tuple[str, ...]


def remove_accounts(context: Context, users: Sequence[str]) -> RemovedAccounts:
    """Take accounts out of the file; their links are dead with the next build and deploy."""
    file = read(context)
    ids = tuple(dict.fromkeys(users))
    refuse(file.unknown(ids))
    # Somebody who is called the same later shall not be reached by the old link.
    path = context.settings.links.key
    ring = keyrings.load(path)
    file.edited(Edits(remove=frozenset(ids))).write(Disk())
    if ring is not None:
        for user in ids:
            ring = ring.renewed(user)
        keyrings.save(ring, path, Disk())
    return RemovedAccounts(file.path, ids)


@dataclass(frozen=True)
class AccountFindings:
    """What is to be said of the ``accounts`` (their number) of ``file``."""

    file: Path
    accounts: int
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> bool:
        """Whether there is a phone that will not work."""
        return any(one.level is Level.ERROR for one in self.findings)


def check_accounts(context: Context) -> AccountFindings:
    """The accounts beside what Asterisk has. Raises CmpBundleError where that cannot be compared."""
    file = read(context)
    if not file.accounts:
        return AccountFindings(file.path, 0, ())
    found = [
        *_live(context),
        *_compared(file.accounts, loaded_accounts.sources(context, file, compared=True)),
        *passwords(file.accounts, _public(context)),
    ]
    return AccountFindings(file.path, len(file.accounts), tuple(found))


def _live(context: Context) -> Iterator[Finding]:
    """What keeps all phones from registering, where Asterisk runs here."""
    try:
        where = server.look(context)
    except CmpBundleError:
        return
    found = without_pjsip(where.control) if where and where.running else None
    if found is not None:
        yield found


def _compared(accounts: tuple[Account, ...], sources: Sources) -> Iterator[Finding]:
    def endpoints(name: str) -> Endpoints | CmpBundleError:
        try:
            return loaded_accounts.with_files(name, sources)
        except CmpBundleError as error:
            return error

    named = dict.fromkeys(a.source for a in accounts if a.source)
    if sources.asterisk is None:
        there = {name: endpoints(name) for name in named}
        yield from against_asterisk(accounts, there, None, complete=False)
        return
    ours = sources.of_asterisk(all_of_it=True)
    there = {name: ours.get(name) or endpoints(name) for name in named}
    line = not_counted(sources.asterisk)
    yield from against_asterisk(
        accounts,
        there,
        ours.values(),
        complete=not in_database(sources.asterisk),
        uncounted=Uncounted(sources.uncounted(), line) if line else None,
    )
    plan = WrittenDialplan(sources.asterisk)
    for account in accounts:
        held = (there[account.source],) if account.source else tuple(ours.values())
        found = (one.endpoints.get(account.id) for one in held if isinstance(one, Endpoints))
        endpoint = next((one for one in found if one is not None), None)
        if endpoint is not None:
            yield from plan.lacks(account, endpoint)


def _public(context: Context) -> list[bytes]:
    """The code that everybody can fetch, if the phone is in the cache."""
    try:
        return known(phone(context, offline=True), client())
    except CmpBundleError:
        return []


@dataclass(frozen=True, kw_only=True)
class RotatedPasswords(Republished):
    """``not_in_asterisk`` are those whose new password Asterisk does not have."""

    rotated: tuple[str, ...]
    not_in_asterisk: tuple[str, ...]


@with_notes
def rotate_passwords(context: Context, users: Sequence[str] | None = None) -> RotatedPasswords:
    """Give accounts new passwords, all without ``users``; their links stay the same."""
    at = here(context)
    work = server.engine(context, at)
    with work.alone():
        # What was cut off before may have changed what is read here.
        file = read(context)
        ids = [a.id for a in file.accounts] if users is None else list(dict.fromkeys(users))
        refuse(file.unknown(ids), "nothing was changed")
        provisioned = provisioned_databases(at.installation) if at else ()
        sources = loaded_accounts.sources(context, file, provisioned)
        copies = sources.with_copies()
        in_file = [a for a in file.accounts if a.id in ids and not a.source]
        alone = [a.id for a in in_file if not any(holds(a, found) for found in copies.values())]
        planned = renewal(file, ids, sources)
        with work.transaction("accounts rotate") as changes:
            # A profile with a new password shall meet an Asterisk that knows it. All in one: a run
            # that is cut off before the reload is undone with one, since somebody may have
            # restarted Asterisk meanwhile.
            changes.do([*planned.steps, *([Reload(_RELOAD)] if planned.files else [])])
            done = republish(context, loaded_accounts.load(context), at, changes)
    if alone:
        context.reporter.warn(
            f"Asterisk did not have the old password of {some(alone)}, so it does not have"
            f" the new one: it is in {file.path}; next: cmp-bundle accounts check"
            if sources.asterisk
            else f"no Asterisk was changed here: it still needs the new password of {some(alone)},"
            f" which is in {file.path}"
        )
    return RotatedPasswords(**vars(done), rotated=tuple(ids), not_in_asterisk=tuple(alone))
