"""What stands at a path now: one look through a handle, with the rights to use there."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from cmp_bundle.changes.state import FileState, FolderState, State, SymlinkState
from cmp_bundle.files import FileOwnership
from cmp_bundle.files.open_folder import LARGEST
from cmp_bundle.files.rights import unreadable

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.files import Boundary


def look(path: Path, boundary: Boundary, *, follow: bool = False, most: int = LARGEST) -> State:
    """The state of ``path``; the time of a file is left out.

    With ``follow`` it is that of what a symlink leads to. Raises CmpBundleError where it cannot
    be seen, is neither file nor folder nor symlink, or a file of more than ``most`` bytes.
    """
    rights = None
    try:
        with boundary.entry(path, follow=follow) as (folder, name):
            rights = folder.rights
            found = folder.stat(name)
            if stat.S_ISLNK(found.st_mode):
                return SymlinkState(folder.target(name))
            if stat.S_ISDIR(found.st_mode):
                return FolderState(FileOwnership.from_stat(found))
            content = folder.read(name, most)
            return FileState(content.data, content.owner)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise unreadable(path, error, rights=rights) from error
