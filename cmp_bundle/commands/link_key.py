"""The use cases of the key of all links: keep a copy, put it back, make a new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.accounts import keyring as keyrings
from cmp_bundle.commands import loaded_accounts, server
from cmp_bundle.commands.account_files import read
from cmp_bundle.commands.context import with_notes
from cmp_bundle.commands.republish import Republished, here, republish
from cmp_bundle.errors import CmpBundleError, file_exists
from cmp_bundle.files import Disk, owned
from cmp_bundle.sizes import count, some

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cmp_bundle.changes.engine import Engine
    from cmp_bundle.commands.context import Context
    from cmp_bundle.server.server import Server


def unasked(loss: str) -> None:
    """Where there is nobody to ask. Raises CmpBundleError."""
    raise CmpBundleError("confirmation-needed", loss, hint="nothing was changed; to confirm: --yes")


@dataclass(frozen=True)
class KeyBackup:
    """``file`` is a copy of the key in ``key``, with the number of links that were ``renewed``."""

    file: Path
    key: Path
    renewed: int


def backup_key(context: Context, file: Path, *, force: bool = False) -> KeyBackup:
    """Copy the key of all links to ``file``. Raises CmpBundleError."""
    path = context.settings.links.key
    ring = keyrings.load(path)
    if ring is None:
        raise CmpBundleError(
            "no-link-key",
            "there is no key of all links yet",
            file=path,
            hint="it is made with the first link: cmp-bundle build",
        )
    if file.exists() and not force:
        raise file_exists(file)
    keyrings.save(ring, owned.resolved(file), Disk())
    return KeyBackup(file, path, len(ring.numbers))


@dataclass(frozen=True, kw_only=True)
class KeyChange(Republished):
    """``key`` is the file that was changed. ``kept`` are accounts whose link is newer than the
    backup's and stays; ``links`` is the number of links that are others now.
    """

    key: Path
    kept: tuple[str, ...] = ()
    links: int = 0


@with_notes
def restore_key(
    context: Context, file: Path, confirm: Callable[[str], None] = unasked
) -> KeyChange:
    """Put the key of all links back from ``file``, which a backup wrote.

    ``confirm`` is asked where links would stop working, and raises where that is not meant.
    """
    at, work = _recovered(context)
    path = context.settings.links.key
    from_a_backup = "name a file that cmp-bundle key backup wrote"
    try:
        fresh = keyrings.load(file)
    except keyrings.DamagedError as error:
        raise CmpBundleError(error.code, error.message, file=file, hint=from_a_backup) from error
    if fresh is None:
        raise CmpBundleError("no-file", "this file does not exist", file=file, hint=from_a_backup)
    before = _present(context, path)
    kept: list[str] = []
    if before is not None:
        backup, fresh = fresh, fresh.not_before(before)
        kept = sorted(n for n in fresh.numbers if fresh.token(n) != backup.token(n))
    if before == fresh:
        return KeyChange(changed=False, key=path, kept=tuple(kept))
    lost = []
    if before is not None:
        accounts = read(context).accounts
        lost = [a.id for a in accounts if before.token(a.id) != fresh.token(a.id)]
        confirm(
            f"the current links of {count(len(lost), 'account')} ({some(lost)}) will stop working"
            if lost
            else "the current key will be replaced"
        )
    with work.alone():
        if _present(context, path) != before:
            raise CmpBundleError(
                "file-changed",
                "was changed by somebody else at the same time",
                file=path,
                hint="cmp-bundle changed nothing; run it again",
            )
        done = _everywhere(context, at, work, "key restore", fresh)
    return KeyChange(**vars(done), key=path, kept=tuple(kept), links=len(lost))


@with_notes
def rotate_key(context: Context, confirm: Callable[[str], None] = unasked) -> KeyChange:
    """Make a new key, and with it a new link for everybody; ``confirm`` is asked as above."""
    at, work = _recovered(context)
    path = context.settings.links.key
    _present(context, path)
    number = len(read(context).accounts)
    if number:
        confirm(
            f"the links of {count(number, 'account')} will stop working, and everybody needs a new one"
        )
    with work.alone():
        done = _everywhere(context, at, work, "key rotate", keyrings.fresh())
    return KeyChange(**vars(done), key=path, links=number)


def _present(context: Context, path: Path) -> keyrings.Keyring | None:
    """The key in use; None where it is gone, or too damaged to be of any use.

    One that others can read still has all the links: what is lost with it is to be told.
    """
    try:
        return keyrings.load(path, allow_loose=True)
    except keyrings.DamagedError as error:
        context.reporter.warn(f"{error}; it is replaced")
        return None


def _recovered(context: Context) -> tuple[Server | None, Engine]:
    """The server here and what changes it, once what was cut off before is at its end.

    Which key there is, and whose links get lost, is only known then.
    """
    at = here(context)
    work = server.engine(context, at)
    with work.alone():
        return at, work


def _everywhere(
    context: Context, at: Server | None, work: Engine, action: str, ring: keyrings.Keyring
) -> Republished:
    """The key, and the profiles under it; all as it was where that does not work out."""
    with work.transaction(action) as changes:
        changes.do([keyrings.change(ring, context.settings.links.key)])
        return republish(context, loaded_accounts.load(context), at, changes)
