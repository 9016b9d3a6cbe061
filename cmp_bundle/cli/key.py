from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cmp_bundle.accounts import keyring as keyrings
from cmp_bundle.cli import people, republish, server
from cmp_bundle.cli.command import Run, group
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.cli.sizes import count
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk, owned

if TYPE_CHECKING:
    from cmp_bundle.changes.engine import Engine
    from cmp_bundle.deploy.server import Server

_FILE = click.argument("file", type=click.Path(path_type=Path))
_YES = click.option("--yes", is_flag=True, help="Do it without asking.")


@make(
    _FILE,
    click.option("--force", is_flag=True, help="Replace a file that is there."),
    name="backup",
)
def backup(run: Run, *, file: Path, force: bool) -> Result:
    """Copy the key of all links to FILE.

    Keep the copy where nobody finds it: whoever has it has every link. It holds as well which
    links were renewed, so make a new one after that.
    """
    path = run.settings.links.key
    ring = _there(path)
    if file.exists() and not force:
        raise CmpBundleError(
            "file-exists",
            "is there already, and is not replaced",
            file=file,
            hint="insist: --force",
        )
    keyrings.save(ring, owned.resolved(file), Disk())
    return Result(
        f"{file}: the key of all links; keep it away from this machine, and from everybody else",
        {"file": file, "key": path, "renewed": len(ring.numbers)},
    )


@make(_FILE, _YES, people.ALLOW_LOOSE, flags=people.FLAGS, name="restore")
def restore(run: Run, *, file: Path, yes: bool, allow_loose: bool) -> Result:
    """Put the key of all links back from FILE, which a backup wrote.

    The links of the time of the backup work again, with the next build and deploy at the latest.
    Links made with another key since then are dead from then on. Where it is the key that is there
    already, a link that was renewed since the backup stays renewed: the old one opens nothing.
    """
    at, work = _recovered(run)
    path = run.settings.links.key
    from_a_backup = "name one that cmp-bundle key backup wrote"
    try:
        fresh = keyrings.load(file)
    except keyrings.DamagedError as error:
        raise CmpBundleError(error.code, error.message, file=file, hint=from_a_backup) from error
    if fresh is None:
        raise CmpBundleError("no-file", "there is no such file", file=file, hint=from_a_backup)
    before = _present(run, path)
    kept: list[str] = []
    if before is not None:
        backup, fresh = fresh, fresh.not_before(before)
        kept = sorted(n for n in fresh.numbers if fresh.token(n) != backup.token(n))
    said = (
        [f"newer than in {file}, and left as they are: the links of {_some(kept)}"] if kept else []
    )
    if before == fresh:
        text = "\n".join([f"{path} is the same key already", *said])
        return Result(text, {"key": path, "changed": False, "kept": kept})
    if before is not None:
        _confirm(_lost_by_restoring(run, before, fresh, allow_loose=allow_loose), yes=yes)
    with work.alone():
        if _present(run, path) != before:
            raise CmpBundleError(
                "file-changed",
                "was changed by somebody else at the same time",
                file=path,
                hint="nothing was changed by this; run it again",
            )
        done = _everywhere(run, at, work, "key restore", fresh, allow_loose=allow_loose)
    return Result(
        "\n".join([f"{path}: the key from {file} is back", *said, *done.lines]),
        {"key": path, "changed": True, "kept": kept, **done.data},
    )


@make(_YES, people.ALLOW_LOOSE, flags=people.FLAGS, name="rotate")
def rotate(run: Run, *, yes: bool, allow_loose: bool) -> Result:
    """Make a new key, and with it a new link for everybody.

    For the day on which somebody may have read the key, or on which it is lost. All links that
    were given out are dead then: at once on the server of this machine, elsewhere with the next
    build and deploy.
    """
    at, work = _recovered(run)
    path = run.settings.links.key
    _present(run, path)
    number = len(people.read(run, allow_loose=allow_loose).accounts)
    loss = f"the links of {count(number, 'account')} will stop working, and all need new ones"
    _confirm(loss, yes=yes or not number)
    with work.alone():
        fresh = keyrings.fresh()
        done = _everywhere(run, at, work, "key rotate", fresh, allow_loose=allow_loose)
    return Result(
        "\n".join([f"{path}: a new key", *done.lines, "the new links: cmp-bundle links"]),
        {"key": path, "links": number, **done.data},
    )


command = group(
    """Keep, restore or replace the key of all links.

    All links are derived from one key, which is made with the first of them. Without it the links
    that were given out go on working where they are deployed, but no build can make the same
    again: everybody would need a new one.
    """,
    backup,
    restore,
    rotate,
)


def _there(path: Path) -> keyrings.Keyring:
    ring = keyrings.load(path)
    if ring is None:
        raise CmpBundleError(
            "no-link-key",
            "there is no key yet",
            file=path,
            hint="it is made with the first link: cmp-bundle build",
        )
    return ring


def _present(run: Run, path: Path) -> keyrings.Keyring | None:
    """The key in use; None where it is gone, or too damaged to be of any use.

    One that others can read still has all the links: what is lost with it is to be told.
    """
    try:
        return keyrings.load(path, allow_loose=True)
    except keyrings.DamagedError as error:
        run.reporter.warn(f"{error}; it is replaced")
        return None


def _lost_by_restoring(
    run: Run, before: keyrings.Keyring, fresh: keyrings.Keyring, *, allow_loose: bool
) -> str:
    accounts = people.read(run, allow_loose=allow_loose).accounts
    lost = [a.id for a in accounts if before.token(a.id) != fresh.token(a.id)]
    if not lost:
        return "the key that is there now will be replaced"
    return (
        f"the links that {count(len(lost), 'account')} ({_some(lost)}) have now will stop working"
    )


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")  # noqa: PLR2004 - a line's worth


def _recovered(run: Run) -> tuple[Server | None, Engine]:
    """The server here and what changes it, once what was cut off before is at its end.

    Which key there is, and whose links get lost, is only known then.
    """
    at = republish.here(run)
    work = server.engine(run, at)
    with work.alone():
        return at, work


def _everywhere(
    run: Run,
    at: Server | None,
    work: Engine,
    action: str,
    ring: keyrings.Keyring,
    *,
    allow_loose: bool,
) -> republish.Done:
    """The key, and the profiles under it; all as it was where that does not work out."""
    with work.transaction(action) as changes:
        changes.do([keyrings.change(ring, run.settings.links.key)])
        everybody = people.everyone(run, allow_loose=allow_loose)
        return republish.republish(run, everybody, at, changes)


def _confirm(loss: str, *, yes: bool) -> None:
    """Raises CmpBundleError where nobody can be asked, click.Abort where the answer is no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise CmpBundleError(
            "confirmation-needed", loss, hint="nothing was changed; if that is meant: --yes"
        )
    click.confirm(f"{loss}. Go on?", abort=True, err=True)
