"""Everybody who gets a phone: what build, deploy, serve and the commands for links share."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from cmp_bundle.accounts import keyring as keyrings
from cmp_bundle.accounts import store
from cmp_bundle.accounts.conf_source import ConfSource
from cmp_bundle.accounts.open_source import Opener
from cmp_bundle.accounts.profile import content
from cmp_bundle.accounts.realm import digested
from cmp_bundle.accounts.source import resolved
from cmp_bundle.accounts.source_name import PJSIP, WIZARD, is_database
from cmp_bundle.bundle import manifest, sealed
from cmp_bundle.bundle.build import People
from cmp_bundle.bundle.leaks import Secret
from cmp_bundle.cli import server
from cmp_bundle.deploy.survey import deployed_profiles
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk, owned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cmp_bundle.accounts.endpoint import Endpoints
    from cmp_bundle.accounts.keyring import Keyring
    from cmp_bundle.accounts.model import Account
    from cmp_bundle.accounts.store import AccountFile
    from cmp_bundle.asterisk.conf_files import ConfFolder
    from cmp_bundle.cli.command import Run

#: The settings that say who they are, as flags.
FLAGS = ("accounts.file", "accounts.database_password_file")

ALLOW_LOOSE = click.option(
    "--allow-loose", is_flag=True, help="Use files with passwords that others can read, too."
)

#: The password for databases, where it does not come from a file.
DATABASE_PASSWORD = "CMP_BUNDLE_DATABASE_PASSWORD"  # noqa: S105 - the name of a variable


@dataclass(frozen=True)
class Everyone:
    """``accounts`` as they are now: with what their sources hold, and HA1 where it is enough.

    ``people`` is their part of a bundle. Where there is nobody, ``keyring`` is on no disk.
    """

    book: AccountFile
    accounts: tuple[Account, ...]
    keyring: Keyring
    people: People


def everyone(
    run: Run,
    *,
    allow_loose: bool = False,
    complete: bool = False,
    plain: str | None = None,
    trying: Keyring | None = None,
) -> Everyone:
    """Everybody of the file of accounts.

    The key of the links is made if there is none yet; nothing else is written, unless
    ``complete``: then accounts without a password get one, in their file. ``plain`` is the
    account whose profile is to be public. With a key for ``trying`` the operator's is neither made
    nor read. Raises CmpBundleError with all that is wrong.
    """
    book = read(run, allow_loose=allow_loose)
    if plain is not None:
        named(book.accounts, plain, book)
    if complete:
        book = _completed(run, book)
    elif book.without_secret:
        names = ", ".join(a.id for a in book.without_secret[:3])
        more = ", …" if len(book.without_secret) > 3 else ""  # noqa: PLR2004 - what fits on a line
        run.reporter.note(
            f"without a password, which will have to be typed: {names}{more};"
            " a build gives them one, or: cmp-bundle accounts rotate USER"
        )
    if not book.accounts:
        return Everyone(book, (), keyrings.fresh(), People())
    now, secret = resolve(run, book)
    ring = key(run) if trying is None else trying
    secrets: tuple[Secret, ...] = (*sealed.secrets(now, ring), *secret)
    shown = None
    if plain is not None:
        one = named(now, plain, book)
        shown = content(one)
        whose = [a for a in (one, *book.accounts) if a.id == plain]
        public = {s.value for a in whose for s in sealed.own_secrets(a)}
        # Whoever has the password has its digests.
        public |= {s.value for s in secret if s.what == f"the HA1 of {plain}"}
        secrets = tuple(s for s in secrets if s.value not in public)
    people = People(sealed.profiles(now, ring), secrets, shown)
    return Everyone(book, now, ring, people)


def read(run: Run, *, allow_loose: bool = False, new: bool = False) -> AccountFile:
    """The file of accounts; an empty one where there is none.

    Raises CmpBundleError, also where the operator named one that is not there, unless it may be
    ``new``.
    """
    named = run.loaded.origins["accounts.file"].kind != "default"
    path = store.find(run.settings.accounts.file, named=named)
    if named and not path.exists() and not new:
        raise CmpBundleError(
            "no-file",
            "there is no such file of accounts",
            file=path,
            hint="cmp-bundle accounts add makes one; or name another: [accounts] file",
        )
    return store.read(path, allow_loose=allow_loose)


def resolve(
    run: Run, book: AccountFile, chosen: tuple[Account, ...] | None = None
) -> tuple[tuple[Account, ...], tuple[Secret, ...]]:
    """The accounts of ``book`` as they are now, and the secrets that they no longer show.

    All of them, or those ``chosen``. Raises CmpBundleError with every account that its source
    does not have.
    """
    realm = run.settings.accounts.realm
    open_source = opener(run, book)
    files = _asterisks(open_source.asterisk)
    default = realm or next((found.realm for found in files if found.realm), "")
    accounts = book.accounts if chosen is None else chosen
    now = resolved(accounts, open_source, default)
    hidden = tuple(s for a in now if a.password for s in sealed.own_secrets(a))
    if open_source.database_password:
        hidden += (Secret("the password of the database", open_source.database_password),)
    after = digested(now, files, realm)
    # Of those that keep their password, nobody knows which of their digests is as good.
    return after, (*hidden, *sealed.digests(after, _realms(run, files)))


def _realms(run: Run, files: Iterable[Endpoints]) -> set[str]:
    """What a realm may be here: what is named as one, and this server's names."""
    settings = run.settings
    host = urlsplit(settings.site.url).hostname or ""
    held = (found.realm for found in files)
    return {settings.accounts.realm, settings.server.host, host, *held} - {""}


def opener(run: Run, book: AccountFile) -> Opener:
    """What opens the sources of accounts."""
    needed = any(a.source in (PJSIP, WIZARD) for a in book.accounts)
    databases = any(is_database(a.source) for a in book.accounts)
    files = asterisk(run, needed=needed)
    if not databases:
        return Opener(book.path.parent, files)
    realm = run.settings.accounts.realm or default_realm(files)
    return Opener(book.path.parent, files, database_password(run), realm)


def asterisk(run: Run, *, needed: bool) -> ConfFolder | None:
    """The configuration of the Asterisk that the settings name.

    Without it accounts keep their passwords where HA1 would do; so what stands against looking
    at it is an error only where it is ``needed``.
    """
    try:
        found = server.look(run)
    except CmpBundleError:
        if needed:
            raise
        return None
    return found.files if found else None


def database_password(run: Run) -> str:
    """What the operator said; empty leaves it to the driver. Raises CmpBundleError."""
    named = run.settings.accounts.database_password_file
    if named:
        base = run.loaded.base("accounts.database_password_file")
        return store.read_password(base / Path(named).expanduser())
    return os.environ.get(DATABASE_PASSWORD, "")


def key(run: Run) -> Keyring:
    """The key of the links, made if there never was one. Raises CmpBundleError."""
    path = run.settings.links.key
    found = keyrings.load(path)
    if found is not None:
        return found
    lost = _given_out(run)
    if lost:
        raise CmpBundleError(
            "link-key-lost",
            f"the key of all links is not there, and {lost}: a new key would make every link that"
            " was given out worthless",
            file=path,
            hint="put it back: cmp-bundle key restore FILE; or give everybody a new link:"
            " cmp-bundle key rotate",
        )
    made, _ = keyrings.load_or_make(path, Disk())
    run.reporter.note(
        f"made the key of all links: {path}; keep a copy in a safe place: cmp-bundle key backup FILE"
    )
    return made


def _given_out(run: Run) -> str:
    """What tells that there were links before; empty where nothing does."""
    out = run.settings.build.out
    if (out / manifest.NAME).is_file():
        try:
            held = owned.content(out / manifest.NAME, manifest.LARGEST)
            count = manifest.from_json(held, out).profiles.count
        except (CmpBundleError, OSError):
            count = 0
        if count:
            return f"{out} holds {count} profiles that were sealed with it"
    try:
        where = server.look(run)
    except CmpBundleError:
        return ""
    if where and deployed_profiles(where, run.settings.site.name):
        return f"{where.static} holds profiles that were sealed with it"
    return ""


def _completed(run: Run, book: AccountFile) -> AccountFile:
    after = book.completed()
    if after is book:
        return book
    after.write(Disk())
    fresh = [a.id for a in book.without_secret]
    whose = f"{len(fresh)} accounts" if len(fresh) > 1 else fresh[0]
    run.reporter.note(
        f"{book.path}: made and stored a password for {whose}; Asterisk has to get it"
    )
    return after


def default_realm(files: ConfFolder | None) -> str:
    """The realm of an Asterisk's challenges where an auth does not say; empty if unknown."""
    return next((found.realm for found in _asterisks(files) if found.realm), "")


def _asterisks(files: ConfFolder | None) -> list[Endpoints]:
    """What Asterisk's own files hold, as far as they are there and can be read."""
    found = []
    if files is None:
        return []
    for name in (PJSIP, WIZARD):
        try:
            found.append(ConfSource(name, files, name).found())
        except CmpBundleError:
            continue
    return found


def named(everybody: Iterable[Account], name: str, book: AccountFile) -> Account:
    """The account called ``name``. Raises CmpBundleError."""
    for account in everybody:
        if account.id == name:
            return account
    raise CmpBundleError(
        "no-account",
        f"there is no account {name!r}",
        file=book.path,
        hint="cmp-bundle accounts list",
    )
