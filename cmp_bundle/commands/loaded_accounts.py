"""Everybody who gets a phone: what build, deploy, serve and the commands for links share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cmp_bundle.accounts import keyring as keyrings
from cmp_bundle.accounts.filled import filled
from cmp_bundle.accounts.open_source import Sources
from cmp_bundle.accounts.profile import content
from cmp_bundle.accounts.realm import digested
from cmp_bundle.accounts.source_name import PJSIP, WIZARD, is_database
from cmp_bundle.asterisk.sorcery import in_database
from cmp_bundle.bundle import manifest, sealed
from cmp_bundle.bundle.build import BundledAccounts
from cmp_bundle.bundle.leaks import Secret
from cmp_bundle.commands import server
from cmp_bundle.commands.account_files import database_password, named, read
from cmp_bundle.deploy.survey import deployed_profiles
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk, owned
from cmp_bundle.files.rights import is_there
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cmp_bundle.accounts.endpoint import Endpoints
    from cmp_bundle.accounts.keyring import Keyring
    from cmp_bundle.accounts.model import Account
    from cmp_bundle.accounts.store import AccountFile
    from cmp_bundle.asterisk.conf_files import ConfFolder
    from cmp_bundle.commands.context import Context


@dataclass(frozen=True)
class LoadedAccounts:
    """``accounts`` as they are now: with what their sources hold, and HA1 where it is enough.

    ``bundled`` is their part of a bundle. Where there is nobody, ``keyring`` is on no disk.
    """

    file: AccountFile
    accounts: tuple[Account, ...]
    keyring: Keyring
    bundled: BundledAccounts


def load(
    context: Context,
    *,
    complete: bool = False,
    plain: str | None = None,
    trying: Keyring | None = None,
) -> LoadedAccounts:
    """Everybody of the file of accounts.

    The way of an account: its row in the file, what its source has of it, HA1 in place of its
    password, its sealed profile. The key of the links is made if there is none yet; nothing else is
    written, unless ``complete``: then accounts without a password get one, in their file. ``plain``
    is the account whose profile is to be public. With a key for ``trying`` the operator's is
    neither made nor read. Raises CmpBundleError with all that is wrong.
    """
    file = read(context)
    if plain is not None:
        named(file.accounts, plain, file)
    if complete:
        file = completed(context, file)
    elif file.without_secret:
        names = some([account.id for account in file.without_secret], 3)
        context.reporter.note(
            f"accounts without a password, so that their users must type one: {names};"
            " to make passwords: cmp-bundle build, or cmp-bundle accounts rotate USER"
        )
    if not file.accounts:
        return LoadedAccounts(file, (), keyrings.fresh(), BundledAccounts())
    now, hidden = resolve(context, file)
    ring = link_key(context) if trying is None else trying
    secrets: tuple[Secret, ...] = (*sealed.secrets(now, ring), *hidden)
    public_profile = None
    if plain is not None:
        one = named(now, plain, file)
        public_profile = content(one)
        public_accounts = [a for a in (one, *file.accounts) if a.id == plain]
        public = {s.value for a in public_accounts for s in sealed.account_secrets(a)}
        # Whoever has the password has its digests.
        public |= {s.value for s in hidden if s.what == f"the HA1 of {plain}"}
        secrets = tuple(s for s in secrets if s.value not in public)
    bundled = BundledAccounts(sealed.profiles(now, ring), secrets, public_profile)
    return LoadedAccounts(file, now, ring, bundled)


def resolve(
    context: Context, file: AccountFile, chosen: tuple[Account, ...] | None = None
) -> tuple[tuple[Account, ...], tuple[Secret, ...]]:
    """The accounts of ``file`` as they are now, and the secrets that they no longer show.

    All of them, or those ``chosen``. Raises CmpBundleError with every account that its source
    does not have.
    """
    opened = sources(context, file)
    endpoints = opened.of_asterisk().values()
    now = filled(file.accounts if chosen is None else chosen, opened)
    hidden = tuple(s for a in now if a.password for s in sealed.account_secrets(a))
    if opened.database_password:
        hidden += (Secret("the password of the database", opened.database_password),)
    after = digested(now, endpoints, context.settings.accounts.realm)
    # Of those that keep their password, nobody knows which of their digests is as good.
    return after, (*hidden, *sealed.digests(after, _realms(context, endpoints)))


def with_secrets(
    context: Context, file: AccountFile, chosen: tuple[Account, ...]
) -> tuple[Account, ...]:
    """Those of ``chosen`` that have a password or an HA1, with what their sources hold of it."""
    sourced = tuple(account for account in chosen if account.source)
    found = {a.id: a for a in resolve(context, file, sourced)[0]} if sourced else {}
    now = (found.get(account.id, account) for account in chosen)
    return tuple(account for account in now if account.password or account.ha1)


def _realms(context: Context, endpoints: Iterable[Endpoints]) -> set[str]:
    """What a realm may be here: what is named as one, and this server's names."""
    settings = context.settings
    host = urlsplit(settings.site.url).hostname or ""
    found = (one.realm for one in endpoints)
    return {settings.accounts.realm, settings.server.host, host, *found} - {""}


def sources(
    context: Context,
    file: AccountFile,
    provisioned: tuple[str, ...] = (),
    *,
    compared: bool = False,
) -> Sources:
    """Where the accounts of ``file`` have their passwords; ``provisioned`` as in Sources.

    Where they are ``compared`` with Asterisk, its files are needed whatever the accounts name.
    """
    names = {*provisioned, *(account.source for account in file.accounts)}
    names |= {PJSIP} if compared else set()
    password = database_password(context) if any(map(is_database, names)) else ""
    return replace(sources_of(context, file, names, password), provisioned=provisioned)


def sources_of(
    context: Context, file: AccountFile, needed: Iterable[str], password: str
) -> Sources:
    """Where passwords may stand; those ``needed`` are names of sources."""
    files = asterisk(context, needed=not {PJSIP, WIZARD}.isdisjoint(needed))
    return Sources(file.path.parent, files, password, context.settings.accounts.realm)


def with_files(name: str, sources: Sources) -> Endpoints:
    """What the source ``name`` holds, with what this machine's files have beside it, where that is a
    database and Asterisk takes its endpoints from one. Raises CmpBundleError.
    """
    found = sources.endpoints(name)
    there = sources.asterisk
    if not is_database(name) or there is None or not in_database(there):
        return found
    files = tuple(sources.of_asterisk().values())
    transports = {n: t for f in files for n, t in (f.transports or {}).items()}
    aors = {n: a for f in files for n, a in (f.aors or {}).items()}
    return replace(
        found,
        auths={n: a for f in files for n, a in f.auths.items()} | {**found.auths},
        aors=None if found.aors is None else aors | {**found.aors},
        transports=transports | {**(found.transports or {})} if files else found.transports,
    )


def asterisk(context: Context, *, needed: bool) -> ConfFolder | None:
    """The configuration of the Asterisk that the settings name.

    Without it accounts keep their passwords where HA1 would do; so what stands against looking
    at it is an error only where it is ``needed``.
    """
    try:
        found = server.look(context)
    except CmpBundleError:
        if needed:
            raise
        return None
    return found.files if found else None


def link_key(context: Context) -> Keyring:
    """The key of the links, made if there never was one. Raises CmpBundleError."""
    path = context.settings.links.key
    found = keyrings.load(path)
    if found is not None:
        return found
    lost = _given_out(context)
    if lost:
        raise CmpBundleError(
            "link-key-lost",
            f"the key of all links is missing, and {lost}: with a new key, every link that was given"
            " out would stop working",
            file=path,
            hint="restore it: cmp-bundle key restore FILE; or give everybody a new link:"
            " cmp-bundle key rotate",
        )
    fresh, _ = keyrings.load_or_make(path, Disk())
    context.reporter.note(
        f"made the key of all links: {path}; keep a copy in a safe place: cmp-bundle key backup FILE"
    )
    return fresh


def _given_out(context: Context) -> str:
    """What tells that there were links before; empty where nothing does."""
    out = context.settings.build.out
    if is_there(out / manifest.NAME):
        try:
            data = owned.content(out / manifest.NAME, manifest.LARGEST)
            count = manifest.from_json(data, out).profiles.count
        except (CmpBundleError, OSError):
            count = 0
        if count:
            return f"{out} holds {count} profiles that were sealed with it"
    try:
        where = server.look(context)
    except CmpBundleError:
        return ""
    if where and deployed_profiles(where, context.settings.site.name):
        return f"{where.static} holds profiles that were sealed with it"
    return ""


def completed(context: Context, file: AccountFile) -> AccountFile:
    """``file``, with a password for each account that had none and has no source; written at once."""
    after = file.completed()
    if after is file:
        return file
    after.write(Disk())
    fresh = [a.id for a in file.without_secret]
    accounts = f"{len(fresh)} accounts" if len(fresh) > 1 else fresh[0]
    context.reporter.note(
        f"{file.path}: made and stored a password for {accounts}; Asterisk needs it too"
    )
    return after
