"""A note of each key of an authority that was made here, in a folder that no clone brings along.

Files in a folder of certificates may have come with it: unpacked from an archive they belong to
whoever unpacked them, modes and all. What stands in the user's own state folder did not.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import FileOwnership
from cmp_bundle.tls.desktop_user import entry_of
from cmp_bundle.tls.opening import opened
from cmp_bundle.tls.rights import as_owner

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

    from cmp_bundle.files import Disk


def note(key: PublicKeyTypes, disk: Disk) -> None:
    """Note that this user made it. Raises CmpBundleError where there is no place for that."""
    path = note_of(key)
    with as_owner(path):
        missing = [f for f in (path.parent, *path.parent.parents) if not f.exists()]
        for folder in reversed(missing):
            disk.make_folder(folder, FileOwnership(-1, -1, 0o700))
        disk.write(path, _content(path), FileOwnership(-1, -1, 0o600))


def forget(key: PublicKeyTypes, disk: Disk) -> None:
    """Take the note away; fine where there is none."""
    if is_noted(key):
        path = note_of(key)
        with as_owner(path):
            disk.remove(path)


def is_noted(key: PublicKeyTypes) -> bool:
    """Whether this very user has noted it, and nobody else in that user's place."""
    try:
        path = note_of(key)
        with opened(path) as file:
            ours = os.fstat(file.fileno()).st_uid == os.geteuid()
            # The content as well: one note must not be good for another by a new name.
            return ours and file.read(len(_content(path)) + 1) == _content(path)
    except (OSError, CmpBundleError):
        return False


def note_of(key: PublicKeyTypes) -> Path:
    """The file that notes it. Raises CmpBundleError for a user without a home."""
    public = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return _state() / "cmp-bundle/authorities" / hashlib.sha256(public).hexdigest()


def _content(path: Path) -> bytes:
    return f"{path.name}\n".encode()


def _state() -> Path:
    # What the environment says of folders is about who started this: not about a user with whose
    # rights root is at work. With sudo, HOME may be the one's or the other's.
    started_by = os.environ.get("SUDO_UID", str(os.getuid()))
    named = os.environ.get("XDG_STATE_HOME")
    if named and str(os.geteuid()) in (started_by, str(os.getuid())):
        return Path(named)
    home = os.environ.get("HOME")
    if home and "SUDO_UID" not in os.environ and os.getuid() == os.geteuid():
        return Path(home) / ".local/state"
    entry = entry_of(os.geteuid())
    if entry is None:
        raise CmpBundleError(
            "no-home",
            "you have no home folder, so cmp-bundle cannot note what was made here",
            hint="name a folder that only you can write to: XDG_STATE_HOME=/path",
        )
    return Path(entry.pw_dir) / ".local/state"
