"""Leaves on the disk: found while they are good, renewed when they are not, never lost."""

from __future__ import annotations

import datetime as dt
import stat
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cmp_bundle.errors import CmpBundleError, file_exists
from cmp_bundle.files import Disk, FileOwnership, locked
from cmp_bundle.shell import word
from cmp_bundle.tls.anchor import CERTIFICATE, anchor_in
from cmp_bundle.tls.authority import KEY, PATIENCE, authority_in, ensure
from cmp_bundle.tls.hosts import hosts as parsed
from cmp_bundle.tls.leaf import Leaf, issue, read, wider
from cmp_bundle.tls.pem import is_there
from cmp_bundle.tls.rights import as_owner

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cmp_bundle.tls.anchor import Anchor
    from cmp_bundle.tls.hosts import Host

#: The leaf of whoever serves on this machine; the only one that is renewed without being asked.
OWN = "this-machine.pem"

#: What is left of a leaf's time when it is renewed.
EARLY = dt.timedelta(days=30)


@dataclass(frozen=True)
class Stored:
    """A good leaf in a file, key and certificate.

    ``renewed`` says why this run made it, None where it was there; ``left_out`` are the hosts that
    the authority may not vouch for. ``fresh`` if the authority is new as well.
    """

    path: Path
    leaf: Leaf
    anchor: Anchor
    renewed: str | None = None
    left_out: tuple[Host, ...] = ()
    fresh: bool = False


def leaf_for(
    folder: Path,
    hosts: Sequence[str],
    now: dt.datetime,
    disk: Disk | None = None,
    asked: Sequence[str] = (),
) -> Stored:
    """A leaf for ``hosts`` out of ``folder``, made or renewed if need be; the authority too.

    An authority that is made may vouch for those that somebody ``asked`` for by name, and the
    private ones among the others. ``folder`` is made if its parent is there. Without the
    authority's key a good leaf is still found. Raises CmpBundleError with the file where something
    cannot be used, and where the file of the leaf is somebody else's: that one is never replaced.
    """
    disk = disk or Disk()
    wanted = parsed(hosts)
    with as_owner(folder):
        anchor = anchor_in(folder)
        if anchor is not None:
            anchor.check(now)
            found = _look(folder, anchor, wanted, now)
            if isinstance(found, Stored):
                return found
        authority = ensure(folder, parsed(asked) if asked else (), now, disk)
        with locked(folder, PATIENCE):
            # What was true before the lock need not be so now: another run may have renewed both.
            current = authority_in(folder, now) or authority
            found = _look(folder, current.anchor, wanted, now)
            if isinstance(found, Stored):
                return replace(found, fresh=authority.fresh)
            inside, left_out = _divided(current.anchor, wanted)
            issued = issue(current, inside, now)
            path = folder / OWN
            _write(issued, path, disk)
    return Stored(path, issued, current.anchor, found, left_out, authority.fresh)


def save(leaf: Leaf, path: Path, disk: Disk, *, force: bool = False) -> None:
    """Write a leaf for good. Raises CmpBundleError where there is a file and no ``force``.

    What is replaced keeps its owner, and who may read it, others excepted: a server that runs as
    a user of its own may depend on both.
    """
    path = path.absolute()
    if not path.parent.is_dir():
        raise CmpBundleError("no-file", "this folder does not exist", file=path.parent)
    if path.name in (CERTIFICATE, KEY):
        raise CmpBundleError(
            "file-reserved",
            "is the name of the authority's own file",
            file=path,
            hint="name another file: --out FILE",
        )
    with as_owner(path.parent), locked(path.parent, PATIENCE):
        not_through_a_link(path, "--out")
        if is_there(path) and not force:
            raise file_exists(path, "name another file: --out FILE; or replace it: --force")
        _write(leaf, path, disk)


def not_through_a_link(path: Path, option: str) -> None:
    """Raise CmpBundleError where ``path`` is a link: it may have come with a clone, and lead to any
    file of whoever works here. One that is set later is replaced, since files are put there by a
    rename.
    """
    if path.is_symlink():
        target = path.parent / path.readlink()
        raise CmpBundleError(
            "symlink",
            f"is a symlink to {target}, and cmp-bundle does not write through it",
            file=path,
            hint=f"if you mean that file, name it: {option} {word(target)}",
        )


def _write(leaf: Leaf, path: Path, disk: Disk) -> None:
    owner = FileOwnership.of(path.parent).with_mode(0o600)
    with suppress(FileNotFoundError):
        found = path.lstat()
        # Not of a link, which somebody may have set just now.
        if stat.S_ISREG(found.st_mode):
            owner = FileOwnership(found.st_uid, found.st_gid, found.st_mode & 0o660 | 0o600)
    disk.write(path, leaf.pem, owner)


def _divided(anchor: Anchor, wanted: Sequence[Host]) -> tuple[tuple[Host, ...], tuple[Host, ...]]:
    """Those that the authority may vouch for, and the others. Raises where it is none."""
    inside = tuple(h for h in wanted if anchor.bounds.allow(h))
    if not inside:
        raise CmpBundleError(
            "authority-limits",
            f"the authority here cannot sign for {', '.join(map(str, wanted))}",
            file=anchor.path,
            hint=wider(*wanted),
        )
    return inside, tuple(h for h in wanted if h not in inside)


def _look(folder: Path, anchor: Anchor, wanted: Sequence[Host], now: dt.datetime) -> Stored | str:
    """The leaf that is there, or why it has to be made. Raises where it is not ours to replace."""
    path = folder / OWN
    inside, left_out = _divided(anchor, wanted)
    away = f"move it away: mv {word(path)} {word(f'{path}.old')}; then run this again"
    if path.is_symlink():
        raise CmpBundleError(
            "symlink", "is a symlink, so it is neither used nor replaced", file=path, hint=away
        )
    if not is_there(path):
        return "there was none"
    try:
        leaf = read(path)
    except CmpBundleError as error:
        if isinstance(error.__cause__, OSError):
            raise
        # Whatever it is, somebody may miss it.
        raise CmpBundleError(error.code, error.message, file=path, hint=away) from error
    if not leaf.ours:
        raise CmpBundleError(
            "file-exists", "was not made by cmp-bundle, so it is not replaced", file=path, hint=away
        )
    if stat.S_IMODE(path.stat().st_mode) & 0o007:
        return "other users could read its key"
    why = _why_not(leaf, anchor, inside, now)
    return why or Stored(path, leaf, anchor, None, left_out)


def _why_not(leaf: Leaf, anchor: Anchor, hosts: Sequence[Host], now: dt.datetime) -> str | None:
    """Why a leaf is not good enough; None if it is."""
    if not anchor.signed(leaf.certificate):
        return "another authority had signed it"
    if now >= leaf.not_after:
        return f"it expired on {leaf.not_after:%Y-%m-%d}"
    # A leaf that ends with its authority gains nothing by being made again.
    if leaf.not_after - now < EARLY and leaf.not_after < anchor.not_after:
        return f"it would have expired on {leaf.not_after:%Y-%m-%d}"
    if now < leaf.certificate.not_valid_before_utc:
        return "it was not valid yet"
    missing = [str(h) for h in hosts if not leaf.covers(h)]
    return f"it was not for {', '.join(missing)}" if missing else None
