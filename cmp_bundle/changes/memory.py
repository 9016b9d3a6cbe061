"""Where runs remember what they are about to do: a folder that nobody but whoever runs them can write."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from cmp_bundle.errors import CmpBundleError, reason
from cmp_bundle.files import OTHERS, Boundary, FileOwnership
from cmp_bundle.shell import word

if TYPE_CHECKING:
    from cmp_bundle.files import Disk

#: Names another folder than the usual one.
VARIABLE = "CMP_BUNDLE_STATE"

_ROOTS = Path("/var/lib/cmp-bundle")
_MODE = 0o700


def memory(subject: str, disk: Disk) -> Path:
    """The folder for what is done to ``subject``, made if need be: a server's configuration folder.

    Raises CmpBundleError where anybody else could write in it: whoever can, could have the next
    run undo what never was.
    """
    base, found = _base(), folder(subject)
    here, ownership = disk.within(Boundary()), owner().with_mode(_MODE)
    try:
        for missing in reversed([p for p in (base, *base.parents) if not p.exists()]):
            here.make_folder(missing, ownership)
        _refuse_shared(base)
    except OSError as error:
        raise CmpBundleError(
            "state-folder",
            f"cannot be used to remember what is done: {reason(error)}",
            file=base,
            hint=f"name a folder that is yours alone: {VARIABLE}=/path",
        ) from error
    here.make_folder(found, ownership)
    return found


def owner() -> FileOwnership:
    """Whose the files in it are."""
    return FileOwnership(os.geteuid(), os.getegid(), 0o600)


def folder(subject: str) -> Path:
    """The same folder, there or not."""
    return _base() / _name(subject)


def _base() -> Path:
    named = os.environ.get(VARIABLE)
    try:
        if named:
            return Path(named).expanduser().absolute()
        if os.geteuid() == 0:
            return _ROOTS
        return platformdirs.user_state_path("cmp-bundle", appauthor=False)
    except RuntimeError as error:
        raise CmpBundleError(
            "state-folder",
            f"there is no folder to remember in what is done: {error}",
            hint=f"name one that nobody else can write in: {VARIABLE}=/path",
        ) from error


def _refuse_shared(base: Path) -> None:
    """Raises CmpBundleError where somebody else could have written what lies there."""
    with Boundary().opened(base) as opened:
        found, rights = opened.stat("."), opened.rights
    if found.st_uid == os.geteuid() == rights.uid and not found.st_mode & OTHERS:
        return
    raise CmpBundleError(
        "state-folder",
        "is where cmp-bundle remembers how to undo what it does, and others than you may use it",
        file=base,
        hint=f"chown {os.geteuid()} {word(base)} && chmod 700 {word(base)}, its parents too if they are not"
        f" yours or root's; or name another folder: {VARIABLE}=/path",
    )


def _name(subject: str) -> str:
    """A name that tells a person which server it is, and is no other's."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", subject).strip("-")[-40:]
    return f"{readable}-{hashlib.sha256(subject.encode()).hexdigest()[:8]}"
